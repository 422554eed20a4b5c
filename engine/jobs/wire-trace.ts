import type { WireAnswer, WireJob } from '#engine/api/job-wire.ts';
import { createTraceCombiner, encodedSize, encodeTraceAnswer, type TraceAnswer, type TraceVersion } from '#engine/api/trace-answer.ts';
import { parseTraceBlockParams, type TraceBlockRequest } from '#engine/api/trace-block-params.ts';
import { parseTraceId } from '#engine/api/trace-params.ts';
import type { TenantId } from '#engine/base/units.ts';
import type { JobEnvironment } from './environment.ts';
import { findTraceInBlock } from './find-trace-block.ts';
import type { WireUrl } from './wire-tags.ts';

/** How a lookup's answer is written. */
export interface TraceWireOptions {
  readonly version: TraceVersion;
  readonly accept: WireJob['accept'];
  /** `max_bytes_per_trace`, for the message of a partial answer. */
  readonly maxBytes: number;
}

/** The answer of a lookup as queriers send it: 404 with a body where v1 found nothing (spec http-api §9.2). */
export function traceWireAnswer(answer: TraceAnswer, { version, accept, maxBytes }: TraceWireOptions): WireAnswer {
  const format = accept === 'application/protobuf' ? 'protobuf' : 'json';
  const encoded = encodeTraceAnswer(answer, { version, format, maxBytes, ofJob: true });
  if (encoded === undefined) return { status: 404, contentType: 'application/json', body: Buffer.from('{"metrics":{}}') };
  const { contentType, body } = encoded;
  return { status: 200, contentType, body: typeof body === 'string' ? Buffer.from(body) : body };
}

/** Looks for a trace in one block. Rejects as `findTraceInBlock` does, and with `unprocessable` where v1 found a trace that is too large. */
export async function lookUpInBlock(
  environment: JobEnvironment,
  { tenant, traceId, version }: { readonly tenant: TenantId; readonly traceId: Uint8Array; readonly version: TraceVersion },
  { block, maxBytes }: TraceBlockRequest,
  signal: AbortSignal,
): Promise<TraceAnswer> {
  const { trace, inspectedBytes } = await findTraceInBlock(environment, tenant, block, traceId, signal);
  const combiner = createTraceCombiner({ maxBytes, allowPartial: version === 2 });
  combiner.add({ trace, sizeBytes: trace !== undefined && maxBytes > 0 ? encodedSize(trace) : 0, inspectedBytes, partial: false });
  return combiner.result();
}

/** Runs a lookup in the one block that the URL describes. Rejects as {@link lookUpInBlock} does, and with `bad_request` where the URL is wrong. */
export async function runTraceWireJob(environment: JobEnvironment, job: WireJob, url: WireUrl, signal: AbortSignal): Promise<WireAnswer> {
  const { version } = url;
  const request = parseTraceBlockParams(url.query, 0);
  const answer = await lookUpInBlock(environment, { tenant: job.tenant, traceId: parseTraceId(url.path), version }, request, signal);
  return traceWireAnswer(answer, { version, accept: job.accept, maxBytes: request.maxBytes });
}
