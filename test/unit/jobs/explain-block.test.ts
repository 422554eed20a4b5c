import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { parquetMetadata } from 'hyparquet';
import type { Backend } from '#engine/backend/backend.ts';
import { createLocalBackend } from '#engine/backend/local.ts';
import { tenantId } from '#engine/base/units.ts';
import { parseBlockMeta } from '#engine/blocklist/meta.ts';
import { createJobEnvironment } from '#engine/jobs/environment.ts';
import { type BlockExplanation, explainBlock, explainRun } from '#engine/jobs/explain-block.ts';
import { searchBlock } from '#engine/jobs/search-block.ts';
import { wholeBlockRequest } from '../../whole-block.ts';

// Goal: the plan part says which columns a job reads, in order, and what that costs at most; a run reads what the search reads, and says why it found nothing.
// Method: real blocks; the plan compared whole; costs against an independent count of the backend's calls.

const fixtures = join(import.meta.dirname, '../../fixtures');
const root = join(fixtures, 'blocks');
const rowgroups = { tenant: 'rowgroups', block: '1b000000-6000-4000-8000-000000000032' };
const range = { startSeconds: 1768046400, endSeconds: 1768050000 };

const bench = { tenant: 'smoke', block: '54000000-0000-4000-8000-202601101200', root: join(fixtures, 'bench/blocks') };
const stores = new Map([
  [root, await createLocalBackend({ path: root })],
  [bench.root, await createLocalBackend({ path: bench.root })],
]);
after(() => {
  for (const { close } of stores.values()) close();
});

interface Options {
  readonly place?: { readonly tenant: string; readonly block: string; readonly root?: string };
  readonly range?: { readonly startSeconds: number; readonly endSeconds: number };
  readonly limit?: number;
  /** As if each request were a round trip. */
  readonly remote?: boolean;
  readonly firstWindowRows?: number;
}

async function setUp(query: string, options: Options = {}) {
  const { place = rowgroups, limit = 1000, remote = false, firstWindowRows } = options;
  const folder = options.place?.root ?? root;
  const local = stores.get(folder)!;
  const reads: number[] = [];
  const backend: Backend = {
    coalesceGapBytes: remote ? 512 * 1024 : 0,
    read: local.read,
    readRange: (key, start, end, signal) => {
      reads.push(end - start);
      return local.readRange(key, start, end, signal);
    },
    listFolders: local.listFolders,
    listObjects: local.listObjects,
  };
  const window = firstWindowRows === undefined ? {} : { firstWindowRows };
  const environment = () => createJobEnvironment({ backend, maxMemoryBytes: 2 ** 28, cacheBytes: 2 ** 24, ...window });
  const meta = parseBlockMeta(readFileSync(join(folder, place.tenant, place.block, 'meta.json')));
  const times = options.range ?? { startSeconds: 0, endSeconds: 0 };
  const request = wholeBlockRequest(meta, { query, ...times, limit, spansPerSpanset: 3 });
  return { environment, reads, job: { tenant: tenantId(place.tenant), request, format: 'json' as const } };
}

async function run(query: string, options?: Options) {
  const { environment, job } = await setUp(query, options);
  return explainRun(environment(), job);
}

/** Bytes of columns and of their dictionaries in a row group, and a request for each of them and its dictionary, by another reader of the footer. */
function footerCost(rowGroup: number, columns: readonly string[]) {
  const file = readFileSync(join(root, rowgroups.tenant, rowgroups.block, 'data.parquet'));
  const metadata = parquetMetadata(new Uint8Array(file).buffer);
  let bytes = 0;
  let requests = 0;
  let dictionaryBytes = 0;
  for (const { meta_data: chunk } of metadata.row_groups[rowGroup]!.columns) {
    const path = chunk!.path_in_schema.join('.').replaceAll('.list.element', '');
    if (!columns.includes(path)) continue;
    bytes += Number(chunk!.total_compressed_size);
    requests += chunk!.dictionary_page_offset ? 2 : 1;
    if (chunk!.dictionary_page_offset) dictionaryBytes += Number(chunk!.data_page_offset - chunk!.dictionary_page_offset);
  }
  return { cost: { bytes, requests }, dictionaryBytes };
}

const paths = (columns: BlockExplanation['firstPass']) => columns.map(({ column }) => column);

test('the plan of a search with a time range, whole', async () => {
  const { environment, job, reads } = await setUp('{ span.http.status_code >= 500 && resource.service.name = "checkout" }', { range });
  const { request } = job;
  const plan = await explainBlock(environment(), {
    ...job,
    request: { ...request, block: { ...request.block, startPage: 12, pagesToSearch: 5 } },
  });
  assert.equal(reads.length, 1, 'the footer only');
  const service = 'resource.service.name = "checkout"';
  const status = 'span.http.status_code >= 500';
  const shownService = 'answer: resource.service.name';
  const shownStatus = 'answer: span.http.status_code';
  const first = footerCost(12, paths(plan.firstPass));
  assert.deepEqual(plan, {
    blockId: rowgroups.block,
    version: 'vParquet4',
    sizeBytes: 716773,
    fromRowGroup: 12,
    toRowGroup: 13,
    neverMatches: false,
    firstPass: [
      { column: 'rs.Resource.ServiceName', purposes: [service, shownService] },
      { column: 'rs.Resource.Attrs.Key', purposes: [service, shownService] },
      { column: 'rs.Resource.Attrs.Value', purposes: [service, shownService] },
      { column: 'rs.ss.Spans.HttpStatusCode', purposes: [status, shownStatus] },
      { column: 'rs.ss.Spans.Attrs.Key', purposes: [status, shownStatus] },
      { column: 'rs.ss.Spans.Attrs.ValueInt', purposes: [status, shownStatus] },
      { column: 'rs.ss.Spans.StatusCode', purposes: ['structure'] },
      { column: 'StartTimeUnixNano', purposes: ['time range', 'answer'] },
      { column: 'EndTimeUnixNano', purposes: ['time range'] },
    ],
    secondPass: [
      { column: 'TraceID', purposes: ['answer'] },
      { column: 'DurationNano', purposes: ['answer'] },
      { column: 'RootServiceName', purposes: ['answer'] },
      { column: 'RootSpanName', purposes: ['answer'] },
      { column: 'rs.ss.Spans.SpanID', purposes: ['answer'] },
      { column: 'rs.ss.Spans.StartTimeUnixNano', purposes: ['answer'] },
      { column: 'rs.ss.Spans.DurationNano', purposes: ['answer'] },
      { column: 'ServiceStats.key_value.key', purposes: ['answer: service statistics'] },
      { column: 'ServiceStats.key_value.value.SpanCount', purposes: ['answer: service statistics'] },
      { column: 'ServiceStats.key_value.value.ErrorCount', purposes: ['answer: service statistics'] },
    ],
    rowGroups: [
      {
        rowGroup: 12,
        rows: 6,
        windows: [6],
        firstPass: { ...first.cost, dictionaryBytes: first.dictionaryBytes },
        secondPass: footerCost(12, paths(plan.secondPass)).cost,
      },
    ],
    expected: footerCost(12, paths([...plan.firstPass, ...plan.secondPass])).cost,
  });
  assert.ok(plan.expected.bytes > 0);
});

test('structural operators, stages, events and expressions are in the first pass', async () => {
  const structural = await run('{ event:name = "exception" } >> { duration * 2 > 20ms } | avg(span.db.rows) > 1 | select(span.http.url)');
  const { firstPass, secondPass } = structural.explanation;
  assert.deepEqual(paths(firstPass), [
    'rs.ss.Spans.Events.Name',
    'rs.ss.Spans.StatusCode',
    'rs.ss.Spans.DurationNano',
    'rs.ss.Spans.NestedSetLeft',
    'rs.ss.Spans.NestedSetRight',
    'rs.ss.Spans.Attrs.Key',
    'rs.ss.Spans.Attrs.Value',
    'rs.ss.Spans.Attrs.ValueInt',
    'rs.ss.Spans.Attrs.ValueDouble',
    'rs.ss.Spans.Attrs.ValueBool',
  ]);
  assert.deepEqual(firstPass[2]?.purposes.slice(0, 1), ['(duration * 2) > 20ms']);
  assert.ok(paths(secondPass).includes('rs.ss.Spans.HttpUrl'));
});

test('why row groups were ruled out', async () => {
  const name = await run('{ name = "no such name" }');
  for (const { actual } of name.explanation.rowGroups) {
    assert.equal(actual?.outcome, 'ruledOut');
    const [failed] = actual.failedTests;
    assert.equal(failed?.test, 'name = "no such name"');
    assert.equal(failed.noHits[0]?.column, 'rs.ss.Spans.Name');
    assert.equal(failed.noHits[0].lookedIn, 'dictionary');
    assert.equal(actual.requests, 1, 'its dictionary, and no data page');
  }
  const outcomes = async (query: string, options?: Options) => {
    const { explanation } = await run(query, options);
    return new Set(explanation.rowGroups.map(({ actual }) => actual?.outcome));
  };
  const long = await run('{ duration > 100h }');
  assert.deepEqual(
    long.explanation.rowGroups[0]?.actual?.failedTests.map(({ test: failed, noHits }) => [failed, noHits[0]?.lookedIn]),
    [['duration > 100h0m0s', 'values']],
  );
  assert.deepEqual(await outcomes('{ kind = server && kind = client }'), new Set(['noMatch']));
  assert.deepEqual(await outcomes('{ }', { range: { startSeconds: 1, endSeconds: 2 } }), new Set(['outOfRange']));
  assert.deepEqual(await outcomes('{ }', { limit: 1 }), new Set(['matched', 'notReached']));
  const never = await run('{ false }');
  assert.deepEqual([never.explanation.neverMatches, never.explanation.rowGroups, never.answer.traces.count], [true, [], 0]);
});

test('a run answers and reads what the search does; no more than expected', async () => {
  for (const query of [
    '{ status = error }',
    '{ span.http.status_code >= 500 }',
    '{ resource.service.name =~ "c.*" } >> { kind = client }',
  ]) {
    for (const remote of [false, true]) {
      const { environment, job, reads } = await setUp(query, { remote });
      const searched = await searchBlock(environment(), job.tenant, job.request, 'json');
      const searchReads = reads.splice(0);
      const { explanation, answer } = await explainRun(environment(), job);
      assert.deepEqual(answer, searched);
      assert.deepEqual(reads, searchReads, query);
      const { actual, expected } = explanation;
      assert.deepEqual([actual?.requests, actual?.bytes], [reads.length, reads.reduce((sum, size) => sum + size, 0)]);
      assert.equal(actual?.footer.requests, 1);
      assert.equal(actual.traces, searched.traces.count);
      if (!remote) assert.ok(actual.bytes - actual.footer.bytes <= expected.bytes && actual.requests <= expected.requests + 1, query);
      const groups = explanation.rowGroups.reduce((sum, group) => sum + (group.actual?.bytes ?? 0), 0);
      assert.equal(groups + actual.footer.bytes, actual.bytes);
    }
  }
});

test('row windows that were looked at', async () => {
  const place = { tenant: 'vp4', block: 'e2000000-f000-4000-8000-00000000000d' };
  const { explanation } = await run('{ }', { place, limit: 2, firstWindowRows: 4 });
  const [group] = explanation.rowGroups;
  assert.equal(group?.windows[0], 4);
  assert.ok(group.windows.length > 1);
  assert.deepEqual([group.actual?.windows, group.actual?.traces], [[4], 2]);
});

test('the read of the footer counts as such where it begins in the last row group', async () => {
  const { explanation } = await run('{ name = "no such name" }', { place: bench, remote: true });
  assert.equal(explanation.actual?.footer.requests, 1);
  assert.deepEqual(
    explanation.rowGroups.map(({ actual }) => actual?.requests),
    [1, 1, 1],
  );
});
