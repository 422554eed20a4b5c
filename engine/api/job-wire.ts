import type { TenantId } from '#engine/base/units.ts';

/** What a job asks for: one endpoint of the querier's API each, range and instant metrics being one. */
export type JobKind = 'search' | 'metrics' | 'tag-names' | 'tag-values' | 'trace';

/** A job as it travels between processes: a GET on the querier's API (spec http-api §9.2, read-path §9.3). */
export interface WireJob {
  readonly kind: JobKind;
  readonly tenant: TenantId;
  /** Path and query string: `/querier` + API prefix + the endpoint's path, `?…`. */
  readonly url: string;
  readonly accept: 'application/json' | 'application/protobuf';
  /** W3C trace context of whoever wants it; absent where nobody traces. */
  readonly traceparent?: string;
}

/** What came back, with any status. */
export interface WireAnswer {
  readonly status: number;
  /** '' where none was sent: then the body is JSON (spec read-path §9.3). */
  readonly contentType: string;
  readonly body: Uint8Array;
}

/** Passes a job on and gives its answer, whatever its status. Rejects with an AppError when there is none; an abort of the signal ends it. */
export type SendJob = (job: WireJob, signal: AbortSignal) => Promise<WireAnswer>;
