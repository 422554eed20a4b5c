import type { BlockId } from '#engine/base/units.ts';
import type { DedicatedColumn } from './dedicated-columns.ts';

/** A search as the API takes it, with defaults filled in (spec traceql §7.1, http-api §4). */
export interface SearchRequest {
  /** TraceQL text; absent: a tag search. */
  readonly query?: string;
  /** Tag search: every tag must be contained in a value, case-insensitively. Empty for TraceQL. */
  readonly tags: ReadonlyMap<string, string>;
  readonly minDurationMs?: number;
  readonly maxDurationMs?: number;
  /** Whole seconds since the epoch, both inclusive; 0 where the request has none. */
  readonly startSeconds: number;
  readonly endSeconds: number;
  /** Most traces wanted, > 0. */
  readonly limit: number;
  /** Most spans shown of each spanset; 0 is unlimited. */
  readonly spansPerSpanset: number;
}

/** The part of a block that a job covers (spec serverless §2, read-path §3.2). */
export interface BlockPart {
  readonly blockId: BlockId;
  /** Block version, for example `vParquet4`. */
  readonly version: string;
  /** Size of data.parquet. */
  readonly sizeBytes: number;
  /** 0 where unknown. */
  readonly footerBytes: number;
  /** Row groups as meta.json has it; may be one too many. */
  readonly totalRecords: number;
  /** First row group. */
  readonly startPage: number;
  /** Row groups; may exceed what exists. */
  readonly pagesToSearch: number;
  readonly dedicatedColumns: readonly DedicatedColumn[];
}

/** A search over a part of one block. */
export interface SearchBlockRequest extends SearchRequest {
  readonly block: BlockPart;
}
