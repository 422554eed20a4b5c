import type { DedicatedColumn } from '#engine/api/dedicated-columns.ts';
import { type GroupNode, group, type LeafNode, leaf, type Repetition, type SchemaNode } from './schema-tree.ts';

/** Versions that can be written. */
export type WritableVersion = 'vParquet4' | 'vParquet5';

/** Levels that may have dedicated columns. */
export type DedicatedScope = DedicatedColumn['scope'];

/** A dedicated column of a block with the spare column that holds it. */
export interface DedicatedSlot {
  readonly scope: DedicatedScope;
  readonly key: string;
  readonly type: 'string' | 'int';
  /** Spare column inside `DedicatedAttributes`. */
  readonly column: string;
  readonly blob: boolean;
}

/** Attributes that vParquet4 keeps in columns of their own, beside `service.name` (spec blocks §4.2). */
export const fixedResourceColumns: Readonly<Record<string, string>> = {
  cluster: 'Cluster',
  namespace: 'Namespace',
  pod: 'Pod',
  container: 'Container',
  'k8s.cluster.name': 'K8sClusterName',
  'k8s.namespace.name': 'K8sNamespaceName',
  'k8s.pod.name': 'K8sPodName',
  'k8s.container.name': 'K8sContainerName',
};

/** The same of spans; the last one holds integers. */
export const fixedSpanColumns: Readonly<Record<string, string>> = {
  'http.method': 'HttpMethod',
  'http.url': 'HttpUrl',
  'http.status_code': 'HttpStatusCode',
};

const spareTexts: Readonly<Record<WritableVersion, number>> = { vParquet4: 10, vParquet5: 20 };
const spareInts = 5;

/** Which spare column each dedicated column gets; those beyond the spare ones get none (spec blocks §4.3). */
export function dedicatedSlots(version: WritableVersion, columns: readonly DedicatedColumn[]): readonly DedicatedSlot[] {
  const slots: DedicatedSlot[] = [];
  const used = new Map<string, number>();
  for (const { scope, name, type, options } of columns) {
    if (version === 'vParquet4' && (scope === 'event' || type === 'int' || options.length > 0)) continue;
    const number = (used.get(`${scope} ${type}`) ?? 0) + 1;
    used.set(`${scope} ${type}`, number);
    if (number > (type === 'int' ? spareInts : spareTexts[version])) continue;
    slots.push({ scope, key: name, type, column: slotName(type, number), blob: options.includes('blob') });
  }
  return slots;
}

function slotName(type: 'string' | 'int', number: number): string {
  return `${type === 'int' ? 'Int' : 'String'}${String(number).padStart(2, '0')}`;
}

/** The tree of data.parquet (spec blocks §4.10, §4.11). */
export function blockSchema(version: WritableVersion, slots: readonly DedicatedSlot[]): GroupNode {
  const many: Repetition = version === 'vParquet4' ? 'list' : 'repeated';
  const attributes = group('Attrs', attributeNodes(many), many);
  const dropped = (name: string, encoding: 'plain' | 'delta') => leaf(name, 'int32', encoding);
  const dedicated = (scope: DedicatedScope) => dedicatedNodes(version, scope, slots);
  const scope = group('Scope', [text('Name'), text('Version'), attributes, dropped('DroppedAttributesCount', 'delta')]);
  const events = [
    leaf('TimeSinceStartNano', 'uint64', 'delta'),
    text('Name'),
    attributes,
    dropped('DroppedAttributesCount', 'delta'),
    ...dedicated('event'),
  ];
  const spans = [
    ...spanNodes(version),
    attributes,
    dropped('DroppedAttributesCount', 'plain'),
    group('Events', events, many),
    dropped('DroppedEventsCount', 'plain'),
    group('Links', [...linkNodes, attributes, dropped('DroppedAttributesCount', 'delta')], many),
    dropped('DroppedLinksCount', 'plain'),
    ...(version === 'vParquet4'
      ? [text('HttpMethod', 'optional'), text('HttpUrl', 'optional'), leaf('HttpStatusCode', 'int64', 'plain', 'optional')]
      : []),
    ...dedicated('span'),
    ...(version === 'vParquet5' ? roundedStarts.map((seconds) => leaf(`StartTimeRounded${seconds}`, 'uint32', 'delta')) : []),
  ];
  const resource = [text('ServiceName'), attributes, dropped('DroppedAttributesCount', 'delta')];
  const resourceNodes =
    version === 'vParquet4'
      ? [attributes, resource[2]!, resource[0]!, ...Object.values(fixedResourceColumns).map((name) => text(name, 'optional'))]
      : resource;
  const scopes = [scope, group('Spans', spans, many), ...(version === 'vParquet5' ? [leaf('SpanCount', 'int32', 'delta')] : [])];
  const resources = [group('Resource', [...resourceNodes, ...dedicated('resource')]), group('ss', scopes, many)];
  return group('Trace', [...traceNodes, serviceStats(version), group('rs', resources, many)]);
}

/** Seconds of the intervals whose number vParquet5 stores for each span (spec blocks §4.6). */
export const roundedStarts = [15, 60, 300, 3600] as const;

function text(name: string, repetition: Repetition = 'required'): LeafNode {
  return leaf(name, 'text', 'dictionary', repetition);
}

const traceNodes: readonly SchemaNode[] = [
  leaf('TraceID', 'bytes', 'deltaLength'),
  leaf('TraceIDText', 'text', 'deltaLength'),
  leaf('StartTimeUnixNano', 'uint64', 'delta'),
  leaf('EndTimeUnixNano', 'uint64', 'delta'),
  leaf('DurationNano', 'uint64', 'delta'),
  text('RootServiceName'),
  text('RootSpanName'),
];

const linkNodes: readonly SchemaNode[] = [
  leaf('TraceID', 'bytes', 'deltaLength'),
  leaf('SpanID', 'bytes', 'deltaLength'),
  leaf('TraceState', 'text', 'deltaLength'),
];

function spanNodes(version: WritableVersion): readonly SchemaNode[] {
  return [
    leaf('SpanID', 'bytes', 'deltaLength'),
    leaf('ParentSpanID', 'bytes', 'deltaLength'),
    leaf('ParentID', 'int32', 'delta'),
    leaf('NestedSetLeft', 'int32', 'delta'),
    leaf('NestedSetRight', 'int32', 'delta'),
    ...(version === 'vParquet5' ? [leaf('ChildCount', 'int32', 'delta')] : []),
    text('Name'),
    leaf('Kind', 'int64', 'delta'),
    leaf('TraceState', 'text', 'deltaLength'),
    leaf('StartTimeUnixNano', 'uint64', 'delta'),
    leaf('DurationNano', 'uint64', 'delta'),
    leaf('StatusCode', 'int64', 'delta'),
    leaf('StatusMessage', 'text', 'deltaLength'),
  ];
}

function attributeNodes(many: Repetition): readonly SchemaNode[] {
  return [
    text('Key'),
    leaf('IsArray', 'boolean', 'plain'),
    text('Value', many),
    leaf('ValueInt', 'int64', 'plain', many),
    leaf('ValueDouble', 'double', 'plain', many),
    leaf('ValueBool', 'boolean', 'plain', many),
    leaf('ValueUnsupported', 'text', 'deltaLength', 'optional'),
  ];
}

function serviceStats(version: WritableVersion): GroupNode {
  const counts = [leaf('SpanCount', 'uint32', 'delta'), leaf('ErrorCount', 'uint32', 'delta')];
  if (version === 'vParquet5') return group('ServiceStats', [text('ServiceName'), ...counts], 'repeated');
  const entry = group('key_value', [leaf('key', 'text', 'deltaLength'), group('value', counts)], 'repeated');
  return { ...group('ServiceStats', [entry]), map: true };
}

/** vParquet4 has all spare columns always, vParquet5 those in use; a group without any is left out. */
function dedicatedNodes(version: WritableVersion, scope: DedicatedScope, slots: readonly DedicatedSlot[]): readonly GroupNode[] {
  if (version === 'vParquet4') {
    if (scope === 'event') return [];
    const names = Array.from({ length: spareTexts.vParquet4 }, (_, i) => slotName('string', i + 1));
    return [
      group(
        'DedicatedAttributes',
        names.map((name) => text(name, 'optional')),
      ),
    ];
  }
  const own = slots.filter((slot) => slot.scope === scope);
  const ordered = [...own.filter(({ type }) => type === 'string'), ...own.filter(({ type }) => type === 'int')];
  const nodes = ordered.map(({ type, column, blob }) =>
    type === 'int' ? leaf(column, 'int64', 'plain', 'repeated') : leaf(column, 'text', blob ? 'deltaLength' : 'dictionary', 'repeated'),
  );
  return nodes.length === 0 ? [] : [group('DedicatedAttributes', nodes)];
}
