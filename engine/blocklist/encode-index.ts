import { promisify } from 'node:util';
import { constants, crc32, deflateRaw, zstdCompress } from 'node:zlib';
import { type DedicatedColumn, dedicatedColumnsToMeta } from '#engine/api/dedicated-columns.ts';
import { AppError } from '#engine/base/errors.ts';
import type { BlockMeta, CompactedBlockMeta } from './meta.ts';
import { createProtobufWriter, type ProtobufWriter } from './protobuf-writer.ts';
import { type TenantIndex, tenantIndexNames } from './tenant-index.ts';

const packRaw = promisify(deflateRaw);
const packZstd = promisify(zstdCompress);

/** Blocks of this version are described by more than a BlockMeta holds. */
const incompleteVersion = 'v2';

/**
 * The two objects of a tenant's index, as a builder writes them (spec blocks §3): what {@link TenantIndex} holds, in its order. Rejects with `unimplemented`
 * when a block is one of the old `v2` format, whose metas have fields that only its reader knows.
 */
export async function encodeTenantIndex(index: TenantIndex): Promise<{ readonly protobuf: Uint8Array; readonly json: Uint8Array }> {
  const old = index.metas.find(({ version }) => version === incompleteVersion);
  const oldCompacted = index.compacted.find(({ meta }) => meta.version === incompleteVersion);
  const refused = old ?? oldCompacted?.meta;
  if (refused !== undefined) {
    const message = `block ${refused.blockId} has format ${incompleteVersion}: its tenant index is left to Tempo 2; set blocklist_poll_build_tenant_index: never`;
    throw new AppError('unimplemented', message);
  }
  return { protobuf: await encodeProtobufIndex(index), json: await encodeJsonIndex(index) };
}

/** Index.pb.zst: one zstd frame with a checksum. */
async function encodeProtobufIndex({ createdAtMs, metas, compacted }: TenantIndex): Promise<Uint8Array> {
  const columnsOf = createColumnTexts();
  const writer = createProtobufWriter();
  writer.message(1, () => writeTime(writer, createdAtMs));
  for (const meta of metas) writer.message(2, () => writeMeta(writer, meta, columnsOf));
  for (const { meta, compactedMs } of compacted) {
    writer.message(3, () => {
      writer.message(1, () => writeMeta(writer, meta, columnsOf));
      writer.message(2, () => writeTime(writer, compactedMs));
    });
  }
  return packZstd(writer.finish(), { params: { [constants.ZSTD_c_checksumFlag]: 1 } });
}

function writeTime(writer: ProtobufWriter, timeMs: number): void {
  const seconds = Math.floor(timeMs / 1000);
  writer.number(1, seconds);
  writer.number(2, (timeMs - seconds * 1000) * 1e6);
}

function writeMeta(writer: ProtobufWriter, meta: BlockMeta, columnsOf: (columns: readonly DedicatedColumn[]) => string): void {
  writer.text(1, meta.version);
  writer.bytes(2, Buffer.from(meta.blockId.replaceAll('-', ''), 'hex'));
  writer.text(5, meta.tenant);
  writer.message(6, () => writeTime(writer, meta.startSeconds * 1000));
  writer.message(7, () => writeTime(writer, meta.endSeconds * 1000));
  writer.number(8, meta.totalTraces);
  writer.number(9, meta.sizeBytes);
  writer.number(10, meta.compactionLevel);
  writer.number(13, meta.totalRecords);
  writer.number(15, meta.bloomShards);
  writer.number(16, meta.footerBytes);
  // Written also where there are none.
  writer.bytes(17, Buffer.from(columnsOf(meta.dedicatedColumns)));
  writer.number(18, meta.replicationFactor);
}

/** The short form of JSON, made once for each of the shared arrays. */
function createColumnTexts(): (columns: readonly DedicatedColumn[]) => string {
  const texts = new Map<readonly DedicatedColumn[], string>();
  return (columns) => {
    const text = texts.get(columns) ?? (columns.length === 0 ? '' : JSON.stringify(dedicatedColumnsToMeta(columns)));
    texts.set(columns, text);
    return text;
  };
}

/** Blocks whose JSON is made at a time. */
const jsonRun = 1000;

/** Index.json.gz: a gzip member with the name that Tempo gives it. Packed fast, since readers prefer the other form: it was two thirds of a builder's time. */
async function encodeJsonIndex({ createdAtMs, metas, compacted }: TenantIndex): Promise<Uint8Array> {
  const timeText = createTimeText();
  const json = Buffer.concat([
    Buffer.from(`{"created_at":"${new Date(createdAtMs).toISOString()}","meta":`),
    ...jsonList(metas, (meta) => jsonOf(meta, timeText)),
    Buffer.from(',"compacted":'),
    ...jsonList(compacted, (entry) => jsonOfCompacted(entry, timeText)),
    Buffer.from('}'),
  ]);
  const header = Buffer.from([0x1f, 0x8b, 8, 8, 0, 0, 0, 0, 0, 0xff]);
  const name = Buffer.from(`${tenantIndexNames.json.replace(/\.gz$/, '')}\0`);
  const trailer = Buffer.alloc(8);
  trailer.writeUInt32LE(crc32(json), 0);
  trailer.writeUInt32LE(json.length % 2 ** 32, 4);
  return Buffer.concat([header, name, await packRaw(json, { level: constants.Z_BEST_SPEED }), trailer]);
}

function jsonList<Entry>(entries: readonly Entry[], toJson: (entry: Entry) => object): Buffer[] {
  if (entries.length === 0) return [Buffer.from('[]')];
  const parts: Buffer[] = [];
  for (let from = 0; from < entries.length; from += jsonRun) {
    const texts = entries.slice(from, from + jsonRun).map((entry) => JSON.stringify(toJson(entry)));
    parts.push(Buffer.from((from === 0 ? '[' : ',') + texts.join(',')));
  }
  return [...parts, Buffer.from(']')];
}

/** A time of whole seconds. */
type TimeText = (seconds: number) => string;

const daySeconds = 86_400;

/** Makes texts of times, most of which lie on few days. */
function createTimeText(): TimeText {
  const days = new Map<number, string>();
  const two = (value: number): string => (value < 10 ? `0${value}` : String(value));
  return (seconds) => {
    const day = Math.floor(seconds / daySeconds);
    const date = days.get(day) ?? new Date(day * daySeconds * 1000).toISOString().slice(0, -'00:00:00.000Z'.length);
    days.set(day, date);
    const rest = seconds - day * daySeconds;
    return `${date}${two(Math.floor(rest / 3600))}:${two(Math.floor(rest / 60) % 60)}:${two(rest % 60)}Z`;
  };
}

/** A meta.json in Tempo's order of members. */
function jsonOf(meta: BlockMeta, timeText: TimeText): object {
  return {
    format: meta.version,
    blockID: meta.blockId,
    tenantID: meta.tenant,
    startTime: timeText(meta.startSeconds),
    endTime: timeText(meta.endSeconds),
    totalObjects: meta.totalTraces,
    ...(meta.sizeBytes > 0 && { size: meta.sizeBytes }),
    compactionLevel: meta.compactionLevel,
    indexPageSize: 0,
    totalRecords: meta.totalRecords,
    bloomShards: meta.bloomShards,
    footerSize: meta.footerBytes,
    ...(meta.dedicatedColumns.length > 0 && { dedicatedColumns: dedicatedColumnsToMeta(meta.dedicatedColumns) }),
    ...(meta.replicationFactor > 0 && { replicationFactor: meta.replicationFactor }),
  };
}

function jsonOfCompacted({ meta, compactedMs }: CompactedBlockMeta, timeText: TimeText): object {
  const compactedTime = compactedMs % 1000 === 0 ? timeText(compactedMs / 1000) : new Date(compactedMs).toISOString();
  return { ...jsonOf(meta, timeText), compactedTime };
}
