/** What a search job, and a search as a whole, answers. Traces stay encoded from the scan to the socket. */

/** How an answer is written: Tempo's protobuf-JSON or protobuf (spec http-api §2.3, serverless §3.2). */
export type AnswerFormat = 'json' | 'protobuf';

/** Traces of a search answer, encoded one by one. Trace i is `bytes[offsets[i], offsets[i+1])`: a JSON object, or a TraceSearchMetadata message without tag and length. */
export interface EncodedTraces {
  readonly format: AnswerFormat;
  readonly count: number;
  readonly bytes: Uint8Array;
  /** `count + 1` numbers. */
  readonly offsets: Uint32Array;
  /** 16 bytes each, as in the block. */
  readonly traceIds: Uint8Array;
  /** Start of each trace, nanoseconds since the epoch. */
  readonly startNanos: BigUint64Array;
}

/** What a search cost (spec read-path §3.4). Byte counts are exact up to 2^53. */
export interface SearchMetrics {
  readonly inspectedTraces: number;
  readonly inspectedBytes: number;
  readonly inspectedSpans: number;
  readonly totalBlocks: number;
  readonly completedJobs: number;
  readonly totalJobs: number;
  readonly totalBlockBytes: number;
}

/** A search answer before it is written as a body. */
export interface SearchAnswer {
  readonly traces: EncodedTraces;
  readonly metrics: SearchMetrics;
}
