import { transcode } from '#engine/api/encoded-traces.ts';
import { decodeMetricsBody } from '#engine/api/metrics-body-decode.ts';
import { decodeSearchAnswer, noMetrics } from '#engine/api/search-body-decode.ts';
import { encodeTagNames, encodeTagValues } from '#engine/api/tags-body.ts';
import { decodeTagNames, decodeTagValues } from '#engine/api/tags-body-decode.ts';
import type { BlockId, TenantId } from '#engine/base/units.ts';
import { metasById, type TenantBlocklist } from '#engine/blocklist/list.ts';
import type { BlockMeta } from '#engine/blocklist/meta.ts';
import type { Cache } from '#engine/cache/cache.ts';
import { answerFromWire } from '#engine/jobs/metrics-wire.ts';
import { metricsWireAnswer } from '#engine/jobs/wire-metrics.ts';
import { searchWireAnswer } from '#engine/jobs/wire-search.ts';
import type { Runners } from '../worker/runners.ts';
import { type BlockTime, createAnswerKeys } from './answer-keys.ts';

type Format = 'json' | 'protobuf';

/** What {@link createCachedRunners} needs. */
export interface CachedRunnersOptions {
  readonly runners: Runners;
  readonly cache: Cache;
  /** Tells when a block's traces are. */
  readonly blocklist: (tenant: TenantId) => TenantBlocklist;
}

/**
 * Takes answers of jobs from a cache (role `frontend-search`, spec read-path §7.1), and puts those there that it did not have. A cached answer costs nothing: it
 * counts as a completed job that has inspected nothing. Such a job never reaches a querier, so that it takes no slot there and is never spilled.
 */
export function createCachedRunners({ runners, cache, blocklist }: CachedRunnersOptions): Runners {
  const keys = createAnswerKeys();
  const timeOf = createBlockTimes(blocklist);
  const through = async <Answer>(
    key: string | undefined,
    run: () => Promise<Answer>,
    encode: (answer: Answer) => Uint8Array | string,
    decode: (body: Uint8Array, format: Format) => Answer,
    signal: AbortSignal,
  ): Promise<Answer> => {
    if (key === undefined) return run();
    const [body] = await cache.get([key], signal);
    const cached = body && attempt(() => decode(body, body[0] === openingBrace ? 'json' : 'protobuf'));
    if (cached !== undefined) return cached;
    const answer = await run();
    const encoded = encode(answer);
    cache.set(key, typeof encoded === 'string' ? Buffer.from(encoded) : encoded);
    return answer;
  };
  return {
    search: (job, signal) =>
      through(
        keys.search(job, timeOf(job.tenant, job.request.block.blockId)),
        () => runners.search(job, signal),
        (answer) => searchWireAnswer(answer).body,
        (body, format) => ({ traces: transcode(decodeSearchAnswer(body, format).traces, job.format), metrics: noMetrics }),
        signal,
      ),
    metrics: (job, signal) =>
      through(
        keys.metrics(job, timeOf(job.tenant, job.request.block.blockId)),
        () => runners.metrics(job, signal),
        (answer) => metricsWireAnswer(job.request.query, answer, 'application/protobuf').body,
        (body, format) => ({ ...answerFromWire(job.request, decodeMetricsBody(body, format)), inspectedBytes: 0, inspectedSpans: 0 }),
        signal,
      ),
    tags: {
      names: (tenant, job, signal) =>
        through(
          keys.tagNames(tenant, job, timeOf(tenant, job.block.blockId)),
          () => runners.tags.names(tenant, job, signal),
          (answer) => encodeTagNames(answer, 2, 'protobuf').body,
          (body, format) => ({ ...decodeTagNames(body, 2, format), inspectedBytes: 0 }),
          signal,
        ),
      values: (tenant, job, signal) =>
        through(
          keys.tagValues(tenant, job, timeOf(tenant, job.block.blockId)),
          () => runners.tags.values(tenant, job, signal),
          (answer) => encodeTagValues(answer, 2, 'protobuf').body,
          (body, format) => ({ ...decodeTagValues(body, 2, format), inspectedBytes: 0 }),
          signal,
        ),
    },
    trace: runners.trace,
  };
}

/** `{`: protobuf never begins with it (it would be field 15, the start of a group). */
const openingBrace = 0x7b;

/** What cannot be read is not there. */
function attempt<Value>(decode: () => Value): Value | undefined {
  try {
    return decode();
  } catch {
    return undefined;
  }
}

/** Finds blocks by id; the map is made once for each list that a poll gives. */
function createBlockTimes(blocklist: CachedRunnersOptions['blocklist']): (tenant: TenantId, id: BlockId) => BlockTime | undefined {
  const maps = new WeakMap<TenantBlocklist, ReadonlyMap<BlockId, BlockMeta>>();
  return (tenant, id) => {
    const list = blocklist(tenant);
    let metas = maps.get(list);
    if (metas === undefined) {
      metas = metasById(list);
      maps.set(list, metas);
    }
    return metas.get(id);
  };
}
