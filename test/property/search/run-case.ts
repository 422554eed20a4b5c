import { decodeTrace, traceBytes, transcode } from '#engine/api/encoded-traces.ts';
import type { AnswerFormat, SearchAnswer } from '#engine/api/search-answer.ts';
import { createSearchCombiner } from '#engine/api/search-combiner.ts';
import type { SearchBlockRequest } from '#engine/api/search-request.ts';
import type { AnyValueJson, SpanJson, SpansetJson, TraceJson } from '#engine/api/trace-json.ts';
import { createMemoryBackend, type MemoryBackend } from '#engine/backend/memory.ts';
import { blockId, tenantId } from '#engine/base/units.ts';
import { createJobEnvironment, type JobEnvironment } from '#engine/jobs/environment.ts';
import { searchBlock } from '#engine/jobs/search-block.ts';
import type { Query } from '#engine/traceql/ast.ts';
import { compileQuery } from '#engine/traceql/compile.ts';
import { type WrittenMeta, writeBlock } from '#engine/vparquet/write/write-block.ts';
import { type SeededRandom, seededRandom } from '../corruption/random.ts';
import { type SearchLimits, searchTraces } from './oracle/search.ts';
import { type TraceView, viewTraces } from './oracle/traces.ts';
import { randomQuery } from './random-queries.ts';
import { randomDedicatedColumns, randomTraces } from './random-traces.ts';

/** What the cases of a run share. */
export interface Bench {
  readonly backend: MemoryBackend;
  /** Without windows, with such as start with 1 and 2 traces, and where round trips matter, so that columns are fetched ahead. */
  readonly environments: readonly JobEnvironment[];
}

/** What came of one block and its queries. */
export interface CaseResult {
  readonly pairs: number;
  /** Pairs where a trace was found. */
  readonly found: number;
  /** Pairs that fail at run time in both. */
  readonly failed: number;
  readonly problems: readonly string[];
}

const tenant = tenantId('property');
const queriesPerBlock = 10;
const everything = 1_000;

/** Creates the bench. */
export function createBench(): Bench {
  const backend = createMemoryBackend();
  const settings = { backend, maxMemoryBytes: 2 ** 28, cacheBytes: 2 ** 22, maxConcurrentJobs: 1 };
  const windows = [
    {},
    { firstWindowRows: 1 },
    { firstWindowRows: 2 },
    { firstWindowRows: 1, backend: { ...backend, coalesceGapBytes: 4096 } },
  ];
  return { backend, environments: windows.map((window) => createJobEnvironment({ ...settings, ...window })) };
}

/** Writes a block of random traces and puts random queries to the engine and to the naive evaluation. The seed says it all. */
export async function runCase(bench: Bench, seed: number): Promise<CaseResult> {
  // The generator's streams of neighbouring seeds overlap; these do after a million draws.
  const random = seededRandom(seed * 1_000_003);
  const traces = randomTraces(random, random.pick([1, 3, 8, 12, 24]));
  const settings = { version: random.pick(['vParquet4', 'vParquet5'] as const), dedicatedColumns: randomDedicatedColumns(random) };
  const layout = { rowGroupTraces: random.pick([1, 5, 24, 24]), pageBytes: random.pick([1, 30, 200, 262_144]) };
  const { dataParquet, meta } = writeBlock(traces, { ...settings, ...layout });
  const id = `00000000-0000-4000-8000-${String(seed).padStart(12, '0')}`;
  const key = `${tenant}/${id}/data.parquet`;
  bench.backend.put(key, dataParquet);
  const views = viewTraces(settings, traces);
  const counts = { pairs: 0, found: 0, failed: 0 };
  const problems: string[] = [];
  try {
    while (counts.pairs < queriesPerBlock) {
      const text = randomQuery(random);
      const query = compiled(text);
      if (query === undefined) continue;
      counts.pairs++;
      const pair = { text, query, views, meta, id };
      const { outcome, problem } = await tryPair(bench, random, pair);
      if (outcome !== 'nothing') counts[outcome]++;
      if (problem !== undefined) problems.push(`seed ${seed}, ${settings.version}, ${JSON.stringify(layout)}: ${text}\n${problem}`);
    }
  } finally {
    bench.backend.remove(key);
  }
  return { ...counts, problems };
}

function compiled(text: string): Query | undefined {
  try {
    return compileQuery(text);
  } catch {
    return undefined;
  }
}

interface Pair {
  readonly text: string;
  readonly query: Query;
  readonly views: readonly TraceView[];
  readonly meta: WrittenMeta;
  readonly id: string;
}

interface Outcome {
  readonly outcome: 'found' | 'failed' | 'nothing';
  readonly problem?: string;
}

async function tryPair(bench: Bench, random: SeededRandom, pair: Pair): Promise<Outcome> {
  const limits: SearchLimits = { spansPerSpanset: random.pick([0, 1, 3]), range: randomRange(random) };
  const limit = random.pick([1, 2, 2, 3, everything, everything, everything]);
  const format = random.pick(['json', 'protobuf'] as const);
  const environment = random.pick(bench.environments);
  const expected = attempt(() => searchTraces(pair.query, pair.views, limits).map(normalized));
  const request = requestOf(pair, limits, limit);
  const actual = await attemptAsync(() => searchBlock(environment, tenant, request, format));
  const details = `limit ${limit}, ${JSON.stringify(limits)}, ${format}, windows of ${environment.firstWindowRows ?? 'all'}`;
  if ('error' in expected) {
    // Which traces are evaluated at all depends on limits, so that only a search of everything must fail.
    if ('error' in actual || limit < everything || limits.range) return { outcome: 'failed' };
    return { outcome: 'failed', problem: `${details}: no error, expected ${expected.error}` };
  }
  const outcome = expected.result.length > 0 ? 'found' : 'nothing';
  if ('error' in actual) return { outcome, problem: `${details}: ${actual.error}` };
  const problem = difference(expected.result, tracesOf(actual.result), limit);
  if (problem !== undefined) return { outcome, problem: `${details}: ${problem}` };
  if (limit < everything || pair.meta.totalRecords < 2) return { outcome };
  const sharded = await searchSharded(environment, pair, request, format);
  const shardProblem = difference(expected.result, tracesOf(sharded), limit);
  return shardProblem === undefined ? { outcome } : { outcome, problem: `${details}, a job for each row group: ${shardProblem}` };
}

function randomRange(random: SeededRandom): SearchLimits['range'] {
  if (random.below(4) > 0) return undefined;
  const startSeconds = 1_699_999_998 + random.below(7);
  return { startSeconds, endSeconds: startSeconds + 1 + random.below(2) };
}

function requestOf({ text, meta, id }: Pair, { spansPerSpanset, range }: SearchLimits, limit: number): SearchBlockRequest {
  return {
    query: text,
    tags: new Map(),
    ...(range ?? { startSeconds: 0, endSeconds: 0 }),
    limit,
    spansPerSpanset,
    block: { ...meta, blockId: blockId(id)!, startPage: 0, pagesToSearch: meta.totalRecords },
  };
}

async function searchSharded(
  environment: JobEnvironment,
  pair: Pair,
  request: SearchBlockRequest,
  format: AnswerFormat,
): Promise<SearchAnswer> {
  const combiner = createSearchCombiner({ limit: everything, mostRecent: false, format });
  for (let startPage = 0; startPage < pair.meta.totalRecords; startPage++) {
    const block = { ...request.block, startPage, pagesToSearch: 1 };
    combiner.add(await searchBlock(environment, tenant, { ...request, block }, format));
  }
  return combiner.result();
}

function tracesOf(answer: SearchAnswer): readonly string[] {
  const traces = transcode(answer.traces, 'json');
  return Array.from({ length: traces.count }, (_, i) => normalized(decodeTrace(traceBytes(traces, i), 'json')));
}

/** What is wrong with some traces; undefined for nothing. A limited search shows any of them. */
function difference(expected: readonly string[], actual: readonly string[], limit: number): string | undefined {
  const wanted = Math.min(limit, expected.length);
  if (actual.length !== wanted)
    return `${actual.length} traces instead of ${wanted}\n actual   ${actual.join('\n          ')}\n expected ${expected.join('\n          ')}`;
  const byId = new Map(expected.map((trace) => [idOf(trace), trace]));
  const wrong = actual.find((trace) => byId.get(idOf(trace)) !== trace);
  if (wrong !== undefined) return fromFirstDifference(wrong, byId.get(idOf(wrong)) ?? 'no such trace');
  return new Set(actual).size === actual.length ? undefined : 'a trace twice';
}

function fromFirstDifference(actual: string, expected: string): string {
  let at = 0;
  while (actual[at] === expected[at]) at++;
  const from = Math.max(0, at - 250);
  return `from character ${from} on\n actual   ${actual.slice(from, at + 300)}\n expected ${expected.slice(from, at + 300)}`;
}

function idOf(trace: string): string {
  return (JSON.parse(trace) as TraceJson).traceID ?? '';
}

/** One text for what is the same answer: members without meaning left out, lists without order sorted. */
function normalized(trace: TraceJson): string {
  const { spanSet, spanSets = [], serviceStats = {}, ...rest } = trace;
  if (JSON.stringify(spanSet) !== JSON.stringify(spanSets[0])) throw new Error('spanSet is not the first of spanSets');
  const stats = Object.entries(serviceStats).map(([name, counts]) => [name, counts.spanCount ?? 0, counts.errorCount ?? 0]);
  const sets = spanSets.map((spanset) => JSON.stringify(plainSpanset(spanset)));
  return JSON.stringify({
    traceID: rest.traceID,
    service: rest.rootServiceName ?? '',
    name: rest.rootTraceName ?? '',
    start: rest.startTimeUnixNano,
    durationMs: rest.durationMs ?? 0,
    stats: stats.sort(),
    sets: sets.sort().map((set) => JSON.parse(set) as unknown),
  });
}

function plainSpanset({ matched, attributes = [], spans = [] }: SpansetJson) {
  return { matched, attributes: attributes.map(plainAttribute), spans: spans.map(plainSpan) };
}

function plainSpan({ spanID, name, startTimeUnixNano, durationNanos, attributes = [] }: SpanJson) {
  return {
    id: spanID,
    name: name ?? '',
    start: startTimeUnixNano,
    duration: durationNanos ?? '0',
    attributes: attributes.map(plainAttribute).sort(),
  };
}

function plainAttribute({ key = '', value = {} }: { readonly key?: string; readonly value?: AnyValueJson }): string {
  return `${key}=${JSON.stringify(value)}`;
}

function attempt<Result>(work: () => Result): { readonly result: Result } | { readonly error: string } {
  try {
    return { result: work() };
  } catch (thrown) {
    return { error: String(thrown) };
  }
}

async function attemptAsync<Result>(work: () => Promise<Result>): Promise<{ readonly result: Result } | { readonly error: string }> {
  try {
    return { result: await work() };
  } catch (thrown) {
    return { error: thrown instanceof Error ? `${thrown.stack}` : String(thrown) };
  }
}
