import type { CallResult, Invoke } from '../external/invoke.ts';
import type { Pool } from '../external/pool.ts';
import type { Span, Tracer } from './tracing.ts';

/** The `service.name` of what functions did. */
const functionService = 'rubato-function';

/** Records what the function says of its jobs: it has no tracer of its own, which would cost its starts (docs/telemetry.md). */
function recordJobs(
  tracer: Tracer,
  span: Span,
  call: Parameters<Invoke>[0],
  { outcomes }: CallResult,
  startMs: number,
  endMs: number,
): void {
  for (const [index, outcome] of outcomes.entries()) {
    if (outcome.kind !== 'answered') continue;
    const { durationMs, bytesRead, gets } = outcome.cost;
    const attributes = { 'rubato.bytes_read': bytesRead, 'rubato.gets': gets };
    const begun = Math.min(endMs, Math.max(startMs, endMs - durationMs));
    const name = `${call.jobs[index]?.kind ?? ''} job`;
    tracer.start({ name, kind: 'server', parent: span, startMs: begun, attributes, service: functionService }).end(undefined, endMs);
  }
}

function tracedInvoke(invoke: Invoke, url: string, tracer: Tracer, nowMs: () => number): Invoke {
  return async (call, signal) => {
    const parent = call.jobs[0]?.traceparent;
    if (parent === undefined) return invoke(call, signal);
    const startMs = nowMs();
    const attributes = { 'server.address': url, 'rubato.jobs': call.jobs.length, 'rubato.hedged': call.hedged };
    const span = tracer.start({ name: 'call function', kind: 'client', parent, startMs, attributes });
    try {
      const result = await invoke({ ...call, traceparent: span.traceparent }, signal);
      const endMs = nowMs();
      recordJobs(tracer, span, call, result, startMs, endMs);
      const { coldStart, billedMs } = result.cost;
      span.setAttributes({ 'faas.coldstart': coldStart, ...(billedMs === undefined ? {} : { 'rubato.billed_ms': billedMs }) });
      const failed = result.outcomes.find((outcome) => outcome.kind === 'failed');
      span.end(failed?.message, endMs);
      return result;
    } catch (thrown) {
      span.end(thrown instanceof Error ? thrown.message : String(thrown));
      throw thrown;
    }
  };
}

/** The same pools with a span for each call: a child of the first job's, and one for each job in the function. */
export function tracePools(pools: readonly Pool[], tracer: Tracer | undefined, nowMs: () => number): readonly Pool[] {
  if (tracer === undefined) return pools;
  return pools.map((pool) => ({
    ...pool,
    endpoints: pool.endpoints.map((endpoint) => ({ ...endpoint, invoke: tracedInvoke(endpoint.invoke, endpoint.url, tracer, nowMs) })),
  }));
}
