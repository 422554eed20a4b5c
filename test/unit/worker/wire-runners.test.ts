// Jobs that travel give the answers of jobs that stay: over every recorded block, through the querier's own HTTP API.
import assert from 'node:assert/strict';
import { before, describe, test } from 'node:test';
import type { WireAnswer, WireJob } from '#engine/api/job-wire.ts';
import type { MetricsRange } from '#engine/api/metrics-request.ts';
import { labelsKey, type MetricsAnswer } from '#engine/api/metrics-series.ts';
import type { SearchAnswer } from '#engine/api/search-answer.ts';
import type { TraceAnswer } from '#engine/api/trace-answer.ts';
import { AppError } from '#engine/base/errors.ts';
import { type TenantId, tenantId } from '#engine/base/units.ts';
import type { BlockMeta } from '#engine/blocklist/meta.ts';
import { parseIdentifier } from '#engine/traceql/parse.ts';
import { parseTagFilter } from '#engine/traceql/tag-filter.ts';
import type { Runners } from '../../../querier/worker/runners.ts';
import { createWireRunners } from '../../../querier/worker/wire-runners.ts';
import { recordedBlocks } from '../../conformance/cases.ts';
import { sendToHandlers } from './job-routes.ts';
import { createLocalRunners, type LocalRunners } from './local-runners.ts';

const signal = new AbortController().signal;

function partOf(block: BlockMeta) {
  const { blockId, version, sizeBytes, footerBytes, totalRecords, dedicatedColumns } = block;
  return { blockId, version, sizeBytes, footerBytes, totalRecords, dedicatedColumns, startPage: 0, pagesToSearch: totalRecords };
}

/** A job as it arrived, and what became of it. */
interface Tapped {
  readonly job: unknown;
  readonly answer: unknown;
}

/** Runs every job once and keeps it with its answer, or the text of its error: what the other end must get. */
function tap(runners: Runners): { readonly runners: Runners; readonly last: () => Tapped } {
  let last: Tapped | undefined;
  const keep =
    <Args extends unknown[], Answer>(run: (...args: Args) => Promise<Answer>) =>
    async (...args: Args): Promise<Answer> => {
      const job = args.length > 2 ? args[1] : args[0];
      try {
        const answer = await run(...args);
        last = { job, answer };
        return answer;
      } catch (thrown) {
        last = { job, answer: messageOf(thrown) };
        throw thrown;
      }
    };
  const { search, metrics, trace, tags } = runners;
  const tapped = {
    search: keep(search),
    metrics: keep(metrics),
    trace: keep(trace),
    tags: { names: keep(tags.names), values: keep(tags.values) },
  };
  return { runners: tapped, last: () => last! };
}

function messageOf(thrown: unknown): string {
  return thrown instanceof AppError ? thrown.message : String(thrown);
}

/** Sends a job on its way and checks that it arrived as it was, and that its answer came back as it was. */
async function roundTrip<Job, Answer>(
  job: Job,
  run: (job: Job) => Promise<Answer>,
  last: () => Tapped,
  plain: (answer: Answer) => unknown,
): Promise<Answer | undefined> {
  let got: Answer | undefined;
  let error: string | undefined;
  try {
    got = await run(job);
  } catch (thrown) {
    error = messageOf(thrown);
  }
  const arrived = last();
  assert.deepEqual(arrived.job, job);
  if (got === undefined) assert.equal(error, arrived.answer);
  else assert.deepEqual(plain(got), plain(arrived.answer as Answer));
  return got;
}

function plainSearch({ traces, metrics }: SearchAnswer): unknown {
  const { offsets, traceIds, startNanos, format } = traces;
  return {
    format,
    bytes: Buffer.from(traces.bytes).toString('latin1'),
    offsets,
    ids: Buffer.from(traceIds).toString('hex'),
    startNanos,
    metrics,
  };
}

/** Rates make a round trip through doubles; order is that of the answer. */
function plainMetrics({ grid, series, inspectedBytes, inspectedSpans }: MetricsAnswer): unknown {
  const found = series.filter(({ values }) => !values.every(Number.isNaN));
  const sorted = found
    .map((one) => ({ key: labelsKey(one.labels), ...one, weights: one.weights ?? [] }))
    .sort((a, b) => (a.key < b.key ? -1 : 1));
  return { grid, series: sorted, inspectedBytes, inspectedSpans };
}

const metricsQueries = [
  '{} | rate()',
  '{} | rate() by (resource.service.name, span.http.status_code)',
  '{} | count_over_time() by (span.no.such, kind)',
  '{} | min_over_time(duration) by (name)',
  '{} | sum_over_time(span.http.status_code)',
  '{} | avg_over_time(duration) by (span.http.status_code)',
  '{ status = error } | avg_over_time(duration)',
  '{} | histogram_over_time(duration) by (resource.service.name)',
  '{} | quantile_over_time(duration, .5, .9)',
  '{} | compare({ status = error })',
];
const searchQueries = [
  '{}',
  '{ status = error }',
  '{ resource.service.name != nil } | select(span.http.url, kind)',
  '{ } | by(name) | count() > 1',
];
const tags = ['resource.service.name', '.http.method', 'name', 'kind', 'span.http.status_code', 'span."with space"', 'trace:rootName'];

describe('wire runners', () => {
  let local: LocalRunners;
  let wire: Runners;
  let last: () => Tapped;
  const sent: WireJob[] = [];
  const blocks: { readonly tenant: TenantId; readonly block: BlockMeta }[] = [];
  before(async () => {
    local = await createLocalRunners(recordedBlocks);
    const tapped = tap(local.runners);
    ({ last } = tapped);
    const send = sendToHandlers(tapped.runners, '/tempo');
    wire = createWireRunners(
      (job, inner) => {
        sent.push(job);
        return send(job, inner);
      },
      { httpApiPrefix: '/tempo' },
    );
    for (const name of local.tenants()) {
      const tenant = tenantId(name);
      for (const block of local.blocklist(tenant).metas.slice(0, 2)) blocks.push({ tenant, block });
    }
    assert.ok(blocks.length > 15, `${blocks.length} blocks`);
  });

  test('search, in both formats', async () => {
    let traces = 0;
    for (const { tenant, block } of blocks) {
      for (const [index, query] of searchQueries.entries()) {
        const range = { startSeconds: block.startSeconds, endSeconds: block.endSeconds + 1 };
        const request = { query, tags: new Map(), ...range, limit: 50, spansPerSpanset: 3 - (index % 2), block: partOf(block) };
        for (const format of ['json', 'protobuf'] as const) {
          const answer = await roundTrip({ tenant, request, format }, (job) => wire.search(job, signal), last, plainSearch);
          traces += answer?.traces.count ?? 0;
        }
      }
    }
    assert.ok(traces > 1000, `${traces} traces`);
  });

  test('metrics of every function: series, their types, exemplars and numbers of values', async () => {
    let series = 0;
    for (const { tenant, block } of blocks.filter((_, index) => index % 2 === 0)) {
      for (const query of metricsQueries) {
        const stepNanos = 60_000_000_000n;
        const range: MetricsRange = {
          query,
          startNanos: ((BigInt(block.startSeconds) * 1_000_000_000n) / stepNanos) * stepNanos,
          endNanos: ((BigInt(block.endSeconds + 60) * 1_000_000_000n) / stepNanos) * stepNanos,
          stepNanos,
          instant: false,
          exemplars: 10,
          maxSeries: 0,
        };
        const instant = { ...range, instant: true, stepNanos: range.endNanos - range.startNanos, exemplars: 0 };
        for (const one of [range, instant]) {
          const job = { tenant, request: { ...one, block: partOf(block) } };
          series += (await roundTrip(job, () => wire.metrics(job, signal), last, plainMetrics))?.series.length ?? 0;
        }
      }
    }
    assert.ok(series > 500, `${series} series`);
  });

  test('names and values of tags, filtered and not', async () => {
    let found = 0;
    for (const { tenant, block } of blocks) {
      for (const text of [
        '',
        '{ status = error && (span.http.status_code > 400 || name = "a`b") }',
        '{ resource.service.name =~ "s.*" }',
      ]) {
        const limits = { maxBytes: 1_000_000, maxCount: 7, maxStaleValues: 2 };
        const shared = { block: partOf(block), filter: parseTagFilter(text, 0), limits, startSeconds: 1, endSeconds: 1_790_000_000 };
        for (const scope of ['none', 'resource', 'span', 'event'] as const) {
          const job = { ...shared, scope };
          found += (await roundTrip(job, () => wire.tags.names(tenant, job, signal), last, sortedNames))?.names.size ?? 0;
        }
        for (const name of tags) {
          const job = { ...shared, tag: parseIdentifier(name) };
          found +=
            (
              await roundTrip(
                job,
                () => wire.tags.values(tenant, job, signal),
                last,
                (answer) => answer,
              )
            )?.values.length ?? 0;
        }
      }
    }
    assert.ok(found > 500, `${found} names and values`);
  });

  test('traces by id, v1 and v2, found and not', async () => {
    let found = 0;
    for (const { tenant, block } of blocks) {
      const range = { startSeconds: 1, endSeconds: 1_790_000_000 };
      const request = { query: '{}', tags: new Map(), ...range, limit: 3, spansPerSpanset: 1, block: partOf(block) };
      const none = { traces: { count: 0, traceIds: Buffer.alloc(0) } };
      const { traces } = await local.runners.search({ tenant, request, format: 'json' }, signal).catch(() => none);
      const ids = Array.from({ length: traces.count }, (_, index) =>
        Uint8Array.from(traces.traceIds.subarray(16 * index, 16 * index + 16)),
      );
      for (const traceId of [...ids.slice(0, 2), new Uint8Array(16)]) {
        for (const version of [1, 2] as const) {
          const params = { mode: 'blocks', blockStart: '0'.repeat(32), blockEnd: 'f'.repeat(32), startSeconds: 0, endSeconds: 0 } as const;
          const job = { tenant, traceId, params, version };
          const plain = ({ trace }: TraceAnswer) => trace ?? 'none';
          if ((await roundTrip(job, () => wire.trace(job, signal), last, plain))?.trace !== undefined) found++;
        }
      }
    }
    assert.ok(found > 30, `${found} traces`);
  });

  test('jobs look as those of a real frontend', () => {
    const first = (kind: WireJob['kind']) => sent.find((job) => job.kind === kind)!.url;
    assert.match(
      first('search'),
      /^\/querier\/tempo\/api\/search\?start=\d+&end=\d+&limit=50&spss=3&q=%7B%7D&blockID=[0-9a-f-]{36}&pagesToSearch=\d+&size=\d+&startPage=0&encoding=none&indexPageSize=0&totalRecords=\d+&version=vParquet\d&footerSize=\d+/,
    );
    assert.match(first('trace'), /^\/querier\/tempo\/api\/traces\/[0-9a-f]{32}\?mode=blocks&blockStart=0{32}&blockEnd=f{32}$/);
    assert.match(
      first('metrics'),
      /^\/querier\/tempo\/api\/metrics\/query_range\?q=.*&step=1m0s&mode=blocks&.*&encoding=none&indexPageSize=0&/,
    );
    assert.match(
      first('tag-names'),
      /^\/querier\/tempo\/api\/v2\/search\/tags\?start=1&end=1790000000&limit=7&maxStaleValues=2&maxBytes=1000000&blockID=/,
    );
    assert.ok(
      sent.some(({ url }) => url.includes('&dc=')),
      'dedicated columns are sent',
    );
  });
});

function sortedNames(answer: { readonly names: ReadonlyMap<string, ReadonlySet<string>>; readonly inspectedBytes: number }): unknown {
  return { ...answer, names: [...answer.names].map(([scope, names]) => [scope, [...names].sort()]).sort() };
}

const someJob = {
  traceId: new Uint8Array(16),
  tenant: tenantId('a'),
  version: 1,
  params: { mode: 'all', blockStart: '', blockEnd: '', startSeconds: 0, endSeconds: 0 },
} as const;
const searchJob = {
  tenant: tenantId('a'),
  format: 'json',
  request: {
    query: '{}',
    tags: new Map(),
    startSeconds: 1,
    endSeconds: 2,
    limit: 1,
    spansPerSpanset: 1,
    block: partOf({
      blockId: 'x',
      version: 'v',
      sizeBytes: 1,
      footerBytes: 1,
      totalRecords: 1,
      dedicatedColumns: [],
    } as unknown as BlockMeta),
  },
} as const;

function answering(status: number, contentType: string, body: string | Uint8Array): Runners {
  const answer: WireAnswer = { status, contentType, body: Buffer.from(body) };
  return createWireRunners(async () => answer, { httpApiPrefix: '' });
}

test('statuses and bodies of refused jobs are kept', async () => {
  for (const [status, code] of [
    [400, 'bad_request'],
    [404, 'not_found'],
    [422, 'unprocessable'],
    [429, 'too_many_requests'],
    [500, 'internal'],
    [502, 'internal'],
    [503, 'unavailable'],
  ] as const) {
    await assert.rejects(answering(status, 'text/plain', 'no\nsuch\n').search(searchJob, signal), { code, message: 'no\nsuch' });
  }
  assert.equal((await answering(404, '', '{"metrics":{}}').trace(someJob, signal)).trace, undefined);
});

test('the content type decides how an answer is read, none means JSON', async () => {
  const json = '{"traces":[{"traceID":"1f","startTimeUnixNano":"5"}],"metrics":{"inspectedBytes":"7"}}';
  for (const contentType of ['application/json', '']) {
    const { traces, metrics } = await answering(200, contentType, json).search({ ...searchJob, format: 'protobuf' }, signal);
    assert.deepEqual([traces.count, traces.format, metrics.inspectedBytes], [1, 'protobuf', 7]);
  }
  const empty = await answering(200, 'application/json', '{}').search(searchJob, signal);
  assert.equal(empty.traces.count, 0);
  const protobuf = Buffer.from('0a040a023166', 'hex');
  assert.equal((await answering(200, 'application/protobuf', protobuf).search(searchJob, signal)).traces.count, 1);
  await assert.rejects(answering(200, '', protobuf).search(searchJob, signal), {
    code: 'internal',
    message: /^error unmarshalling response body: /,
  });
});
