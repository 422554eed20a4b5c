import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { gunzipSync, gzipSync, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import fc from 'fast-check';
import { AppError } from '#engine/base/errors.ts';
import { parseBlockMeta } from '#engine/blocklist/meta.ts';
import { decodeJsonIndex, decodeProtobufIndex, type TenantIndex } from '#engine/blocklist/tenant-index.ts';
import { message, metaJson, metaMessage, packJson, packProtobuf, timestamp } from './index-files.ts';

const blocks = path.join(import.meta.dirname, '../../fixtures/blocks');
const file = (name: string): Buffer => readFileSync(path.join(blocks, name));
const id = '7d000000-4000-4000-8000-00000000003c';
const corrupt = (thrown: unknown): boolean => thrown instanceof AppError && thrown.code === 'corrupt_block';

test('both forms that a real poller wrote say the same, and what the blocks say', async () => {
  const fromProtobuf = await decodeProtobufIndex(file('compacted/index.pb.zst'));
  assert.deepEqual(fromProtobuf, await decodeJsonIndex(file('compacted/index.json.gz')));
  assert.equal(fromProtobuf.createdAtMs, Date.parse('2026-11-20T10:56:33.888Z'));
  assert.equal(fromProtobuf.metas.length, 2);
  for (const meta of fromProtobuf.metas) assert.deepEqual(meta, parseBlockMeta(file(`compacted/${meta.blockId}/meta.json`)));
  assert.equal(fromProtobuf.compacted.length, 2);
  for (const { meta, compactedMs } of fromProtobuf.compacted) {
    assert.deepEqual(meta, parseBlockMeta(file(`compacted/${meta.blockId}/meta.compacted.json`)));
    assert.equal(compactedMs, Date.parse('2026-01-10T13:03:00Z'));
  }
  for (const tenant of ['stale-index', 'empty']) {
    assert.deepEqual(
      await decodeProtobufIndex(file(`${tenant}/index.pb.zst`)),
      await decodeJsonIndex(file(`${tenant}/index.json.gz`)),
      tenant,
    );
  }
});

test('the damaged indexes of the fixtures are corrupt', async () => {
  await assert.rejects(decodeProtobufIndex(file('corrupt-index/index.pb.zst')), corrupt);
  await assert.rejects(decodeJsonIndex(file('corrupt-index/index.json.gz')), corrupt);
  await assert.rejects(decodeProtobufIndex(file('corrupt-pb-index/index.pb.zst')), corrupt);
  assert.equal((await decodeJsonIndex(file('corrupt-pb-index/index.json.gz'))).metas.length, 2);
});

test('all fields of the protobuf form, with unknown ones between', async () => {
  const columns = JSON.stringify([
    { s: 'resource', n: 'ip' },
    { n: 'n', t: 'int' },
  ]);
  const meta = metaMessage(id, 100, 200)
    .varint(8, 7)
    .varint(9, 2 ** 40)
    .varint(10, 1)
    .bytes(11, Buffer.of(0))
    .varint(12, 0)
    .varint(13, 5);
  meta
    .bytes(14, '')
    .varint(15, 3)
    .varint(16, 999)
    .bytes(17, columns)
    .varint(18, 1)
    .varint(99, 5)
    .raw(0xf9, 0x06, 1, 2, 3, 4, 5, 6, 7, 8)
    .raw(0xfd, 0x06, 1, 2, 3, 4);
  const index = message()
    .bytes(1, timestamp(1000, 5_000_000))
    .bytes(2, meta.build())
    .bytes(2, metaMessage(id, -5, 0).bytes(17, '').build());
  const decoded = await decodeProtobufIndex(packProtobuf(index.build()));
  assert.equal(decoded.createdAtMs, 1_000_005);
  assert.deepEqual(decoded.metas[0], {
    tenant: 'tenant',
    blockId: id,
    version: 'vParquet4',
    startSeconds: 100,
    endSeconds: 200,
    totalTraces: 7,
    sizeBytes: 2 ** 40,
    footerBytes: 999,
    totalRecords: 5,
    compactionLevel: 1,
    replicationFactor: 1,
    bloomShards: 3,
    dedicatedColumns: [
      { scope: 'resource', name: 'ip', type: 'string', options: [] },
      { scope: 'span', name: 'n', type: 'int', options: [] },
    ],
  });
  assert.deepEqual([decoded.metas[1].startSeconds, decoded.metas[1].totalRecords, decoded.metas[1].bloomShards], [-5, 0, 10]);
  assert.deepEqual(decoded.metas[1].dedicatedColumns, []);
});

test('blocks with the same columns share them', async () => {
  const columns = [{ s: 'resource', n: 'ip' }];
  const index = message().bytes(1, timestamp(1000));
  for (let turn = 0; turn < 2; turn++) index.bytes(2, metaMessage(id, 1, 2).bytes(17, JSON.stringify(columns)).build());
  const meta = [metaJson(id, { dedicatedColumns: columns }), metaJson(id, { dedicatedColumns: columns })];
  const json = packJson({ created_at: '2026-01-10T12:00:00Z', meta });
  for (const { metas } of [await decodeProtobufIndex(packProtobuf(index.build())), await decodeJsonIndex(json)]) {
    assert.equal(metas[0].dedicatedColumns.length, 1);
    assert.equal(metas[0].dedicatedColumns, metas[1].dedicatedColumns);
  }
});

test('malformed protobuf is corrupt, whatever is wrong with it', async () => {
  const good = () => message().bytes(1, timestamp(1000));
  const withMeta = (meta: Buffer) => good().bytes(2, meta).build();
  const broken = {
    'no created_at': message().build(),
    'no block id': withMeta(message().bytes(1, 'v').bytes(5, 't').bytes(6, timestamp(1)).bytes(7, timestamp(2)).build()),
    'short block id': withMeta(metaMessage(id, 1, 2).bytes(2, 'short').build()),
    'no times': withMeta(message().bytes(1, 'v').bytes(2, Buffer.alloc(16)).bytes(5, 't').build()),
    'bad tenant': withMeta(metaMessage(id, 1, 2).bytes(5, '../x').build()),
    'negative size': withMeta(metaMessage(id, 1, 2).varint(9, -1).build()),
    'huge size': withMeta(
      metaMessage(id, 1, 2)
        .varint(9, 2n ** 60n)
        .build(),
    ),
    'row groups beyond 32 bits': withMeta(
      metaMessage(id, 1, 2)
        .varint(13, 2 ** 33)
        .build(),
    ),
    'size of the wrong type': withMeta(metaMessage(id, 1, 2).bytes(9, 'x').build()),
    'version of the wrong type': withMeta(metaMessage(id, 1, 2).varint(1, 1).build()),
    'bad columns': withMeta(metaMessage(id, 1, 2).bytes(17, '[{]').build()),
    'time out of range': withMeta(metaMessage(id, 1, 2).bytes(6, timestamp(9e12)).build()),
    'nanos out of range': good().bytes(1, timestamp(1, 2e9)).build(),
    'compacted without meta': good()
      .bytes(3, message().bytes(2, timestamp(1)).build())
      .build(),
    'cut varint': good().raw(0x10, 0x80).build(),
    'endless varint': good()
      .raw(0x10, ...new Array(11).fill(0x80), 1)
      .build(),
    'cut bytes': good().raw(0x12, 0x05, 1).build(),
    'length beyond memory': good().raw(0x12, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x07).build(),
    'field number 0': good().raw(0x00, 0x01).build(),
    group: good().raw(0x13, 0x14).build(),
    'cut fixed64': good().raw(0x99, 0x06, 1).build(),
  };
  for (const [name, content] of Object.entries(broken)) await assert.rejects(decodeProtobufIndex(packProtobuf(content)), corrupt, name);
});

test('malformed JSON is corrupt', async () => {
  const created_at = '2026-01-10T12:00:00Z';
  for (const value of [
    null,
    7,
    [],
    {},
    { created_at: 7 },
    { created_at, meta: {} },
    { created_at, meta: [null] },
    { created_at, meta: [{}] },
  ]) {
    await assert.rejects(decodeJsonIndex(packJson(value)), corrupt, JSON.stringify(value));
  }
  for (const entry of [null, 'x', { ...metaJson(id), compactedTime: 7 }, { compactedTime: created_at }]) {
    await assert.rejects(decodeJsonIndex(packJson({ created_at, compacted: [entry] })), corrupt, JSON.stringify(entry));
  }
  assert.deepEqual(await decodeJsonIndex(packJson({ created_at })), { createdAtMs: Date.parse(created_at), metas: [], compacted: [] });
});

test('a small file that unpacks to a huge one is refused without unpacking it', async () => {
  const zeros = Buffer.alloc(64 * 1024 * 1024);
  for (const [decode, packed] of [
    [decodeJsonIndex, gzipSync(zeros)],
    [decodeProtobufIndex, zstdCompressSync(zeros)],
  ] as const) {
    assert.ok(packed.length < 100_000);
    const before = process.memoryUsage().rss;
    await assert.rejects(decode(packed, { maxBytes: 1024 * 1024 }), { code: 'resource_exhausted' });
    assert.ok(process.memoryUsage().rss - before < 32 * 1024 * 1024);
  }
});

test('changed bytes give an index or an AppError, inside and outside of the packing', async () => {
  const forms = [
    { decode: decodeProtobufIndex, packed: file('compacted/index.pb.zst'), unpack: zstdDecompressSync, pack: zstdCompressSync },
    { decode: decodeJsonIndex, packed: file('compacted/index.json.gz'), unpack: gunzipSync, pack: gzipSync },
  ];
  const change = fc.tuple(fc.nat(2000), fc.nat(255));
  let accepted = 0;
  for (const { decode, packed, unpack, pack } of forms) {
    const content = unpack(packed);
    await fc.assert(
      fc.asyncProperty(
        fc.boolean(),
        fc.array(change, { minLength: 1, maxLength: 3 }),
        fc.option(fc.nat(2000)),
        async (inside, changes, cut) => {
          let changed = Buffer.from(inside ? content : packed);
          for (const [at, byte] of changes) changed[at % changed.length] = byte;
          if (cut !== null) changed = changed.subarray(0, cut);
          let index: TenantIndex;
          try {
            index = await decode(inside ? pack(changed) : changed, { maxBytes: 1 << 20 });
          } catch (thrown) {
            assert.ok(thrown instanceof AppError && (thrown.code === 'corrupt_block' || thrown.code === 'resource_exhausted'), `${thrown}`);
            return;
          }
          accepted++;
          for (const meta of index.metas) assert.ok(Number.isSafeInteger(meta.sizeBytes) && meta.sizeBytes >= 0);
        },
      ),
      { numRuns: 1500 },
    );
  }
  assert.ok(accepted > 0);
});
