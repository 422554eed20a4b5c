// The filters that real Tempo wrote, bit for bit.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { parquetReadObjects } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { AppError } from '#engine/base/errors.ts';
import { fnv1, murmur3 } from '#engine/base/hash.ts';
import { bloomKey, bloomShard, mayContain, parseBloom } from '#engine/vparquet/bloom.ts';

const blocks = new URL('../../fixtures/blocks/', import.meta.url);

function blockFolders(tenant: string): URL[] {
  const folder = new URL(`${tenant}/`, blocks);
  const ids = readdirSync(folder).filter((name) => /^[0-9a-f-]{36}$/.test(name));
  return ids.map((id) => new URL(`${id}/`, folder));
}

async function traceIds(block: URL): Promise<Uint8Array[]> {
  const file = new Uint8Array(readFileSync(new URL('data.parquet', block))).buffer;
  const rows = await parquetReadObjects({ file, columns: ['TraceID'], compressors, utf8: false });
  return rows.map((row) => row.TraceID as Uint8Array);
}

function shardCount(block: URL): number {
  return (JSON.parse(readFileSync(new URL('meta.json', block), 'utf8')) as { bloomShards: number }).bloomShards;
}

/** How many bits of a filter are set. */
function setBits(words: Uint8Array): number {
  let bits = 0;
  for (const byte of words) for (let rest = byte; rest > 0; rest >>= 1) bits += rest & 1;
  return bits;
}

describe('bloom filters of real blocks', () => {
  for (const tenant of ['single-tenant', 'vp2', 'vp5', 'rowgroups', 'long']) {
    test(tenant, async () => {
      for (const block of blockFolders(tenant)) {
        const shards = shardCount(block);
        const filters = Array.from({ length: shards }, (_, n) => parseBloom(readFileSync(new URL(`bloom-${n}`, block))));
        const ids = await traceIds(block);
        assert.ok(ids.length > 0);
        for (const id of ids) {
          assert.ok(mayContain(filters[bloomShard(id, shards)]!, bloomKey(id)), `${block}: ${Buffer.from(id).toString('hex')}`);
        }
        // No id needs more bits than its hashes, so that few ids cannot have set a full filter.
        const bits = filters.reduce((sum, filter) => sum + setBits(filter.words), 0);
        assert.ok(bits <= ids.length * filters[0]!.hashCount);
        const absent = Array.from({ length: 500 }, (_, n) => Buffer.from(`absent-${n}`.padEnd(16, 'x')));
        const wrong = absent.filter((id) => mayContain(filters[bloomShard(id, shards)]!, bloomKey(id)));
        assert.ok(wrong.length < 40, `${wrong.length} of 500 absent ids look present`);
      }
    });
  }
});

test('damaged filters are refused', () => {
  const [block] = blockFolders('vp4');
  const whole = readFileSync(new URL('bloom-0', block));
  const isDamage = (thrown: unknown) => thrown instanceof AppError && thrown.code === 'corrupt_block';
  for (const length of [0, 7, 23, 24, 31, whole.length - 8]) assert.throws(() => parseBloom(whole.subarray(0, length)), isDamage);
  const hashes = Buffer.from(whole);
  hashes.fill(0xff, 8, 16);
  assert.throws(() => parseBloom(hashes), isDamage);
});

test('known hashes', () => {
  const hex = (text: string) => murmur3(Buffer.from(text)).map((half) => half.toString(16).padStart(16, '0'));
  assert.deepEqual(hex(''), ['0000000000000000', '0000000000000000']);
  assert.deepEqual(hex('hello'), ['cbd8a7b341bd9b02', '5b1e906a48ae1d19']);
  assert.deepEqual(hex('The quick brown fox jumps over the lazy dog'), ['e34bbc7bbc071b6c', '7a433ca9c49a9347']);
  assert.equal(fnv1(Buffer.from('')), 0x811c9dc5);
  assert.equal(fnv1(Buffer.from('foobar')), 0x31f0b262);
});
