/**
 * Traces of an answer as tables in WASM memory, ready to be encoded (`encode.ts`). Members typed `number` are addresses of arrays unless said
 * otherwise. Lists of `u32 × 2` hold pairs: `[from, to)` for ranges, (address, length) for fragments.
 *
 * A **fragment** is bytes that already are in the format of the answer; `engine/api/fragments.ts` makes them. A name (service, root, span) is, in JSON,
 * the escaped text without quotes, and in protobuf its UTF-8. An attribute is a whole `{"key":…,"value":…}`, or a whole KeyValue message without
 * tag and length.
 *
 * All traces share the tables below them: a trace points at ranges of `stats` and `spansets`, a spanset at a range of `spans`, and spansets
 * and spans at ranges of `attributes`. Ranges may overlap. Encoding reads nothing outside what the tables point at, and trusts them.
 */
export interface TraceTables {
  /** Number of traces. */
  readonly count: number;
  /** u32 each: the address of the trace id's 16 bytes. */
  readonly ids: number;
  /** i64 each, nanoseconds since the epoch, read as unsigned. */
  readonly startNanos: number;
  /** i64 each, read as unsigned. Shown as whole milliseconds, and not at all below one. */
  readonly durationNanos: number;
  /** u32 × 2 each, name fragments; length 0 or {@link absentFragment}: not shown. */
  readonly rootServices: number;
  /** u32 × 2 each, as rootServices. */
  readonly rootNames: number;
  /** u32 × 2 each: the trace's `[from, to)` in `stats`. */
  readonly statsRanges: number;
  /** u32 × 2 each: the trace's `[from, to)` in `spansets`. An empty range shows neither `spanSets` nor `spanSet` (tag search). */
  readonly spansetRanges: number;
  readonly stats: ServiceStatsTable;
  readonly spansets: SpansetTable;
  readonly spans: SpanTable;
  /** Address of the attribute fragments, u32 × 2 each. */
  readonly attributes: number;
}

/** Spans per service of each trace. */
export interface ServiceStatsTable {
  /** u32 × 2 each, name fragments; the empty name is shown. */
  readonly services: number;
  /** u32 each. */
  readonly spanCounts: number;
  /** u32 each. */
  readonly errorCounts: number;
}

/** Spansets of all traces. */
export interface SpansetTable {
  /** u32 each: matched spans, before the cut to the spans per spanset. */
  readonly matched: number;
  /** u32 × 2 each: `[from, to)` in `spans`. */
  readonly spanRanges: number;
  /** u32 × 2 each: `[from, to)` in `attributes`. */
  readonly attributeRanges: number;
}

/** Spans of all spansets. */
export interface SpanTable {
  /** u32 each: the address of the span id's 8 bytes. */
  readonly ids: number;
  /** i64 each, nanoseconds since the epoch, read as unsigned. */
  readonly startNanos: number;
  /** i64 each, read as unsigned. */
  readonly durationNanos: number;
  /** u32 × 2 each, name fragments; length 0 or {@link absentFragment}: not shown. */
  readonly names: number;
  /** u32 × 2 each: `[from, to)` in `attributes`. */
  readonly attributeRanges: number;
}

/** Length of a name fragment that is not there. */
export const absentFragment = 0xffffffff;

/** How ids are printed. */
export interface EncodeOptions {
  /** Trace ids with all 32 digits instead of without leading zeros (a tenant's left_pad_trace_ids). */
  readonly leftPadTraceIds: boolean;
}
