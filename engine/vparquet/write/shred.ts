import type { GroupRecord, LeafNode, LeafValue, SchemaNode } from './schema-tree.ts';

/** What one column holds of the rows of a row group, as parquet stores it: an entry per (repetition, definition) pair, values where defined. */
export interface ColumnEntries {
  readonly node: LeafNode;
  /** Names from below the root, `list` and `element` included. */
  readonly path: readonly string[];
  readonly maxRepetition: number;
  readonly maxDefinition: number;
  readonly repetitions: number[];
  readonly definitions: number[];
  readonly values: LeafValue[];
  /** Where each row starts among the entries and among the values. */
  readonly rowStarts: { readonly entry: number; readonly value: number }[];
}

/** Takes rows apart. */
export interface Shredder {
  readonly columns: readonly ColumnEntries[];
  readonly addRow: (row: GroupRecord) => void;
}

/** A node with its levels. */
type Placed =
  | {
      readonly kind: 'leaf';
      readonly node: LeafNode;
      readonly repetition: number;
      readonly definition: number;
      readonly column: ColumnEntries;
    }
  | {
      readonly kind: 'group';
      readonly node: SchemaNode;
      readonly repetition: number;
      readonly definition: number;
      readonly children: readonly Placed[];
    };

/** Starts on an empty row group. `nodes` are the members of the root. */
export function createShredder(nodes: readonly SchemaNode[]): Shredder {
  const columns: ColumnEntries[] = [];
  const placed = nodes.map((node) => place(columns, node, [], 0, 0));
  return {
    columns,
    addRow: (row) => {
      for (const { rowStarts, repetitions, values } of columns) rowStarts.push({ entry: repetitions.length, value: values.length });
      for (const child of placed) addNode(child, row[child.node.name], 0, 0);
    },
  };
}

function place(columns: ColumnEntries[], node: SchemaNode, above: readonly string[], repetition: number, definition: number): Placed {
  const repeats = node.repetition === 'repeated' || node.repetition === 'list';
  const levels = { repetition: repetition + Number(repeats), definition: definition + Number(node.repetition !== 'required') };
  const path = [...above, node.name, ...(node.repetition === 'list' ? ['list', 'element'] : [])];
  if (node.kind === 'group') {
    const children = node.children.map((child) => place(columns, child, path, levels.repetition, levels.definition));
    return { kind: 'group', node, ...levels, children };
  }
  const column: ColumnEntries = {
    node,
    path,
    maxRepetition: levels.repetition,
    maxDefinition: levels.definition,
    repetitions: [],
    definitions: [],
    values: [],
    rowStarts: [],
  };
  columns.push(column);
  return { kind: 'leaf', node, ...levels, column };
}

type Member = GroupRecord[string];

/** `repetition` is that of the next entry, `definition` that of the parent. */
function addNode(placed: Placed, member: Member, repetition: number, definition: number): void {
  const { node } = placed;
  const members = Array.isArray(member) ? (member as readonly Member[]) : member === undefined ? [] : [member];
  if (node.repetition === 'required') addOne(placed, member, repetition);
  else if (members.length === 0) addNull(placed, repetition, definition);
  else for (const [i, one] of members.entries()) addOne(placed, one, i === 0 ? repetition : placed.repetition);
}

function addOne(placed: Placed, member: Member, repetition: number): void {
  if (placed.kind === 'group') {
    const record = (member ?? {}) as GroupRecord;
    for (const child of placed.children) addNode(child, record[child.node.name], repetition, placed.definition);
    return;
  }
  if (member === undefined) throw new RangeError(`column ${placed.column.path.join('.')} needs a value`);
  placed.column.repetitions.push(repetition);
  placed.column.definitions.push(placed.definition);
  placed.column.values.push(member as LeafValue);
}

function addNull(placed: Placed, repetition: number, definition: number): void {
  if (placed.kind === 'leaf') {
    placed.column.repetitions.push(repetition);
    placed.column.definitions.push(definition);
  } else for (const child of placed.children) addNull(child, repetition, definition);
}
