// Jobs in parts: cut down to single row groups and put together again, they answer what the whole job does.
import assert from 'node:assert/strict';
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { WireAnswer, WireJob } from '#engine/api/job-wire.ts';
import { parseMetricsBlockParams, printMetricsBlockParams } from '#engine/api/metrics-block-params.ts';
import { decodeMetricsBody } from '#engine/api/metrics-body-decode.ts';
import { parseSearchBlockParams, printSearchBlockParams } from '#engine/api/search-block-params.ts';
import { createLocalBackend } from '#engine/backend/local.ts';
import { type BlockMeta, parseBlockMeta } from '#engine/blocklist/meta.ts';
import { createJobEnvironment, type JobEnvironment } from '#engine/jobs/environment.ts';
import { wireUrl } from '#engine/jobs/run-wire-job.ts';
import { searchBlock } from '#engine/jobs/search-block.ts';
import { metricsWireAnswer } from '#engine/jobs/wire-metrics.ts';
import { searchWireAnswer } from '#engine/jobs/wire-search.ts';
import { noTagLimits, readTagNamesJob, readTagValuesJob, tagNamesWireAnswer, tagValuesWireAnswer } from '#engine/jobs/wire-tags.ts';
import { createBlockRunners } from '../../../querier/worker/block-runners.ts';
import { type Forms, metricsForms, searchForms, tagNamesForms, tagValuesForms } from '../../../querier/worker/job-forms.ts';
import { runParts } from '../../../querier/worker/run-parts.ts';
import { blocksPath, jobsOf, wholeBlock, wireJobs } from './sample-jobs.ts';

const benchBlocks = ['blocks', 'blocks-v5'].map((name) => join(import.meta.dirname, '../../fixtures/bench', name));
const signal = new AbortController().signal;
const range = { startSeconds: 0, endSeconds: 2_000_000_000 };
const nanos = (value: number) => BigInt(value) * 1_000_000_000n;

let root: string;
let environment: JobEnvironment;
let metas: readonly BlockMeta[];
before(async () => {
  root = mkdtempSync(join(tmpdir(), 'rubato-parts-'));
  for (const tenant of ['rowgroups', 'rowgroups27']) cpSync(join(blocksPath, tenant), join(root, tenant), { recursive: true });
  for (const folder of benchBlocks) cpSync(join(folder, 'smoke'), join(root, 'smoke'), { recursive: true });
  metas = readdirSync(root).flatMap((tenant) =>
    readdirSync(join(root, tenant))
      .map((id) => join(root, tenant, id, 'meta.json'))
      .filter((path) => existsSync(path))
      .map((path) => parseBlockMeta(readFileSync(path))),
  );
  const backend = await createLocalBackend({ path: root });
  environment = createJobEnvironment({ backend, maxMemoryBytes: 2 ** 28, cacheBytes: 2 ** 26 });
});
after(() => rmSync(root, { recursive: true }));

/** Runs the parts of a job, which are single row groups, and counts them. */
async function inParts<Answer>(forms: Forms<Answer>, count: { parts: number }): Promise<Answer> {
  const cut = forms.cut();
  if (cut === undefined) {
    count.parts++;
    return forms.here(signal);
  }
  return (await runParts(cut, async (part) => ({ answer: await inParts(part, count) }), signal)).answer;
}

/** The answer of a job, whole and in parts, as it travels; and the number of parts. */
async function bothWays(job: WireJob): Promise<{ readonly whole: WireAnswer; readonly joined: WireAnswer; readonly parts: number }> {
  const { path, query, version } = wireUrl(job.url);
  const self = createBlockRunners(environment, (one, inner) => searchBlock(environment, one.tenant, one.request, one.format, inner));
  const count = { parts: 0 };
  const both = async <Answer>(forms: Forms<Answer>, encode: (answer: Answer) => WireAnswer) => {
    const joined = encode(await inParts(forms, count));
    return { whole: encode(await forms.here(signal)), joined, parts: count.parts };
  };
  switch (job.kind) {
    case 'search': {
      const format = job.accept === 'application/json' ? 'json' : 'protobuf';
      return both(searchForms(self, { tenant: job.tenant, request: parseSearchBlockParams(query, 'tempo'), format }), (answer) =>
        searchWireAnswer({ ...answer, metrics: { ...answer.metrics, inspectedBytes: 0 } }),
      );
    }
    case 'metrics': {
      const request = parseMetricsBlockParams(query);
      return both(metricsForms(self, { tenant: job.tenant, request }), (answer) =>
        metricsWireAnswer(request.query, { ...answer, inspectedBytes: 0 }, job.accept),
      );
    }
    case 'tag-names': {
      const read = { ...readTagNamesJob(query, version, noTagLimits), ...range };
      return both(tagNamesForms(self, job.tenant, read), (answer) =>
        tagNamesWireAnswer({ ...answer, inspectedBytes: 0 }, read.scope, version, job.accept),
      );
    }
    default: {
      const read = { ...readTagValuesJob(path, query, version, noTagLimits), ...range };
      return both(tagValuesForms(self, job.tenant, read), (answer) =>
        tagValuesWireAnswer({ ...answer, inspectedBytes: 0 }, version, job.accept),
      );
    }
  }
}

interface Search {
  readonly query: string;
  readonly limit: number;
  readonly spansPerSpanset: number;
}

function searchesOver(meta: BlockMeta, asked: readonly Search[]): readonly WireJob[] {
  const block = wholeBlock(meta);
  const urls = asked.map((one) => `/querier/api/search?${printSearchBlockParams({ ...one, ...range, tags: new Map(), block })}`);
  return wireJobs(
    meta,
    urls.map((url) => ['search', url]),
  );
}

function metricsOver(meta: BlockMeta, functions: readonly string[], exemplars: number): readonly WireJob[] {
  const block = wholeBlock(meta);
  const [startNanos, endNanos] = [nanos(meta.startSeconds - 10), nanos(meta.endSeconds + 10)];
  return functions.flatMap((text) =>
    [false, true].flatMap((instant) => {
      const stepNanos = instant ? endNanos - startNanos : 30_000_000_000n;
      const request = { query: `{ } | ${text}`, startNanos, endNanos, stepNanos, instant, exemplars, maxSeries: 0, block };
      return wireJobs(meta, [['metrics', `/querier/api/metrics/query_range?${printMetricsBlockParams(request)}`]]);
    }),
  );
}

function seriesOf({ contentType, body }: WireAnswer): readonly string[] {
  const { series } = decodeMetricsBody(body, contentType === 'application/json' ? 'json' : 'protobuf');
  return series.map((one) => JSON.stringify(one, (_, value) => (typeof value === 'bigint' ? `${value}` : value)));
}

function textOf({ status, contentType, body }: WireAnswer): string {
  return `${status} ${contentType} ${Buffer.from(body).toString(contentType === 'application/json' ? 'utf8' : 'latin1')}`;
}

test('a job cut down to single row groups answers the bytes of the whole job, except for what was read', async () => {
  const compared = new Map<string, number>();
  for (const meta of metas) {
    const searches = searchesOver(meta, [
      { query: '{ }', limit: 1_000_000, spansPerSpanset: 0 },
      { query: '{ } | select(resource.service.name, name) | count() > 3', limit: 1000, spansPerSpanset: 2 },
      { query: '{ } with (most_recent=true)', limit: 25, spansPerSpanset: 3 },
      { query: '{ name = "no such name" }', limit: 20, spansPerSpanset: 3 },
    ]);
    const functions = [
      ...['rate()', 'count_over_time() by (name)', 'min_over_time(duration) by (resource.service.name)', 'max_over_time(duration)'],
      ...['quantile_over_time(duration, .9)', 'histogram_over_time(duration)'],
      // With more values than it keeps, a part may drop what the whole job keeps.
      ...(meta.tenant === 'smoke' ? [] : ['compare({ status = error }, 1000)']),
    ];
    const tags = wireJobs(meta, jobsOf(meta)).filter(({ kind }) => kind !== 'metrics');
    for (const job of [...tags, ...searches, ...metricsOver(meta, functions, 0)]) {
      const { whole, joined, parts } = await bothWays(job);
      const what = `${meta.tenant} ${meta.version} ${job.accept} ${job.url}`;
      // compare() sorts its values by how common they are.
      const shown = job.url.includes('compare') ? (answer: WireAnswer) => [...seriesOf(answer)].sort().join('\n') : textOf;
      assert.ok(shown(joined) === shown(whole), what);
      assert.equal(parts, meta.totalRecords, what);
      compared.set(job.kind, (compared.get(job.kind) ?? 0) + 1);
    }
  }
  assert.deepEqual([...compared.keys()].sort(), ['metrics', 'search', 'tag-names', 'tag-values']);
  for (const [kind, count] of compared) assert.ok(count >= 20, `${count} of ${kind}`);
});

test('where a limit is reached the traces are the same; sums differ in their last digits', async () => {
  let limited = 0;
  for (const meta of metas) {
    const searches = searchesOver(meta, [
      { query: '{ }', limit: 40, spansPerSpanset: 1 },
      { query: '{ kind = server } | select(name)', limit: 60, spansPerSpanset: 2 },
    ]);
    // A part that goes beyond the limit has looked at more traces.
    const withoutMetrics = (text: string) => text.replace(/"metrics":.*/, '');
    for (const job of searches.filter(({ accept }) => accept === 'application/json')) {
      const { whole, joined } = await bothWays(job);
      assert.ok(withoutMetrics(textOf(joined)) === withoutMetrics(textOf(whole)), `${meta.tenant} ${job.url}`);
      if (textOf(whole).split('"traceID"').length > 40) limited++;
    }
    const rounded = (text: string) =>
      text.replace(/"value":([\d.e+-]+)/g, (_, value: string) => `"value":${Number(value).toPrecision(12)}`);
    const sums = metricsOver(meta, ['sum_over_time(duration)', 'avg_over_time(duration) by (kind)'], 0);
    for (const job of sums.filter(({ accept }) => accept === 'application/json')) {
      const { whole, joined } = await bothWays(job);
      assert.ok(rounded(textOf(joined)) === rounded(textOf(whole)), `${meta.tenant} ${job.url}`);
    }
  }
  assert.ok(limited >= 5, `${limited} limited answers`);
});

test('exemplars of all parts together are as many as were asked for', async () => {
  for (const meta of metas) {
    for (const job of metricsOver(meta, ['rate() by (name)'], 7).filter(({ accept }) => accept === 'application/json')) {
      const { whole, joined } = await bothWays(job);
      const withoutExemplars = (text: string) => text.replace(/,"exemplars":\[.*?\}\](?=\})/g, '');
      assert.ok(withoutExemplars(textOf(joined)) === withoutExemplars(textOf(whole)), job.url);
      const shown = decodeMetricsBody(joined.body, 'json').series.reduce((sum, { exemplars }) => sum + exemplars.length, 0);
      assert.ok(shown > 0 && shown <= 7, `${shown} exemplars`);
    }
  }
});
