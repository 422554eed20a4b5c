import { decodeTrace, traceBytes } from '#engine/api/encoded-traces.ts';
import type { MetricsAnswer } from '#engine/api/metrics-series.ts';
import type { SearchAnswer } from '#engine/api/search-answer.ts';
import type { Backend } from '#engine/backend/backend.ts';
import { createMemoryBackend } from '#engine/backend/memory.ts';
import { AppError } from '#engine/base/errors.ts';
import { tenantId } from '#engine/base/units.ts';
import { parseBlockMeta } from '#engine/blocklist/meta.ts';
import { createJobEnvironment } from '#engine/jobs/environment.ts';
import { queryRangeBlock } from '#engine/jobs/query-range-block.ts';
import { searchBlock } from '#engine/jobs/search-block.ts';
import { wholeBlockRequest } from '../../whole-block.ts';
import { damage } from './mutate.ts';
import { seededRandom } from './random.ts';
import { type FileRange, loadSamples, type SampleBlock } from './sample-block.ts';

/** Between them they read every kind of column: intrinsics, dedicated, generic, resource, event, structure and regular expressions. */
const queries = [
  '{ }',
  '{ duration > 10ms }',
  '{ status = error || kind = client }',
  '{ name =~ "G.*" }',
  '{ resource.service.name = "frontend" }',
  '{ rootServiceName = "frontend" && span.http.status_code >= 200 }',
  '{ .http.method = "GET" }',
  '{ span.retry = true || span.ratio > 0.5 || span.count != 3 }',
  '{ event:name = "exception" || event.exception.type != nil }',
  '{ span.http.url = resource.service.name || -span.http.status_code < 0 }',
  '{ traceDuration > 5ms } && { kind = server }',
  '{ resource.k8s.pod.name !~ "x.*" }',
  '{ kind = server } >> { duration > 1ms }',
  '{ } | by(resource.service.name) | count() > 1',
  '{ status != ok } | select(span.http.url, event:name, link:spanID) | avg(duration) > 0s',
];

const metricsQueries = [
  '{ } | rate()',
  '{ status = error } | count_over_time() by (resource.service.name, name)',
  '{ } | quantile_over_time(duration, .9) by (span.http.status_code)',
  '{ kind = server } | avg_over_time(span.http.status_code) by (event.exception.type)',
  '{ } | histogram_over_time(duration) | topk(3)',
  '{ } | compare({ status = error })',
  '{ name != nil } | compare({ duration > 10ms }, 5)',
];

const maxMemoryBytes = 64 << 20;
const tenant = tenantId('fuzz');
const limit = 200;
/** Two hours around the spans of all samples. */
const second = 1_000_000_000n;
const range = {
  ...{ startNanos: 1_768_044_600n * second, endNanos: 1_768_051_800n * second, stepNanos: 300n * second },
  ...{ instant: false, exemplars: 10, maxSeries: 0 },
};

/** Outcome of one case: ended well (with an error code or an answer), or why not. */
export type Outcome = { readonly ok: true; readonly code: string } | { readonly ok: false; readonly problem: string };

interface Engine {
  /** The answer as text. */
  readonly answer: (metaText: string, data: Uint8Array, query: string, number: number) => Promise<string>;
  /** Ranges of data.parquet that were read since the last call. */
  readonly takeReads: () => readonly FileRange[];
}

/** One engine serves many cases, as in a querier that meets damaged blocks among good ones. */
function createEngine(coalesceGapBytes: number): Engine {
  const memory = createMemoryBackend();
  let reads: FileRange[] = [];
  const readRange: Backend['readRange'] = (key, start, end, signal) => {
    reads.push({ start, end });
    return memory.readRange(key, start, end, signal);
  };
  const environment = createJobEnvironment({ backend: { ...memory, readRange, coalesceGapBytes }, maxMemoryBytes, cacheBytes: 8 << 20 });
  return {
    answer: async (metaText, data, query, number) => {
      const meta = parseBlockMeta(Buffer.from(metaText, 'latin1'));
      const id = `00000000-0000-4000-8000-${number.toString(16).padStart(12, '0')}` as typeof meta.blockId;
      const key = `${tenant}/${id}/data.parquet`;
      memory.put(key, data);
      try {
        const request = wholeBlockRequest({ ...meta, blockId: id }, { query, startSeconds: 0, endSeconds: 0, limit, spansPerSpanset: 3 });
        if (!metricsQueries.includes(query)) return textOf(await searchBlock(environment, tenant, request, 'json'));
        return textOfSeries(await queryRangeBlock(environment, tenant, { query, ...range, block: request.block }));
      } finally {
        memory.remove(key);
      }
    },
    takeReads: () => {
      const taken = reads;
      reads = [];
      return taken;
    },
  };
}

/** What a query answers on the whole block, and the pages that it reads for it. */
interface RightAnswer {
  readonly text: string;
  readonly pages: readonly FileRange[];
}

async function answerRightly(engine: Engine, sample: SampleBlock, query: string, number: number): Promise<RightAnswer> {
  engine.takeReads();
  const text = await engine.answer(JSON.stringify(sample.meta), sample.data, query, number);
  const reads = engine.takeReads();
  return { text, pages: sample.pages.filter((page) => reads.some(({ start, end }) => start <= page.start && page.end <= end)) };
}

/** Runs the case of a seed: a block, a query and a kind of damage. */
export async function createCaseRunner(): Promise<(seed: number) => Promise<Outcome>> {
  const samples = await loadSamples();
  // Over an object store, indexes come with the footer and reads are coalesced.
  const engines = [createEngine(0), createEngine(512 * 1024)];
  const rightAnswers = new Map<string, RightAnswer>();

  return async (seed) => {
    const random = seededRandom(seed);
    const sample = random.pick(samples);
    const query = random.pick(random.below(3) === 0 ? metricsQueries : queries);
    const engine = random.pick(engines);
    const key = `${engines.indexOf(engine)} ${sample.name} ${query}`;
    const right = rightAnswers.get(key) ?? (await answerRightly(engine, sample, query, 2 * seed));
    rightAnswers.set(key, right);
    const { data, meta, what, checksummed } = damage(sample, right.pages, random);
    const problem = (text: string): Outcome => ({ ok: false, problem: `seed ${seed}: ${sample.name}, ${what}, ${query}: ${text}` });
    try {
      const text = await engine.answer(meta, data, query, 2 * seed + 1);
      return checksummed && text !== right.text ? problem('a wrong answer') : { ok: true, code: 'answer' };
    } catch (thrown) {
      if (!(thrown instanceof AppError)) return problem(`threw ${(thrown as Error)?.stack ?? thrown}`);
      const isFault = thrown.code === 'internal' && thrown.cause !== undefined;
      return isFault ? problem(`internal error: ${(thrown.cause as Error).stack}`) : { ok: true, code: thrown.code };
    }
  };
}

function textOfSeries({ series, inspectedSpans }: MetricsAnswer): string {
  const bigints = (_: string, value: unknown) => (typeof value === 'bigint' ? `${value}` : value);
  return `${inspectedSpans} ${JSON.stringify(
    series.map(({ labels, values, exemplars }) => [labels, [...values].map(String), exemplars]),
    bigints,
  )}`;
}

/** The answer as text; throws where a trace is not well-formed. */
function textOf({ traces }: SearchAnswer): string {
  const texts: string[] = [];
  for (let i = 0; i < traces.count; i++) texts.push(JSON.stringify(decodeTrace(traceBytes(traces, i), 'json')));
  return texts.join('\n');
}
