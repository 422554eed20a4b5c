import type { DedicatedColumn } from '#engine/api/dedicated-columns.ts';
import type { WritableVersion } from '#engine/vparquet/write/block-schema.ts';
import type { OtlpResource, OtlpScope, OtlpSpan, OtlpTrace } from '#engine/vparquet/write/trace-model.ts';

/** What the answer depends on beside the traces: which attributes have columns of their own, and whether child counts are stored. */
export interface Settings {
  readonly version: WritableVersion;
  readonly dedicatedColumns: readonly DedicatedColumn[];
}

/** A span with all that it belongs to, and its place in the tree. */
export interface SpanView {
  readonly settings: Settings;
  readonly trace: TraceView;
  readonly resource: OtlpResource;
  readonly scope: OtlpScope;
  readonly span: OtlpSpan;
  /** Undefined for roots, and where the tree is unknown. */
  parent: SpanView | undefined;
  /** Whether the span is reached from a root; the numbers are 0 otherwise (spec traceql §5.1). */
  inTree: boolean;
  left: number;
  right: number;
  parentLeft: number;
  childCount: number;
}

/** A trace with its values as a whole (spec blocks §4.5). */
export interface TraceView {
  readonly id: string;
  readonly spans: SpanView[];
  readonly startNanos: bigint;
  readonly endNanos: bigint;
  readonly rootService: string;
  readonly rootName: string;
  readonly services: ReadonlyMap<string, { readonly spanCount: number; readonly errorCount: number }>;
}

export function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

/** Views of traces, in the order of a block: by id. */
export function viewTraces(settings: Settings, traces: readonly OtlpTrace[]): readonly TraceView[] {
  return traces.map((trace) => viewTrace(settings, trace)).sort((a, b) => (a.id < b.id ? -1 : 1));
}

function viewTrace(settings: Settings, trace: OtlpTrace): TraceView {
  const triples = trace.resources.flatMap((resource) =>
    resource.scopes.flatMap((scope) => scope.spans.map((span) => ({ resource, scope, span }))),
  );
  const roots = triples.filter(({ span }) => span.parentSpanId.length === 0 && !isChildOf(span, trace.traceId));
  const services = new Map<string, { spanCount: number; errorCount: number }>();
  for (const { resource, span } of triples) {
    const name = service(resource);
    const { spanCount, errorCount } = services.get(name) ?? { spanCount: 0, errorCount: 0 };
    services.set(name, { spanCount: spanCount + 1, errorCount: errorCount + (span.statusCode === 2 ? 1 : 0) });
  }
  const root = roots.at(-1);
  const view: TraceView = {
    id: hexOf(trace.traceId).padStart(32, '0'),
    spans: [],
    startNanos: triples.map(({ span }) => span.startNanos).sort(ascending)[0]!,
    endNanos: triples
      .map(({ span }) => span.endNanos)
      .sort(ascending)
      .at(-1)!,
    rootService: root === undefined ? '' : service(root.resource),
    rootName: root?.span.name ?? '',
    services,
  };
  const tree = { parent: undefined, inTree: false, left: 0, right: 0, parentLeft: 0, childCount: 0 };
  view.spans.push(...triples.map((triple) => ({ settings, trace: view, ...triple, ...tree })));
  growTree(view.spans);
  return view;
}

function ascending(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function service({ attributes }: OtlpResource): string {
  const value = attributes.find(({ key }) => key === 'service.name')?.value;
  return value?.kind === 'string' ? value.value : '';
}

function isChildOf({ links }: OtlpSpan, traceId: Uint8Array): boolean {
  return links.some(
    (link) =>
      hexOf(link.traceId) === hexOf(traceId) &&
      link.attributes.some(({ key, value }) => key === 'opentracing.ref_type' && value.kind === 'string' && value.value === 'child_of'),
  );
}

function growTree(spans: readonly SpanView[]): void {
  const roots = spans.filter(({ span }) => span.parentSpanId.length === 0);
  const sameId = (id: Uint8Array) => spans.filter(({ span }) => hexOf(span.spanId) === hexOf(id));
  if (roots.length === 0 || spans.some(({ span }) => sameId(span.spanId).length > 2)) return;
  const parents = new Map<SpanView, SpanView | undefined>();
  for (const view of spans) {
    if (view.span.parentSpanId.length === 0) continue;
    const candidates = sameId(view.span.parentSpanId);
    const wanted = view.span.kind === 2 ? 3 : 2;
    parents.set(view, candidates.length === 2 ? candidates.find(({ span }) => span.kind === wanted) : candidates[0]);
  }
  const childrenOf = (parent: SpanView) => spans.filter((view) => parents.get(view) === parent);
  for (const view of spans) view.childCount = childrenOf(view).length;
  let counter = 0;
  const visit = (view: SpanView, parent: SpanView | undefined): void => {
    view.inTree = true;
    view.parent = parent;
    view.parentLeft = parent === undefined ? -1 : parent.left;
    view.left = ++counter;
    for (const child of childrenOf(view)) visit(child, view);
    view.right = ++counter;
  };
  for (const root of roots) visit(root, undefined);
}
