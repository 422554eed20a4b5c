import type { DateRange } from '#engine/api/date-range.ts';
import type { BlockPart } from '#engine/api/search-request.ts';
import { addToFnv1a64, fnv1a64 } from '#engine/base/fnv.ts';
import { createLru } from '#engine/base/lru.ts';
import type { TenantId } from '#engine/base/units.ts';
import type { TagValuesJob } from '#engine/jobs/tag-values-block.ts';
import { compileQuery } from '#engine/traceql/compile.ts';
import { printReference } from '#engine/traceql/print.ts';
import { printQuery } from '#engine/traceql/print-query.ts';
import { printTagFilter } from '#engine/traceql/tag-filter.ts';
import type { Job } from '../worker/job.ts';
import type { MetricsJob } from './metrics-sharder.ts';

/** When a block's traces are: whole seconds, the last one included. */
export interface BlockTime {
  readonly startSeconds: number;
  readonly endSeconds: number;
}

/** Under which key a job's answer is kept; undefined where its answer is not only its block's and its query's, or has no query (spec read-path §7.1). */
export interface AnswerKeys {
  readonly search: (job: Job, time: BlockTime | undefined) => string | undefined;
  readonly metrics: (job: MetricsJob, time: BlockTime | undefined) => string | undefined;
  readonly tagNames: (tenant: TenantId, job: TagsJob, time: BlockTime | undefined) => string | undefined;
  readonly tagValues: (tenant: TenantId, job: TagsJob & Pick<TagValuesJob, 'tag'>, time: BlockTime | undefined) => string | undefined;
}

/** What names and values have in common. */
export type TagsJob = Pick<TagValuesJob, 'block' | 'filter' | 'limits'> & DateRange & { readonly scope?: string };

const hashesKept = 1024;
const second = 1_000_000_000n;

/** Makes keys; it remembers the hashes of queries, since one query has many jobs. */
export function createAnswerKeys(): AnswerKeys {
  const hashes = createLru<string, bigint>({ maxBytes: hashesKept });
  const hashOf = (text: string, canonical: () => string, ...numbers: readonly (number | bigint)[]): bigint => {
    const name = `${numbers.join(',')} ${text}`;
    const known = hashes.get(name);
    if (known !== undefined) return known;
    const hash = numbers.reduce<bigint>((sum, number) => addToFnv1a64(sum, BigInt(number)), fnv1a64(canonical()));
    hashes.set(name, hash, 1);
    return hash;
  };
  const hashOfQuery = (query: string, ...numbers: readonly (number | bigint)[]) =>
    hashOf(query, () => printQuery(compileQuery(query)), ...numbers);
  const hashOfTags = ({ filter, limits, scope = '' }: TagsJob, tag: string): bigint => {
    const text = `${scope} ${tag} ${filter === undefined ? '' : printTagFilter(filter)}`;
    return hashOf(text, () => text, limits.maxBytes, limits.maxCount, limits.maxStaleValues);
  };
  return {
    search: ({ tenant, request }, time) => {
      const { query, limit, spansPerSpanset, block } = request;
      if (query === undefined || !contains(request, time)) return undefined;
      return keyOf('sj', tenant, hashOfQuery(query, limit, spansPerSpanset), block);
    },
    metrics: ({ tenant, request }, time) => {
      const { query, startNanos, endNanos, stepNanos, instant, maxSeries, exemplars, block } = request;
      if (time === undefined || startNanos >= BigInt(time.startSeconds) * second || endNanos < BigInt(time.endSeconds + 1) * second)
        return undefined;
      // Otherwise an interval is cut by the query's range; and the value of an instant query stands at its time.
      if (!instant && (startNanos % stepNanos !== 0n || endNanos % stepNanos !== 0n)) return undefined;
      const range = instant ? [startNanos, endNanos] : [];
      return keyOf('qr', tenant, hashOfQuery(query, stepNanos, maxSeries, exemplars, ...range), block);
    },
    tagNames: (tenant, job, time) =>
      job.filter !== undefined && contains(job, time) ? keyOf('st', tenant, hashOfTags(job, ''), job.block) : undefined,
    tagValues: (tenant, job, time) =>
      job.filter !== undefined && contains(job, time)
        ? keyOf('stv', tenant, hashOfTags(job, printReference(job.tag)), job.block)
        : undefined,
  };
}

/** Strictly, so that no trace of the block is left out for its time. */
function contains(range: DateRange, time: BlockTime | undefined): boolean {
  return time !== undefined && range.startSeconds < time.startSeconds && range.endSeconds > time.endSeconds;
}

function keyOf(prefix: string, tenant: TenantId, hash: bigint, { blockId, startPage, pagesToSearch }: BlockPart): string {
  return `${prefix}:${tenant}:${hash}:${blockId}:${startPage}:${pagesToSearch}`;
}
