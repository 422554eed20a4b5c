import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { inflateRawSync } from 'node:zlib';

/** Unpacks an archive by its central directory into a new temporary folder, as Lambda does. */
export function unzip(archive: Buffer): string {
  const folder = mkdtempSync(join(tmpdir(), 'rubato-task-'));
  const end = archive.lastIndexOf(Buffer.from('PK\u0005\u0006', 'latin1'));
  let at = archive.readUInt32LE(end + 16);
  for (let left = archive.readUInt16LE(end + 10); left > 0; left--) {
    const [packedBytes, nameBytes, extraBytes, commentBytes] = [20, 28, 30, 32].map((offset) =>
      offset === 20 ? archive.readUInt32LE(at + offset) : archive.readUInt16LE(at + offset),
    ) as [number, number, number, number];
    const local = archive.readUInt32LE(at + 42);
    const path = join(folder, archive.toString('utf8', at + 46, at + 46 + nameBytes));
    const start = local + 30 + archive.readUInt16LE(local + 26) + archive.readUInt16LE(local + 28);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, inflateRawSync(archive.subarray(start, start + packedBytes)));
    at += 46 + nameBytes + extraBytes + commentBytes;
  }
  return folder;
}
