import { encodingNumbers, type WrittenChunk } from './column-chunk.ts';
import type { GroupNode, LeafType, Repetition, SchemaNode } from './schema-tree.ts';
import { encodeStruct, i32, i64, struct, type ThriftValue } from './thrift-struct.ts';

/** A column chunk with its place in the file. */
export interface PlacedChunk {
  readonly chunk: WrittenChunk;
  readonly start: number;
  /** Its offset index. */
  readonly offsetIndexStart: number;
  readonly offsetIndexBytes: number;
}

/** The chunks of a row group in the order of the schema's leaves. */
export interface PlacedRowGroup {
  readonly rowCount: number;
  readonly chunks: readonly PlacedChunk[];
}

const formatVersion = 2;
const createdBy = 'rubato';
const physicalTypes: Readonly<Record<LeafType, number>> = {
  boolean: 0,
  int32: 1,
  uint32: 1,
  int64: 2,
  uint64: 2,
  double: 5,
  text: 6,
  bytes: 6,
};
const repetitionNumbers: Readonly<Record<Repetition, number>> = { required: 0, list: 0, optional: 1, repeated: 2 };
const convertedTypes: Partial<Readonly<Record<LeafType, number>>> = { text: 0, uint32: 13, uint64: 14, int32: 17, int64: 18 };
const listType = 3;
const mapType = 1;

/** FileMetaData (parquet-format), without the length and magic behind it. */
export function writeFooter(root: GroupNode, groups: readonly PlacedRowGroup[]): Uint8Array {
  const rowCount = groups.reduce((sum, group) => sum + group.rowCount, 0);
  return encodeStruct({
    1: i32(formatVersion),
    2: {
      type: 'structs',
      values: [schemaElement({ name: root.name, childCount: root.children.length }), ...root.children.flatMap(elementsOf)],
    },
    3: i64(rowCount),
    4: { type: 'structs', values: groups.map(rowGroup) },
    6: { type: 'text', value: createdBy },
  });
}

/** OffsetIndex of a chunk that starts at a file offset. */
export function writeOffsetIndex({ pages }: WrittenChunk, chunkStart: number): Uint8Array {
  const locations = pages.map(({ start, end, firstRow }) =>
    encodeStruct({ 1: i64(chunkStart + start), 2: i32(end - start), 3: i64(firstRow) }),
  );
  return encodeStruct({ 1: { type: 'structs', values: locations } });
}

interface Element {
  readonly name: string;
  readonly type?: LeafType;
  readonly repetition?: Repetition;
  readonly childCount?: number;
  /** LogicalType and ConvertedType of groups. */
  readonly groupType?: 'list' | 'map';
}

function elementsOf(node: SchemaNode): readonly Uint8Array[] {
  const below = node.kind === 'leaf' ? [] : node.children.flatMap(elementsOf);
  const own = node.kind === 'leaf' ? { type: node.type } : { childCount: node.children.length };
  if (node.repetition !== 'list') {
    const groupType = node.kind === 'group' && node.map ? { groupType: 'map' as const } : {};
    return [schemaElement({ name: node.name, repetition: node.repetition, ...own, ...groupType }), ...below];
  }
  return [
    schemaElement({ name: node.name, repetition: 'list', childCount: 1, groupType: 'list' }),
    schemaElement({ name: 'list', repetition: 'repeated', childCount: 1 }),
    schemaElement({ name: 'element', repetition: 'required', ...own }),
    ...below,
  ];
}

function schemaElement({ name, type, repetition, childCount, groupType }: Element): Uint8Array {
  const converted = groupType === 'list' ? listType : groupType === 'map' ? mapType : type && convertedTypes[type];
  const logical =
    groupType === undefined ? type && logicalType(type) : encodeStruct({ [groupType === 'list' ? 3 : 2]: struct(encodeStruct({})) });
  return encodeStruct({
    1: type === undefined ? undefined : i32(physicalTypes[type]),
    3: repetition === undefined ? undefined : i32(repetitionNumbers[repetition]),
    4: { type: 'text', value: name },
    5: childCount === undefined ? undefined : i32(childCount),
    6: converted === undefined ? undefined : i32(converted),
    10: logical === undefined ? undefined : struct(logical),
  });
}

const byteType = 3;

function logicalType(type: LeafType): Uint8Array | undefined {
  if (type === 'text') return encodeStruct({ 1: struct(encodeStruct({})) });
  const bits = /^u?int(32|64)$/.exec(type)?.[1];
  if (bits === undefined) return undefined;
  const integer = Uint8Array.of(0x10 | byteType, Number(bits), 0x10 | (type.startsWith('u') ? 2 : 1), 0);
  return encodeStruct({ 10: struct(integer) });
}

function rowGroup({ rowCount, chunks }: PlacedRowGroup, index: number): Uint8Array {
  const sizeBytes = chunks.reduce((sum, { chunk }) => sum + chunk.bytes.length, 0);
  return encodeStruct({
    1: { type: 'structs', values: chunks.map(columnChunk) },
    2: i64(sizeBytes),
    3: i64(rowCount),
    5: i64(chunks[0]?.start ?? 0),
    6: i64(sizeBytes),
    7: { type: 'i32', value: index },
  });
}

function columnChunk({ chunk, start, offsetIndexStart, offsetIndexBytes }: PlacedChunk): Uint8Array {
  const { node, path, repetitions } = chunk.column;
  const dictionary: ThriftValue | undefined = chunk.dictionaryBytes > 0 ? i64(start) : undefined;
  const metadata = encodeStruct({
    1: i32(physicalTypes[node.type]),
    2: { type: 'i32s', values: [encodingNumbers.levels, encodingNumbers[node.encoding], ...(dictionary ? [encodingNumbers.plain] : [])] },
    3: { type: 'texts', values: path },
    4: i32(0),
    5: i64(repetitions.length),
    6: i64(chunk.bytes.length),
    7: i64(chunk.bytes.length),
    9: i64(start + chunk.dictionaryBytes),
    11: dictionary,
  });
  return encodeStruct({ 2: i64(0), 3: struct(metadata), 4: i64(offsetIndexStart), 5: i32(offsetIndexBytes) });
}
