import type { DedicatedColumn } from '#engine/api/dedicated-columns.ts';
import { AppError } from '#engine/base/errors.ts';
import type { BlockId } from '#engine/base/units.ts';
import { type BlockMeta, type CompactedBlockMeta, checkMeta, parseColumns, parseJsonBytes } from './meta.ts';
import type { MetaPool } from './meta-pool.ts';
import { checkBytes, nextField, type ProtobufReader, readInnerMessage, readText } from './protobuf-reader.ts';

/** Read the metas of a protobuf tenant index (spec blocks §3); each takes the field read last. They throw `corrupt_block`. */
export interface MetaReaders {
  readonly readMeta: (reader: ProtobufReader) => BlockMeta;
  readonly readCompacted: (reader: ProtobufReader) => CompactedBlockMeta;
}

/** Makes the readers of one index. A block that is in `known` and looks the same keeps its object. */
export function createMetaReaders(pool: MetaPool, known: ReadonlyMap<BlockId, BlockMeta> | undefined): MetaReaders {
  const columnsOf = createColumnReader(pool);
  const readMeta = (outer: ProtobufReader): BlockMeta => {
    if (known !== undefined && known.size > 0) {
      const held = findKnown(readInnerMessage(outer), known);
      if (held !== undefined) return held;
    }
    return readBlockMeta(readInnerMessage(outer), pool, columnsOf);
  };
  return {
    readMeta,
    readCompacted: (outer) => {
      const reader = readInnerMessage(outer);
      let meta: BlockMeta | undefined;
      let compactedMs = 0;
      while (nextField(reader)) {
        if (reader.number === 1) meta = readMeta(reader);
        else if (reader.number === 2) compactedMs = readTimeMs(reader);
      }
      if (meta === undefined) throw new AppError('corrupt_block', 'the tenant index has a compacted block without block_meta');
      return { meta, compactedMs };
    },
  };
}

/** The known block of that id, size and version. */
function findKnown(reader: ProtobufReader, known: ReadonlyMap<BlockId, BlockMeta>): BlockMeta | undefined {
  let held: BlockMeta | undefined;
  let sizeBytes = 0;
  let version = '';
  while (nextField(reader)) {
    if (reader.number === 1) version = readText(reader);
    else if (reader.number === 9) sizeBytes = reader.value;
    else if (reader.number === 2) {
      held = known.get(readUuid(reader) as BlockId);
      if (held === undefined) return undefined;
    }
  }
  return held?.sizeBytes === sizeBytes && held.version === version ? held : undefined;
}

function readBlockMeta(
  reader: ProtobufReader,
  pool: MetaPool,
  columnsOf: (reader: ProtobufReader) => readonly DedicatedColumn[],
): BlockMeta {
  const parts = {
    version: '',
    blockId: '',
    tenant: '',
    startSeconds: Number.NaN,
    endSeconds: Number.NaN,
    totalTraces: 0,
    sizeBytes: 0,
    footerBytes: 0,
    totalRecords: 0,
    compactionLevel: 0,
    replicationFactor: 0,
    bloomShards: 0,
    dedicatedColumns: noColumns,
  };
  while (nextField(reader)) {
    if (reader.number === 1) parts.version = readText(reader);
    else if (reader.number === 2) parts.blockId = readUuid(reader);
    else if (reader.number === 5) parts.tenant = readText(reader);
    else if (reader.number === 6) parts.startSeconds = Math.floor(readTimeMs(reader) / 1000);
    else if (reader.number === 7) parts.endSeconds = Math.floor(readTimeMs(reader) / 1000);
    else if (reader.number === 8) parts.totalTraces = reader.value;
    else if (reader.number === 9) parts.sizeBytes = reader.value;
    else if (reader.number === 10) parts.compactionLevel = reader.value;
    else if (reader.number === 13) parts.totalRecords = reader.value;
    else if (reader.number === 15) parts.bloomShards = reader.value;
    else if (reader.number === 16) parts.footerBytes = reader.value;
    else if (reader.number === 17) parts.dedicatedColumns = columnsOf(reader);
    else if (reader.number === 18) parts.replicationFactor = reader.value;
  }
  if (Number.isNaN(parts.startSeconds) || Number.isNaN(parts.endSeconds)) {
    throw new AppError('corrupt_block', 'the tenant index has a block without start_time or end_time');
  }
  return checkMeta(parts, pool);
}

const noColumns: readonly DedicatedColumn[] = [];

/** Neighbours mostly have the same columns: then not even a text is made of them. */
function createColumnReader(pool: MetaPool): (reader: ProtobufReader) => readonly DedicatedColumn[] {
  let last: { readonly start: number; readonly stop: number; readonly columns: readonly DedicatedColumn[] } | undefined;
  return (reader) => {
    checkBytes(reader);
    const { bytes, start, stop } = reader;
    // Written also when there are none.
    if (start === stop) return noColumns;
    if (last !== undefined && bytes.compare(bytes, last.start, last.stop, start, stop) === 0) return last.columns;
    const parse = () => parseColumns(parseJsonBytes(bytes.subarray(start, stop), 'dedicated_columns of the tenant index'));
    const columns = pool.columns(bytes.toString('latin1', start, stop), parse);
    last = { start, stop, columns };
    return columns;
  };
}

function readUuid(reader: ProtobufReader): string {
  checkBytes(reader);
  const { start, stop } = reader;
  if (stop - start !== 16) throw new AppError('corrupt_block', `the tenant index has a block id of ${stop - start} bytes`);
  const hex = reader.bytes.toString('hex', start, stop);
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}

/** The last second that a Date can show; what lies beyond is no time. */
const maxSeconds = 8.64e12;

/** A Timestamp in the field read last, in milliseconds. Throws `corrupt_block`. */
export function readTimeMs(outer: ProtobufReader): number {
  const reader = readInnerMessage(outer);
  let seconds = 0;
  let nanos = 0;
  while (nextField(reader)) {
    if (reader.number === 1) seconds = reader.value;
    else if (reader.number === 2) nanos = reader.value;
  }
  const good = Number.isInteger(seconds) && Math.abs(seconds) <= maxSeconds && Number.isInteger(nanos) && nanos >= 0 && nanos < 1e9;
  if (!good) throw new AppError('corrupt_block', 'the tenant index has a time that is none');
  return seconds * 1000 + Math.floor(nanos / 1e6);
}
