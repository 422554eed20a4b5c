import { crc32, deflateRawSync } from 'node:zlib';

/** A file of an archive. */
export interface ZipEntry {
  /** With `/`, relative. */
  readonly name: string;
  readonly content: Uint8Array;
}

/** 1980-01-01 00:00, the first moment that the format knows: two builds of the same sources give the same bytes. */
const dosTime = 0;
const dosDate = 0x21;
const deflated = 8;
const versionNeeded = 20;
/** A regular file that everybody may read: the platform runs the function as a user of its own. */
const unixMode = 0o100644;
const madeByUnix = (3 << 8) | versionNeeded;
/** Names are UTF-8. */
const nameFlags = 0x800;
const maxBytes = 0xffffffff;

/** Packs files into a zip archive whose bytes depend on names and contents only. Throws a RangeError beyond the format's 4 GiB and 65,535 files. */
export function zip(entries: readonly ZipEntry[]): Buffer {
  const sorted = [...entries].sort((a, b) => (a.name < b.name ? -1 : 1));
  if (sorted.length > 0xffff) throw new RangeError(`a zip archive holds 65535 files, not ${sorted.length}`);
  const locals: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const { name, content } of sorted) {
    const packed = deflateRawSync(content, { level: 9 });
    const spelled = Buffer.from(name);
    const described = describe(content, packed, spelled);
    locals.push(localHeader(described), spelled, packed);
    directory.push(directoryHeader(described, offset), spelled);
    offset += 30 + spelled.length + packed.length;
    if (offset > maxBytes) throw new RangeError('a zip archive holds 4 GiB');
  }
  const central = Buffer.concat(directory);
  return Buffer.concat([...locals, central, endRecord(sorted.length, central.length, offset)]);
}

/** What both headers of a file say alike, from "version needed" to the length of the extra field. */
function describe(content: Uint8Array, packed: Uint8Array, name: Uint8Array): Buffer {
  const fields = Buffer.alloc(26);
  fields.writeUInt16LE(versionNeeded, 0);
  fields.writeUInt16LE(nameFlags, 2);
  fields.writeUInt16LE(deflated, 4);
  fields.writeUInt16LE(dosTime, 6);
  fields.writeUInt16LE(dosDate, 8);
  fields.writeUInt32LE(crc32(content), 10);
  fields.writeUInt32LE(packed.length, 14);
  fields.writeUInt32LE(content.length, 18);
  fields.writeUInt16LE(name.length, 22);
  return fields;
}

function localHeader(described: Buffer): Buffer {
  return Buffer.concat([Buffer.from('PK\u0003\u0004', 'latin1'), described]);
}

function directoryHeader(described: Buffer, offset: number): Buffer {
  const tail = Buffer.alloc(14);
  tail.writeUInt32LE((unixMode << 16) >>> 0, 6);
  tail.writeUInt32LE(offset, 10);
  const madeBy = Buffer.alloc(2);
  madeBy.writeUInt16LE(madeByUnix, 0);
  return Buffer.concat([Buffer.from('PK\u0001\u0002', 'latin1'), madeBy, described, tail]);
}

function endRecord(count: number, centralBytes: number, centralOffset: number): Buffer {
  const end = Buffer.alloc(22);
  end.write('PK\u0005\u0006', 'latin1');
  end.writeUInt16LE(count, 8);
  end.writeUInt16LE(count, 10);
  end.writeUInt32LE(centralBytes, 12);
  end.writeUInt32LE(centralOffset, 16);
  return end;
}
