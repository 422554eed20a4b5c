import { AsyncLocalStorage } from 'node:async_hooks';
import type { Environment } from '#engine/backend/s3-options.ts';

/** Values that a span carries. */
export type SpanAttributes = Readonly<Record<string, string | number | boolean>>;

/** What a span stands for (OpenTelemetry's span kinds). */
export type SpanKind = 'internal' | 'server' | 'client';

/** A part of the work on one request. */
export interface Span {
  /** 32 hex digits. */
  readonly traceId: string;
  /** What others continue the trace with, in a header of that name (W3C Trace Context). */
  readonly traceparent: string;
  readonly setAttributes: (attributes: SpanAttributes) => void;
  /** Ends it, at once or at that time in milliseconds since the epoch; `error` marks it as failed. */
  readonly end: (error?: string, atMs?: number) => void;
}

/** What a span begins with. */
export interface SpanStart {
  readonly name: string;
  readonly kind: SpanKind;
  readonly attributes?: SpanAttributes;
  /** A span of this process or a received `traceparent`; a trace of its own where there is none. */
  readonly parent?: Span | string | undefined;
  /** Milliseconds since the epoch; now where left out. */
  readonly startMs?: number;
  /** Recorded for another program: its `service.name`. */
  readonly service?: string;
}

/** Makes spans. */
export interface Tracer {
  readonly start: (start: SpanStart) => Span;
  /** Sends what has not been sent. */
  readonly close: () => Promise<void>;
}

/** Whether this process records spans: OpenTelemetry's own variables say so (docs/telemetry.md). */
export function tracingEnabled(env: Environment): boolean {
  if (env.OTEL_SDK_DISABLED?.toLowerCase() === 'true') return false;
  const exporter = env.OTEL_TRACES_EXPORTER ?? '';
  if (exporter !== '') return exporter === 'otlp';
  return (env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT || env.OTEL_EXPORTER_OTLP_ENDPOINT || '') !== '';
}

const active = new AsyncLocalStorage<Span>();

/** The span that the running code works for. */
export function currentSpan(): Span | undefined {
  return active.getStore();
}

/** What a job takes along so that its trace goes on elsewhere. */
export function traceContext(): { readonly traceparent?: string } {
  const span = active.getStore();
  return span === undefined ? {} : { traceparent: span.traceparent };
}

/** Runs work, and everything that it starts, for a span. */
export function inSpan<Result>(span: Span, work: () => Result): Result {
  return active.run(span, work);
}

/**
 * Runs work for a new span, a child of the current one unless the start says otherwise, and ends it with the work. Without a tracer it only runs the work.
 */
export async function traced<Result>(
  tracer: Tracer | undefined,
  start: SpanStart,
  work: (span: Span | undefined) => Promise<Result>,
): Promise<Result> {
  if (tracer === undefined) return work(undefined);
  const span = tracer.start({ ...start, parent: start.parent ?? currentSpan() });
  try {
    const result = await inSpan(span, () => work(span));
    span.end();
    return result;
  } catch (thrown) {
    span.end(thrown instanceof Error ? thrown.message : String(thrown));
    throw thrown;
  }
}
