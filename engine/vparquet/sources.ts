import type { DedicatedColumn } from '#engine/api/dedicated-columns.ts';
import type { LeafColumn } from '#engine/parquet/schema.ts';
import type { AttributeReference, Intrinsic, Reference, Scope } from '#engine/traceql/ast.ts';
import type { BlockVersion, Level } from './versions.ts';

/** A column that holds one attribute or intrinsic. Its slots are those of `level`; `repeatedValues`: it may hold several values for a slot. */
export interface ColumnSource {
  readonly kind: 'column';
  readonly level: Level;
  readonly column: LeafColumn;
  readonly repeatedValues: boolean;
  /** An empty string means that the attribute is absent. */
  readonly emptyIsAbsent: boolean;
  readonly meaning: Meaning;
}

/** A generic attribute list, to be searched for a key. A missing value column is undefined. */
export interface ListSource {
  readonly kind: 'list';
  readonly level: Level;
  readonly name: string;
  readonly key: LeafColumn;
  readonly strings: LeafColumn | undefined;
  readonly ints: LeafColumn | undefined;
  readonly doubles: LeafColumn | undefined;
  readonly booleans: LeafColumn | undefined;
}

/** How stored values are to be read: text, hex of ids, numbers, or words of an enumeration. */
export type Meaning = 'text' | 'int' | 'duration' | 'status' | 'kind' | 'traceId' | 'spanId' | 'linkTraceId';

/** Where a reference may be stored, one group per level; a value of the first group hides those of the following ones (spec traceql §4.2). */
export interface SourceGroup {
  readonly level: Level;
  readonly sources: readonly (ColumnSource | ListSource)[];
}

/** What a block stores, for {@link sourcesOf}. */
export interface BlockSchema {
  readonly version: BlockVersion;
  readonly columns: ReadonlyMap<string, LeafColumn>;
  readonly dedicatedColumns: readonly DedicatedColumn[];
}

const spanPath = 'rs.ss.Spans.';

const intrinsicColumns: Readonly<
  Record<Exclude<Intrinsic, 'parent'>, { readonly level: Level; readonly path: string; readonly meaning: Meaning }>
> = {
  name: { level: 'span', path: `${spanPath}Name`, meaning: 'text' },
  duration: { level: 'span', path: `${spanPath}DurationNano`, meaning: 'duration' },
  status: { level: 'span', path: `${spanPath}StatusCode`, meaning: 'status' },
  statusMessage: { level: 'span', path: `${spanPath}StatusMessage`, meaning: 'text' },
  kind: { level: 'span', path: `${spanPath}Kind`, meaning: 'kind' },
  'span:childCount': { level: 'span', path: `${spanPath}ChildCount`, meaning: 'int' },
  'span:id': { level: 'span', path: `${spanPath}SpanID`, meaning: 'spanId' },
  'span:parentID': { level: 'span', path: `${spanPath}ParentSpanID`, meaning: 'spanId' },
  nestedSetLeft: { level: 'span', path: `${spanPath}NestedSetLeft`, meaning: 'int' },
  nestedSetRight: { level: 'span', path: `${spanPath}NestedSetRight`, meaning: 'int' },
  nestedSetParent: { level: 'span', path: `${spanPath}ParentID`, meaning: 'int' },
  rootName: { level: 'trace', path: 'RootSpanName', meaning: 'text' },
  rootServiceName: { level: 'trace', path: 'RootServiceName', meaning: 'text' },
  traceDuration: { level: 'trace', path: 'DurationNano', meaning: 'duration' },
  'trace:id': { level: 'trace', path: 'TraceID', meaning: 'traceId' },
  'event:name': { level: 'event', path: `${spanPath}Events.Name`, meaning: 'text' },
  'event:timeSinceStart': { level: 'event', path: `${spanPath}Events.TimeSinceStartNano`, meaning: 'duration' },
  'link:traceID': { level: 'link', path: `${spanPath}Links.TraceID`, meaning: 'linkTraceId' },
  'link:spanID': { level: 'link', path: `${spanPath}Links.SpanID`, meaning: 'spanId' },
  'instrumentation:name': { level: 'scope', path: 'rs.ss.Scope.Name', meaning: 'text' },
  'instrumentation:version': { level: 'scope', path: 'rs.ss.Scope.Version', meaning: 'text' },
};

const scopeLevels: Readonly<Record<Exclude<Scope, 'none'>, Level>> = {
  span: 'span',
  resource: 'resource',
  event: 'event',
  link: 'link',
  instrumentation: 'scope',
};

const dedicatedGroups: Partial<Readonly<Record<Level, string>>> = {
  resource: 'rs.Resource.DedicatedAttributes.',
  span: `${spanPath}DedicatedAttributes.`,
  event: `${spanPath}Events.DedicatedAttributes.`,
};

/** The level whose slots a reference's values belong to; for an unscoped attribute that of its spans. */
export function levelOf(reference: Reference): Level {
  if (reference.kind === 'attribute') return reference.scope === 'none' ? 'span' : scopeLevels[reference.scope];
  return reference.name === 'parent' ? 'span' : intrinsicColumns[reference.name].level;
}

/** All places where a block may store a reference; empty when the block's version cannot hold it (spec blocks §4.12). */
export function sourcesOf(schema: BlockSchema, reference: Reference): readonly SourceGroup[] {
  if (reference.kind === 'intrinsic') return intrinsicSources(schema, reference.name);
  if (reference.scope === 'none') {
    const groups = [attributeSources(schema, reference, 'span'), attributeSources(schema, reference, 'resource')];
    return groups.filter((group) => group.sources.length > 0);
  }
  const group = attributeSources(schema, reference, scopeLevels[reference.scope]);
  return group.sources.length > 0 ? [group] : [];
}

function intrinsicSources(schema: BlockSchema, name: Intrinsic): readonly SourceGroup[] {
  if (name === 'parent') return [];
  const { level, path, meaning } = intrinsicColumns[name];
  const column = schema.columns.get(path);
  const { events, instrumentation } = schema.version;
  if (column === undefined || (!events && (level === 'event' || level === 'link')) || (!instrumentation && level === 'scope')) return [];
  return [{ level, sources: [{ kind: 'column', level, column, repeatedValues: false, emptyIsAbsent: false, meaning }] }];
}

function attributeSources(schema: BlockSchema, reference: AttributeReference, level: Level): SourceGroup {
  const sources: (ColumnSource | ListSource)[] = [];
  const { version } = schema;
  const fixed = level === 'resource' ? version.fixedResource : level === 'span' ? version.fixedSpan : {};
  const fixedPath = Object.hasOwn(fixed, reference.name) ? fixed[reference.name] : undefined;
  const fixedColumn = fixedPath === undefined ? undefined : schema.columns.get(fixedPath);
  if (fixedColumn !== undefined) {
    const emptyIsAbsent = level === 'resource' && reference.name === 'service.name';
    sources.push(columnSource(level, fixedColumn, false, emptyIsAbsent));
  }
  const dedicated = dedicatedColumn(schema, level, reference.name);
  if (dedicated !== undefined) sources.push(columnSource(level, dedicated, version.dedicated === 'repeated', false));
  const list = listSource(schema, level, reference.name);
  if (list !== undefined) sources.push(list);
  return { level, sources };
}

function columnSource(level: Level, column: LeafColumn, repeatedValues: boolean, emptyIsAbsent: boolean): ColumnSource {
  return { kind: 'column', level, column, repeatedValues, emptyIsAbsent, meaning: column.type === 'bytes' ? 'text' : 'int' };
}

function dedicatedColumn(schema: BlockSchema, level: Level, name: string): LeafColumn | undefined {
  return dedicatedColumnsOf(schema, level).find((dedicated) => dedicated.name === name)?.column;
}

/**
 * The dedicated columns of a level with the attributes they hold, in configuration order, as far as the file has them. Slot i of a scope and type is the
 * i-th column of that scope and type; vParquet3 and 4 skip columns that they cannot hold (spec blocks §4.3).
 */
export function dedicatedColumnsOf(schema: BlockSchema, level: Level): readonly { readonly name: string; readonly column: LeafColumn }[] {
  const prefix = dedicatedGroups[level];
  const { dedicated } = schema.version;
  if (prefix === undefined || dedicated === 'none') return [];
  const slots = { string: 0, int: 0 };
  const found: { readonly name: string; readonly column: LeafColumn }[] = [];
  for (const { scope, type, name, options } of schema.dedicatedColumns) {
    if (scope !== level) continue;
    if (dedicated === 'optional' && (type !== 'string' || options.length > 0)) continue;
    const slot = ++slots[type];
    const column = schema.columns.get(`${prefix}${type === 'string' ? 'String' : 'Int'}${String(slot).padStart(2, '0')}`);
    if (column !== undefined) found.push({ name, column });
  }
  return found;
}

function listSource(schema: BlockSchema, level: Level, name: string): ListSource | undefined {
  const path = schema.version.attributeLists[level];
  const key = path === undefined ? undefined : schema.columns.get(`${path}.Key`);
  if (path === undefined || key === undefined) return undefined;
  return {
    kind: 'list',
    level,
    name,
    key,
    strings: schema.columns.get(`${path}.Value`),
    ints: schema.columns.get(`${path}.ValueInt`),
    doubles: schema.columns.get(`${path}.ValueDouble`),
    booleans: schema.columns.get(`${path}.ValueBool`),
  };
}
