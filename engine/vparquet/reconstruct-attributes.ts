import { type AnyValue, type KeyValue, noValue } from '#engine/api/otlp.ts';
import { parseAnyValue } from '#engine/api/otlp-json.ts';
import { AppError } from '#engine/base/errors.ts';
import type { RowColumn, RowValue } from '#engine/parquet/row-column.ts';
import { slotsOf, type TraceRow, textAt } from './row-values.ts';
import { type BlockSchema, dedicatedColumnsOf } from './sources.ts';
import type { Level } from './versions.ts';

/** Reads the attributes of a slot. */
export type AttributeReader = (slot: number) => readonly KeyValue[];

/** The attributes of a level's slots: the generic list, then dedicated columns in configuration order, then fixed columns (spec blocks §4.2). */
export function createAttributeReader(schema: BlockSchema, level: Level, row: TraceRow): AttributeReader {
  const list = listReader(schema, level, row);
  const dedicated = dedicatedColumnsOf(schema, level).map(({ name, column }) => ({ name, column: row(column.path) }));
  const repeated = schema.version.dedicated === 'repeated';
  const { fixedResource, fixedSpan } = schema.version;
  const fixed = Object.entries(level === 'resource' ? fixedResource : level === 'span' ? fixedSpan : {});
  const columns = fixed.map(([name, path]) => ({ name, column: row(path), emptyIsAbsent: name === 'service.name' }));
  return (slot) => {
    const attributes = list(slot);
    for (const { name, column } of dedicated) {
      const value = repeated ? valuesBelow(column, slot) : scalar(column?.values[slot]);
      if (value !== undefined) attributes.push({ key: name, value });
    }
    for (const { name, column, emptyIsAbsent } of columns) {
      const value = scalar(column?.values[slot]);
      if (value === undefined || (emptyIsAbsent && value.type === 'string' && value.value === '')) continue;
      attributes.push({ key: name, value });
    }
    return attributes;
  };
}

/** A stored value as OTLP has it; undefined for null. */
function scalar(value: RowValue): AnyValue | undefined {
  switch (typeof value) {
    case 'string':
      return { type: 'string', value };
    case 'bigint':
      return { type: 'int', value };
    case 'number':
      return { type: 'double', value };
    case 'boolean':
      return { type: 'boolean', value };
    default:
      return undefined;
  }
}

/** The values of a repeated column below a slot: none is absent, one a scalar, several an array (spec blocks §4.3). */
function valuesBelow(column: RowColumn | undefined, slot: number): AnyValue | undefined {
  const values = listBelow(column, slot);
  return values.length > 1 ? { type: 'array', values } : values[0];
}

function listBelow(column: RowColumn | undefined, slot: number): AnyValue[] {
  const values: AnyValue[] = [];
  if (column === undefined) return values;
  const end = column.starts[slot + 1] ?? 0;
  for (let entry = column.starts[slot] ?? 0; entry < end; entry++) {
    const value = scalar(column.values[entry]);
    if (value !== undefined) values.push(value);
  }
  return values;
}

function listReader(schema: BlockSchema, level: Level, row: TraceRow): (slot: number) => KeyValue[] {
  const path = schema.version.attributeLists[level];
  const keys = path === undefined ? undefined : row(`${path}.Key`);
  if (path === undefined || keys === undefined) return () => [];
  const read = schema.version.arrays ? arrayValues(path, row) : scalarValues(path, row);
  return (slot) => {
    const attributes: KeyValue[] = [];
    for (const entry of slotsOf(keys, slot)) {
      const value = read(entry);
      if (value !== undefined) attributes.push({ key: textAt(keys, entry), value });
    }
    return attributes;
  };
}

/** vParquet4 and 5: a list for each type, and JSON for what fits nowhere; an entry without any of them is left out (spec blocks §4.4). */
function arrayValues(path: string, row: TraceRow): (entry: number) => AnyValue | undefined {
  const isArray = row(`${path}.IsArray`);
  const lists = ['Value', 'ValueInt', 'ValueDouble', 'ValueBool'].map((name) => row(`${path}.${name}`));
  const unsupported = row(`${path}.ValueUnsupported`);
  return (entry) => {
    const values = lists.flatMap((list) => listBelow(list, entry));
    if (isArray?.values[entry] === true) return { type: 'array', values };
    return values[0] ?? parsed(unsupported, entry);
  };
}

/** vParquet2 and 3: a column for each type, and JSON for arrays and maps; other values were lost, their keys stayed (spec blocks §4.4). */
function scalarValues(path: string, row: TraceRow): (entry: number) => AnyValue {
  const columns = ['Value', 'ValueInt', 'ValueDouble', 'ValueBool'].map((name) => row(`${path}.${name}`));
  const arrays = row(`${path}.ValueArray`);
  const maps = row(`${path}.ValueKVList`);
  return (entry) => {
    for (const column of columns) {
      const value = scalar(column?.values[entry]);
      if (value !== undefined) return value;
    }
    return parsed(arrays, entry) ?? parsed(maps, entry) ?? noValue;
  };
}

function parsed(column: RowColumn | undefined, entry: number): AnyValue | undefined {
  const text = textAt(column, entry);
  if (text === '') return undefined;
  try {
    return parseAnyValue(text);
  } catch (cause) {
    throw new AppError('corrupt_block', `an attribute holds no JSON of a value: ${text.slice(0, 80)}`, { cause });
  }
}
