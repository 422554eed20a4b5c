/** The schema of a file that is written: a tree of groups and leaves. */

/** How a leaf's values are encoded. Each gives the dictionary the parquet encoding of data pages. */
export type LeafEncoding = 'plain' | 'delta' | 'deltaLength' | 'dictionary';

/** Physical types of leaves; `text` is UTF-8 in a BYTE_ARRAY, `bytes` any BYTE_ARRAY, the unsigned ones are integers with that logical type. */
export type LeafType = 'boolean' | 'int32' | 'uint32' | 'int64' | 'uint64' | 'double' | 'text' | 'bytes';

/** How often a node stands in its parent. `list`: the three-level form, a group around `list.element`. */
export type Repetition = 'required' | 'optional' | 'repeated' | 'list';

/** A column. */
export interface LeafNode {
  readonly kind: 'leaf';
  readonly name: string;
  readonly repetition: Repetition;
  readonly type: LeafType;
  readonly encoding: LeafEncoding;
}

/** A group of nodes. `map`: its logical type. */
export interface GroupNode {
  readonly kind: 'group';
  readonly name: string;
  readonly repetition: Repetition;
  readonly map?: true;
  readonly children: readonly SchemaNode[];
}

/** A node of a schema. */
export type SchemaNode = LeafNode | GroupNode;

/** A value of a leaf: text as string, `bytes` as such, integers as number or bigint. */
export type LeafValue = string | Uint8Array | bigint | number | boolean;

/** A row, or what stands in a group: members by the names of nodes; missing ones are null, repeated ones are arrays. */
export interface GroupRecord {
  readonly [name: string]: LeafValue | GroupRecord | readonly (LeafValue | GroupRecord)[] | undefined;
}

/** A leaf. */
export function leaf(name: string, type: LeafType, encoding: LeafEncoding, repetition: Repetition = 'required'): LeafNode {
  return { kind: 'leaf', name, type, encoding, repetition };
}

/** A group. */
export function group(name: string, children: readonly SchemaNode[], repetition: Repetition = 'required'): GroupNode {
  return { kind: 'group', name, children, repetition };
}
