import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { crc32, inflateRawSync } from 'node:zlib';
import fc from 'fast-check';
import { zip } from '../../../infra/build/zip.ts';

/** Reads an archive by its central directory, as unzip and Lambda do. */
function unzip(archive: Buffer): Record<string, Buffer> {
  const end = archive.lastIndexOf(Buffer.from('PK\u0005\u0006', 'latin1'));
  let at = archive.readUInt32LE(end + 16);
  const found: Record<string, Buffer> = {};
  for (let left = archive.readUInt16LE(end + 10); left > 0; left--) {
    assert.equal(archive.toString('latin1', at, at + 4), 'PK\u0001\u0002');
    const [packedBytes, sizeBytes, nameBytes] = [
      archive.readUInt32LE(at + 20),
      archive.readUInt32LE(at + 24),
      archive.readUInt16LE(at + 28),
    ];
    const local = archive.readUInt32LE(at + 42);
    const name = archive.toString('utf8', at + 46, at + 46 + nameBytes);
    assert.equal(archive.toString('utf8', local + 30, local + 30 + nameBytes), name);
    assert.deepEqual(archive.subarray(local + 4, local + 30), archive.subarray(at + 6, at + 32));
    assert.equal(archive.readUInt32LE(at + 38) >>> 16, 0o100644);
    const content = inflateRawSync(archive.subarray(local + 30 + nameBytes, local + 30 + nameBytes + packedBytes));
    assert.equal(content.length, sizeBytes);
    assert.equal(crc32(content), archive.readUInt32LE(at + 16));
    found[name] = content;
    at += 46 + nameBytes;
  }
  return found;
}

test('what goes in comes out', () => {
  const files = fc.uniqueArray(fc.record({ name: fc.stringMatching(/^[a-zé/]{1,12}$/), content: fc.uint8Array({ maxLength: 4000 }) }), {
    selector: ({ name }) => name,
    maxLength: 6,
  });
  fc.assert(
    fc.property(files, (entries) => {
      const expected = Object.fromEntries(entries.map(({ name, content }) => [name, Buffer.from(content)]));
      assert.deepEqual(unzip(zip(entries)), expected);
    }),
    { numRuns: 50 },
  );
});

test('the same files give the same bytes in any order', () => {
  const entries = ['b.mjs', 'a/c.mjs', 'a.mjs'].map((name) => ({ name, content: Buffer.from(`// ${name}\n`.repeat(100)) }));
  assert.deepEqual(zip(entries), zip([...entries].reverse()));
});

test('unzip reads it', (t) => {
  if (spawnSync('unzip', ['-v']).error !== undefined) return t.skip('no unzip on this machine');
  const folder = mkdtempSync(join(tmpdir(), 'rubato-zip-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(join(folder, 'x.zip'), zip([{ name: 'functions/lambda.mjs', content: Buffer.from('export {};') }]));
  assert.equal(spawnSync('unzip', ['-q', 'x.zip'], { cwd: folder }).status, 0);
  assert.equal(readFileSync(join(folder, 'functions/lambda.mjs'), 'utf8'), 'export {};');
});
