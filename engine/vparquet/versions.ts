import { AppError } from '#engine/base/errors.ts';

/** The nesting levels of a trace in a block; the number is the repetition level of the level's columns. Links lie beside events. */
export const levels = { trace: 0, resource: 1, scope: 2, span: 3, event: 4, link: 4 } as const;
/** One of {@link levels}. */
export type Level = keyof typeof levels;

/** How a block version lays out attributes: a version is this value, not code (spec blocks §4.2–4.11). Paths are without `list.element`. */
export interface BlockVersion {
  readonly name: string;
  /** Attribute name to column, for string columns that exist in every block. */
  readonly fixedResource: Readonly<Record<string, string>>;
  readonly fixedSpan: Readonly<Record<string, string>>;
  /** Where generic attribute lists stand, by level; a level without one stores no attributes that TraceQL can see. */
  readonly attributeLists: Partial<Readonly<Record<Level, string>>>;
  /** Whether an attribute's values are lists (arrays stay arrays) or one optional scalar. */
  readonly arrays: boolean;
  /** Dedicated columns: none, `String01`… as optional strings, or as repeated values with ints and options. */
  readonly dedicated: 'none' | 'optional' | 'repeated';
  /** Whether events and links have columns of their own. */
  readonly events: boolean;
  /** Whether TraceQL sees the instrumentation scope: older versions store its name and version, but Tempo never searches them there. */
  readonly instrumentation: boolean;
  /** Columns of the per-service statistics. */
  readonly serviceStats: { readonly name: string; readonly spanCount: string; readonly errorCount: string } | undefined;
}

const wellKnownResource = {
  'service.name': 'rs.Resource.ServiceName',
  cluster: 'rs.Resource.Cluster',
  namespace: 'rs.Resource.Namespace',
  pod: 'rs.Resource.Pod',
  container: 'rs.Resource.Container',
  'k8s.cluster.name': 'rs.Resource.K8sClusterName',
  'k8s.namespace.name': 'rs.Resource.K8sNamespaceName',
  'k8s.pod.name': 'rs.Resource.K8sPodName',
  'k8s.container.name': 'rs.Resource.K8sContainerName',
};

const wellKnownSpan = {
  'http.method': 'rs.ss.Spans.HttpMethod',
  'http.url': 'rs.ss.Spans.HttpUrl',
  'http.status_code': 'rs.ss.Spans.HttpStatusCode',
};

const resourceAndSpan = { resource: 'rs.Resource.Attrs', span: 'rs.ss.Spans.Attrs' };
const everyLevel = {
  ...resourceAndSpan,
  scope: 'rs.ss.Scope.Attrs',
  event: 'rs.ss.Spans.Events.Attrs',
  link: 'rs.ss.Spans.Links.Attrs',
};

const vParquet2: BlockVersion = {
  name: 'vParquet2',
  fixedResource: wellKnownResource,
  fixedSpan: wellKnownSpan,
  attributeLists: resourceAndSpan,
  arrays: false,
  dedicated: 'none',
  events: false,
  instrumentation: false,
  serviceStats: undefined,
};

const vParquet4: BlockVersion = {
  ...vParquet2,
  name: 'vParquet4',
  attributeLists: everyLevel,
  arrays: true,
  dedicated: 'optional',
  events: true,
  instrumentation: true,
  serviceStats: {
    name: 'ServiceStats.key_value.key',
    spanCount: 'ServiceStats.key_value.value.SpanCount',
    errorCount: 'ServiceStats.key_value.value.ErrorCount',
  },
};

const versions: readonly BlockVersion[] = [
  vParquet2,
  { ...vParquet2, name: 'vParquet3', dedicated: 'optional' },
  vParquet4,
  {
    ...vParquet4,
    name: 'vParquet5',
    fixedResource: { 'service.name': wellKnownResource['service.name'] },
    fixedSpan: {},
    dedicated: 'repeated',
    serviceStats: { name: 'ServiceStats.ServiceName', spanCount: 'ServiceStats.SpanCount', errorCount: 'ServiceStats.ErrorCount' },
  },
];

/** The version of that name. Throws `internal` with Tempo's text for a version that cannot be read (spec blocks §2.2). */
export function blockVersion(name: string): BlockVersion {
  const version = versions.find((candidate) => candidate.name === name);
  if (version === undefined) throw new AppError('internal', `${name} is not a valid block version`);
  return version;
}

/** Names of the versions that can be read. */
export const readableVersions: readonly string[] = versions.map(({ name }) => name);
