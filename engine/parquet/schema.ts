import { AppError } from '#engine/base/errors.ts';
import type { ColumnShape } from '#engine/kernels/kernels.ts';
import { readBinary, readListHeader, readStruct, readZigzag, thriftCursor } from './thrift.ts';

/** A leaf of the schema, in file order. */
export interface LeafColumn {
  /** Position among the leaves: its chunk's position in every row group. */
  readonly index: number;
  /** Names joined by `.`, without the `list.element` groups of three-level lists, so that block versions that differ only in them share paths. */
  readonly path: string;
  readonly type: ColumnShape['type'];
  readonly maxRepetition: number;
  readonly maxDefinition: number;
}

interface SchemaElement {
  type: number | undefined;
  repetition: number;
  name: string;
  childCount: number;
}

const physicalTypes: Readonly<Record<number, ColumnShape['type']>> = { 0: 'boolean', 1: 'int32', 2: 'int64', 5: 'double', 6: 'bytes' };
const required = 0;
const repeated = 2;
const maxElements = 10_000;
const maxDepth = 32;

/**
 * The leaves of a footer's schema list (parquet-format `SchemaElement`, spec blocks §4).
 *
 * Throws `corrupt_block` where the tree does not add up.
 */
export function parseSchema(footer: Uint8Array, start: number): readonly LeafColumn[] {
  const cursor = thriftCursor(footer, start);
  const { size } = readListHeader(cursor);
  if (size > maxElements) throw new AppError('corrupt_block', `parquet schema has ${size} elements, more than ${maxElements}`);
  const elements: SchemaElement[] = [];
  for (let i = 0; i < size; i++) elements.push(readElement(cursor));
  const leaves: LeafColumn[] = [];
  let next = 1;
  const walk = (parents: readonly string[], repetition: number, definition: number): void => {
    const element = elements[next++];
    if (element === undefined) throw new AppError('corrupt_block', 'parquet schema ends before its last group is complete');
    if (parents.length > maxDepth) throw new AppError('corrupt_block', `parquet schema is nested deeper than ${maxDepth}`);
    const maxRepetition = repetition + (element.repetition === repeated ? 1 : 0);
    const maxDefinition = definition + (element.repetition === required ? 0 : 1);
    const names = [...parents, element.name];
    if (element.childCount > 0) {
      for (let i = 0; i < element.childCount; i++) walk(names, maxRepetition, maxDefinition);
      return;
    }
    const type = physicalTypes[element.type ?? -1];
    if (type === undefined)
      throw new AppError('corrupt_block', `parquet column ${names.join('.')} has the unsupported physical type ${element.type}`);
    leaves.push({ index: leaves.length, path: shortPath(names), type, maxRepetition, maxDefinition });
  };
  const root = elements[0];
  if (root === undefined) throw new AppError('corrupt_block', 'parquet schema is empty');
  for (let i = 0; i < root.childCount; i++) walk([], 0, 0);
  return leaves;
}

function readElement(cursor: ReturnType<typeof thriftCursor>): SchemaElement {
  const element: SchemaElement = { type: undefined, repetition: required, name: '', childCount: 0 };
  readStruct(cursor, (id) => {
    switch (id) {
      case 1:
        element.type = readZigzag(cursor);
        return true;
      case 3:
        element.repetition = readZigzag(cursor);
        return true;
      case 4:
        element.name = Buffer.from(readBinary(cursor)).toString('utf8');
        return true;
      case 5:
        element.childCount = readZigzag(cursor);
        return true;
      default:
        return false;
    }
  });
  return element;
}

function shortPath(names: readonly string[]): string {
  const kept: string[] = [];
  for (let i = 0; i < names.length; i++) {
    if (names[i] === 'list' && names[i + 1] === 'element') i++;
    else kept.push(names[i]);
  }
  return kept.join('.');
}
