import type { ResourceSpans, ScopeSpans, Span, Trace } from './otlp.ts';

/** Putting parts of one trace from several blocks together (spec read-path §2.3). */

/** What makes two spans the same: id and kind. */
function spanKey({ spanId, kind }: Span): string {
  return `${hex(spanId)} ${kind}`;
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');
}

/** Adds parts to a trace and drops spans that it has already. Parts keep their order; see {@link sortTrace}. */
export interface TraceMerger {
  readonly add: (part: Trace) => void;
  /** The parts so far, sorted if there are several. */
  readonly trace: () => Trace;
}

/** Starts with no part. */
export function createTraceMerger(): TraceMerger {
  const seen = new Set<string>();
  let parts = 0;
  let resourceSpans: readonly ResourceSpans[] = [];
  return {
    add: (part) => {
      parts++;
      resourceSpans = [...resourceSpans, ...(parts === 1 ? firstPart(part, seen) : newSpans(part, seen))];
    },
    trace: () => (parts > 1 ? sortTrace({ resourceSpans }) : { resourceSpans }),
  };
}

/** A single part stays as it is stored. */
function firstPart(part: Trace, seen: Set<string>): readonly ResourceSpans[] {
  for (const { scopeSpans } of part.resourceSpans) for (const { spans } of scopeSpans) for (const span of spans) seen.add(spanKey(span));
  return part.resourceSpans;
}

function newSpans(part: Trace, seen: Set<string>): readonly ResourceSpans[] {
  const isNew = (span: Span): boolean => {
    const key = spanKey(span);
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  };
  return mapSpans(part, (spans) => spans.filter(isNew)).resourceSpans;
}

/** Changes the spans of each scope; scopes and resources that have none left are dropped. */
function mapSpans(trace: Trace, change: (spans: readonly Span[]) => readonly Span[]): Trace {
  const resourceSpans: ResourceSpans[] = [];
  for (const { resource, scopeSpans } of trace.resourceSpans) {
    const kept = scopeSpans
      .map(({ scope, spans }): ScopeSpans => ({ scope, spans: change(spans) }))
      .filter(({ spans }) => spans.length > 0);
    if (kept.length > 0) resourceSpans.push({ resource, scopeSpans: kept });
  }
  return { resourceSpans };
}

function compareSpans(a: Span | undefined, b: Span | undefined): number {
  if (a === undefined || b === undefined) return Number(a === undefined) - Number(b === undefined);
  if (a.startNanos !== b.startNanos) return a.startNanos < b.startNanos ? -1 : 1;
  return Buffer.compare(a.spanId, b.spanId);
}

/** Sorts events by time, links by ids, spans by start and id, groups by their first span. */
export function sortTrace(trace: Trace): Trace {
  const resourceSpans = trace.resourceSpans.map(({ resource, scopeSpans }) => ({
    resource,
    scopeSpans: scopeSpans
      .map(({ scope, spans }): ScopeSpans => ({ scope, spans: spans.map(sortSpan).sort(compareSpans) }))
      .sort((a, b) => compareSpans(a.spans[0], b.spans[0])),
  }));
  return { resourceSpans: resourceSpans.sort((a, b) => compareSpans(a.scopeSpans[0]?.spans[0], b.scopeSpans[0]?.spans[0])) };
}

function sortSpan(span: Span): Span {
  if (span.events.length < 2 && span.links.length < 2) return span;
  return {
    ...span,
    events: span.events.toSorted((a, b) => (a.timeNanos < b.timeNanos ? -1 : Number(a.timeNanos > b.timeNanos))),
    links: span.links.toSorted((a, b) => Buffer.compare(a.traceId, b.traceId) || Buffer.compare(a.spanId, b.spanId)),
  };
}

const server = 2;
const client = 3;

/**
 * Gives server spans that share their id with a client span, as Zipkin does, an id of their own: the lowest unused number. The shared id becomes their parent,
 * and their children follow them (spec http-api §3.1). A trace without such spans comes back as it is.
 */
export function separateSharedIds(trace: Trace): Trace {
  const { clients, shared, used } = sharedIds(trace);
  if (shared.size === 0) return trace;
  const fresh = new Map<string, Uint8Array>();
  let number = 1n;
  const nextId = (): Uint8Array => {
    for (;;) {
      const id = Buffer.alloc(8);
      id.writeBigUInt64BE(number++);
      if (!used.has(hex(id))) return id;
    }
  };
  for (const id of shared) fresh.set(id, nextId());
  const rewrite = (span: Span): Span => {
    const own = hex(span.spanId);
    if (span.kind === server && clients.has(own)) return { ...span, spanId: fresh.get(own)!, parentSpanId: span.spanId };
    const parent = fresh.get(hex(span.parentSpanId));
    return parent === undefined ? span : { ...span, parentSpanId: parent };
  };
  return mapSpans(trace, (spans) => spans.map(rewrite));
}

function sharedIds(trace: Trace) {
  const clients = new Set<string>();
  const servers = new Set<string>();
  const used = new Set<string>();
  for (const { scopeSpans } of trace.resourceSpans) {
    for (const { spans } of scopeSpans) {
      for (const { spanId, kind } of spans) {
        const id = hex(spanId);
        used.add(id);
        if (kind === client) clients.add(id);
        else if (kind === server) servers.add(id);
      }
    }
  }
  return { clients, shared: servers.intersection(clients), used };
}
