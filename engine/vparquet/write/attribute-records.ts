import { type DedicatedScope, type DedicatedSlot, fixedResourceColumns, fixedSpanColumns, type WritableVersion } from './block-schema.ts';
import type { GroupRecord, LeafValue } from './schema-tree.ts';
import type { OtlpAttribute, OtlpValue } from './trace-model.ts';

/** How a block of these settings stores attributes. */
export interface AttributeLayout {
  readonly version: WritableVersion;
  readonly slots: readonly DedicatedSlot[];
}

/** Attributes spread over the columns that hold them: a column of their own, a dedicated one, or the generic list. */
export interface StoredAttributes {
  readonly fixed: GroupRecord;
  readonly dedicated: GroupRecord;
  readonly generic: readonly GroupRecord[];
}

/** Spreads the attributes of one owner (spec blocks §4.2–4.4). `scope` is undefined for levels that have the generic list only. */
export function storeAttributes(
  layout: AttributeLayout,
  scope: DedicatedScope | undefined,
  attributes: readonly OtlpAttribute[],
): StoredAttributes {
  const fixed: Record<string, LeafValue> = {};
  const dedicated: Record<string, LeafValue | readonly LeafValue[]> = {};
  const generic: GroupRecord[] = [];
  for (const { key, value } of attributes) {
    const column = fixedColumn(layout.version, scope, key, value);
    const slot = layout.slots.find((candidate) => candidate.scope === scope && candidate.key === key);
    const spare = slot && dedicatedValue(layout.version, slot, value);
    if (column !== undefined && (value.kind === 'string' || value.kind === 'int')) fixed[column] = value.value;
    else if (slot !== undefined && spare !== undefined) dedicated[slot.column] = spare;
    else generic.push(genericRecord(key, value));
  }
  return { fixed, dedicated, generic };
}

function fixedColumn(version: WritableVersion, scope: DedicatedScope | undefined, key: string, value: OtlpValue): string | undefined {
  if (scope === 'resource' && key === 'service.name') return value.kind === 'string' ? 'ServiceName' : undefined;
  if (version !== 'vParquet4' || scope === undefined || scope === 'event') return undefined;
  const columns = scope === 'resource' ? fixedResourceColumns : fixedSpanColumns;
  if (!Object.hasOwn(columns, key)) return undefined;
  return value.kind === (key === 'http.status_code' ? 'int' : 'string') ? columns[key] : undefined;
}

/** What a spare column holds of a value; undefined where it cannot. vParquet4 takes scalars, vParquet5 arrays of one type too. */
function dedicatedValue(version: WritableVersion, { type }: DedicatedSlot, value: OtlpValue): LeafValue | readonly LeafValue[] | undefined {
  if (value.kind === 'string' || value.kind === 'int') {
    if (value.kind !== type) return undefined;
    return version === 'vParquet4' ? value.value : [value.value];
  }
  if (version === 'vParquet4' || value.kind !== 'array' || value.values.some(({ kind }) => kind !== type)) return undefined;
  return scalars(value.values);
}

function scalars(values: readonly OtlpValue[]): readonly LeafValue[] {
  return values.flatMap((value) =>
    value.kind === 'string' || value.kind === 'int' || value.kind === 'double' || value.kind === 'boolean' ? [value.value] : [],
  );
}

const valueColumns = { string: 'Value', int: 'ValueInt', double: 'ValueDouble', boolean: 'ValueBool' } as const;

function genericRecord(Key: string, value: OtlpValue): GroupRecord {
  const values = value.kind === 'array' ? value.values : [value];
  const kind = values[0]?.kind;
  if (value.kind === 'array' && kind === undefined) return { Key, IsArray: true };
  const column = kind !== undefined && Object.hasOwn(valueColumns, kind) ? valueColumns[kind as keyof typeof valueColumns] : undefined;
  if (column === undefined || values.some((element) => element.kind !== kind)) {
    return { Key, IsArray: false, ValueUnsupported: JSON.stringify(anyValueJson(value)) };
  }
  return { Key, IsArray: value.kind === 'array', [column]: scalars(values) };
}

/** OTLP's AnyValue as protobuf JSON. */
function anyValueJson(value: OtlpValue): object {
  switch (value.kind) {
    case 'string':
      return { stringValue: value.value };
    case 'int':
      return { intValue: String(value.value) };
    case 'double':
      return { doubleValue: Number.isFinite(value.value) ? value.value : String(value.value) };
    case 'boolean':
      return { boolValue: value.value };
    case 'bytes':
      return { bytesValue: Buffer.from(value.value).toString('base64') };
    case 'array':
      return { arrayValue: value.values.length === 0 ? {} : { values: value.values.map(anyValueJson) } };
    case 'kvlist':
      return { kvlistValue: { values: value.values.map(({ key, value: inner }) => ({ key, value: anyValueJson(inner) })) } };
    case 'empty':
      return {};
  }
}
