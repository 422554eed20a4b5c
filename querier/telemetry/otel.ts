import { setTimeout as delay } from 'node:timers/promises';
import type { Attributes, Context, Tracer as OtelTracer, SpanContext } from '@opentelemetry/api';
import type { BatchSpanProcessor, Sampler, TracerProviderOptions } from '@opentelemetry/sdk-trace';
import type { Environment } from '#engine/backend/s3-options.ts';
import { AppError } from '#engine/base/errors.ts';
import { programVersion } from '../version.ts';
import type { Span, SpanStart, Tracer } from './tracing.ts';

/** A collector that does not answer must not keep a process from ending. */
const longestCloseMs = 5000;

/** The SDK, loaded only where tracing is on. */
type Api = typeof import('@opentelemetry/api');
type Sdk = typeof import('@opentelemetry/sdk-trace');

/** `OTEL_TRACES_SAMPLER` and its argument. Throws `config` for a sampler that there is not. */
function samplerOf(sdk: Sdk, env: Environment): Sampler {
  const name = env.OTEL_TRACES_SAMPLER || 'parentbased_always_on';
  const argument = env.OTEL_TRACES_SAMPLER_ARG || '1';
  const ratio = Number(argument);
  const roots: Readonly<Record<string, () => Sampler>> = {
    always_on: () => new sdk.AlwaysOnSampler(),
    always_off: () => new sdk.AlwaysOffSampler(),
    traceidratio: () => new sdk.TraceIdRatioBasedSampler(ratio),
  };
  const root = roots[name.replace(/^parentbased_/, '')];
  if (root === undefined)
    throw new AppError('config', `OTEL_TRACES_SAMPLER ${name} is none of ${Object.keys(roots).join(', ')}, parentbased_…`);
  if (!(ratio >= 0 && ratio <= 1)) throw new AppError('config', `OTEL_TRACES_SAMPLER_ARG ${argument} is no number from 0 to 1`);
  return name.startsWith('parentbased_') ? new sdk.ParentBasedSampler({ root: root() }) : root();
}

/** `OTEL_RESOURCE_ATTRIBUTES`: `key=value,key=value`, values percent-encoded. Broken ones are left out. */
function resourceAttributes(env: Environment): Attributes {
  const pairs = (env.OTEL_RESOURCE_ATTRIBUTES ?? '').split(',').flatMap((pair) => {
    const equals = pair.indexOf('=');
    if (equals <= 0) return [];
    try {
      return [[pair.slice(0, equals).trim(), decodeURIComponent(pair.slice(equals + 1).trim())] as const];
    } catch {
      return [];
    }
  });
  return Object.fromEntries(pairs);
}

/** A resource as the SDK and the exporter read it. The package that makes them is no dependency of its own here. */
function resourceOf(attributes: Attributes): NonNullable<TracerProviderOptions['resource']> {
  const resource = { attributes, asyncAttributesPending: false, merge: () => resource, getRawAttributes: () => Object.entries(attributes) };
  return resource as NonNullable<TracerProviderOptions['resource']>;
}

/** Reads a W3C `traceparent`; undefined where it is none. */
function parseTraceparent(text: string): SpanContext | undefined {
  const match = /^[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?$/.exec(text.trim());
  if (match === null || /^0+$/.test(match[1]!) || /^0+$/.test(match[2]!)) return undefined;
  return { traceId: match[1]!, spanId: match[2]!, traceFlags: Number.parseInt(match[3]!, 16), isRemote: true };
}

function startSpan(api: Api, tracer: OtelTracer, { name, kind, attributes, parent, startMs }: SpanStart): Span {
  const traceparent = typeof parent === 'string' ? parent : parent?.traceparent;
  const from = traceparent === undefined ? undefined : parseTraceparent(traceparent);
  const context: Context = from === undefined ? api.ROOT_CONTEXT : api.trace.setSpanContext(api.ROOT_CONTEXT, from);
  const kinds = { internal: api.SpanKind.INTERNAL, server: api.SpanKind.SERVER, client: api.SpanKind.CLIENT };
  const options = {
    kind: kinds[kind],
    ...(attributes && { attributes }),
    ...(startMs === undefined ? {} : { startTime: new Date(startMs) }),
  };
  const span = tracer.startSpan(name, options, context);
  const { traceId, spanId, traceFlags } = span.spanContext();
  return {
    traceId,
    traceparent: `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`,
    setAttributes: (more) => void span.setAttributes(more),
    end: (error, atMs) => {
      if (error !== undefined) span.setStatus({ code: api.SpanStatusCode.ERROR, message: error });
      span.end(atMs === undefined ? undefined : new Date(atMs));
    },
  };
}

/**
 * Loads the SDK and sends spans to an OTLP/HTTP collector. Endpoint, headers and time-outs are the exporter's variables (`OTEL_EXPORTER_OTLP_…`), how spans are
 * collected those of the batch processor (`OTEL_BSP_…`). Rejects with `config`.
 */
export async function createOtelTracer(env: Environment, serviceName: string): Promise<Tracer> {
  const [api, sdk, { OTLPTraceExporter }] = await Promise.all([
    import('@opentelemetry/api'),
    import('@opentelemetry/sdk-trace'),
    import('@opentelemetry/exporter-trace-otlp-http'),
  ]);
  const number = (name: string, standard: number) => Number(env[name]) || standard;
  const processor: BatchSpanProcessor = new sdk.BatchSpanProcessor({
    exporter: new OTLPTraceExporter(),
    scheduledDelayMillis: number('OTEL_BSP_SCHEDULE_DELAY', 5000),
    maxQueueSize: number('OTEL_BSP_MAX_QUEUE_SIZE', 2048),
    maxExportBatchSize: number('OTEL_BSP_MAX_EXPORT_BATCH_SIZE', 512),
    exportTimeoutMillis: number('OTEL_BSP_EXPORT_TIMEOUT', 30_000),
  });
  const sampler = samplerOf(sdk, env);
  const shared = { 'service.version': programVersion, ...resourceAttributes(env) };
  const services = new Map<string, OtelTracer>();
  const tracerOf = (service: string): OtelTracer => {
    let found = services.get(service);
    if (found === undefined) {
      const resource = resourceOf({ ...shared, 'service.name': service });
      found = new sdk.TracerProvider({ sampler, resource, spanProcessors: [processor] }).getTracer('rubato', programVersion);
      services.set(service, found);
    }
    return found;
  };
  const own = env.OTEL_SERVICE_NAME || serviceName;
  return {
    start: (start) => startSpan(api, tracerOf(start.service ?? own), start),
    close: () => Promise.race([processor.shutdown().catch(() => {}), delay(longestCloseMs, undefined, { ref: false })]),
  };
}
