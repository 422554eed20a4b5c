import { AppError } from '#engine/base/errors.ts';
import { parseForm, printForm } from './form.ts';
import { int32, parseInteger, uint53 } from './integers.ts';
import { blockPairs, parseBlockPart } from './search-block-params.ts';
import { invalidUnless } from './search-params.ts';
import type { BlockPart } from './search-request.ts';

/** What a lookup must know of a block, which a function cannot look up. */
export type TraceBlockPart = Omit<BlockPart, 'startPage' | 'pagesToSearch'> & {
  /** Parts of the bloom filter. */
  readonly bloomShards: number;
};

/** A lookup in one block; the trace's id is in the path. An addition to Tempo's jobs, which name a range of block ids. */
export interface TraceBlockRequest {
  readonly block: TraceBlockPart;
  /** `max_bytes_per_trace`; 0 is unlimited. */
  readonly maxBytes: number;
}

/**
 * Reads the query string (without `?`) of a lookup in one block: `/querier/api/v2/traces/{id}?mode=blocks&blockID=…&bloomShards=…`. `maxBytes` counts where
 * the URL has none. Throws `bad_request` that names the parameter.
 */
export function parseTraceBlockParams(query: string, maxBytes: number): TraceBlockRequest {
  const form = parseForm(query);
  const { startPage: _, pagesToSearch: __, ...block } = parseBlockPart(form, 'tempo');
  const shards = form.get('bloomShards') ?? '';
  const bloomShards = invalidUnless(`bloomShards ${shards}`, () => parseInteger(shards, int32));
  if (bloomShards <= 0) throw new AppError('bad_request', `bloomShards must be greater than 0. received: ${bloomShards}`);
  const most = form.get('maxBytes') ?? '';
  return {
    block: { ...block, bloomShards },
    maxBytes: most === '' ? maxBytes : invalidUnless('maxBytes', () => parseInteger(most, uint53)),
  };
}

/** The query string of a lookup in one block, as {@link parseTraceBlockParams} reads it. */
export function printTraceBlockParams({ block, maxBytes }: TraceBlockRequest): string {
  const totalRecords = Math.max(1, block.totalRecords); // some metas say 0, which jobs may not
  const pairs = blockPairs({ ...block, startPage: 0, pagesToSearch: totalRecords, totalRecords });
  return printForm([['mode', 'blocks'], ...pairs, ['bloomShards', `${block.bloomShards}`], ['maxBytes', `${maxBytes}`]]);
}
