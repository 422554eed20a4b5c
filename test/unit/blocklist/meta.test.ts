import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { AppError } from '#engine/base/errors.ts';
import { type BlockMeta, maxMetaBytes, parseBlockMeta } from '#engine/blocklist/meta.ts';

const blocks = path.join(import.meta.dirname, '../../fixtures/blocks');
const realMetas = readdirSync(blocks, { recursive: true, encoding: 'utf8' })
  .filter((file) => /meta(\.compacted)?\.json$/.test(file))
  .map((file) => ({ file, json: readFileSync(path.join(blocks, file)) }));

const good = {
  format: 'vParquet4',
  blockID: '7d000000-4000-4000-8000-00000000003c',
  tenantID: 'single-tenant',
  startTime: '2026-01-10T12:00:00Z',
  endTime: '2026-01-10T12:33:44Z',
};
const parse = (changes: object): BlockMeta => parseBlockMeta(Buffer.from(JSON.stringify({ ...good, ...changes })));

test('every meta of real blocks is read', () => {
  assert.ok(realMetas.length > 30);
  for (const { file, json } of realMetas) {
    const meta = parseBlockMeta(json);
    assert.equal(meta.blockId, path.basename(path.dirname(file)));
    assert.equal(meta.tenant, file.split(path.sep)[0]);
    assert.ok(meta.sizeBytes > meta.footerBytes && meta.footerBytes > 0 && meta.totalRecords > 0 && meta.totalTraces > 0, file);
    assert.ok(meta.endSeconds >= meta.startSeconds && meta.startSeconds >= 1768044600 && meta.endSeconds <= 1768051630, file);
  }
});

test('a 3.0 block with all kinds of dedicated columns', () => {
  const dedicatedColumns = [
    { s: 'resource', n: 'r.s1' },
    { n: 's.i1', t: 'int' },
    { n: 's.blob', o: ['blob'] },
    { s: 'event', n: 'e.s1' },
  ];
  const counts = {
    totalObjects: 33,
    size: 81092,
    compactionLevel: 2,
    indexPageSize: 0,
    totalRecords: 3,
    bloomShards: 4,
    footerSize: 19945,
  };
  assert.deepEqual(parse({ ...counts, dedicatedColumns, replicationFactor: 1 }), {
    tenant: 'single-tenant',
    blockId: '7d000000-4000-4000-8000-00000000003c',
    version: 'vParquet4',
    startSeconds: 1768046400,
    endSeconds: 1768048424,
    totalTraces: 33,
    sizeBytes: 81092,
    footerBytes: 19945,
    totalRecords: 3,
    compactionLevel: 2,
    replicationFactor: 1,
    bloomShards: 4,
    dedicatedColumns: [
      { scope: 'resource', name: 'r.s1', type: 'string', options: [] },
      { scope: 'span', name: 's.i1', type: 'int', options: [] },
      { scope: 'span', name: 's.blob', type: 'string', options: ['blob'] },
      { scope: 'event', name: 'e.s1', type: 'string', options: [] },
    ],
  });
});

test('an old meta says less and more', () => {
  const meta = parse({
    minID: 'AAAA',
    maxID: '////',
    encoding: 'none',
    dataEncoding: '',
    unheardOf: { deep: [1] },
    size: null,
    blockID: good.blockID.toUpperCase(),
  });
  assert.equal(meta.blockId, good.blockID);
  assert.deepEqual([meta.sizeBytes, meta.footerBytes, meta.totalRecords, meta.replicationFactor], [0, 0, 0, 0]);
  assert.equal(meta.bloomShards, 10);
  assert.deepEqual(meta.dedicatedColumns, []);
});

test('times in every RFC 3339 spelling, cut to the second', () => {
  const seconds = (startTime: string): number => parse({ startTime }).startSeconds;
  assert.equal(seconds('2026-01-10T13:00:00+01:00'), 1768046400);
  assert.equal(seconds('2026-01-10T12:00:00.999999999Z'), 1768046400);
  assert.equal(seconds('0001-01-01T00:00:00Z'), -62135596800);
});

test('a wild value is a corrupt block, and the message names the member', () => {
  const wild: readonly (readonly [string, unknown])[] = [
    ...['format', 'blockID', 'tenantID', 'startTime', 'endTime'].flatMap((member) =>
      [undefined, null, 7, '', {}, 'x\0'.repeat(9)].map((value) => [member, value] as const),
    ),
    ...['totalObjects', 'size', 'footerSize', 'totalRecords', 'compactionLevel', 'bloomShards', 'replicationFactor'].flatMap((member) =>
      [-1, 1.5, 1e300, '7', true, [], {}].map((value) => [member, value] as const),
    ),
    ...['footerSize', 'totalRecords', 'bloomShards'].map((member) => [member, 2 ** 32] as const),
    ['size', 2 ** 53],
    ['tenantID', '..'],
    ['tenantID', 'a/b'],
    ['blockID', '../../7d000000-4000-4000-8000-00000000003c'],
    ['startTime', '2026-13-10T12:00:00Z'],
    ['startTime', '10 January 2026'],
    ['dedicatedColumns', 7],
    ['dedicatedColumns', [{}]],
    ['dedicatedColumns', [{ n: 'x', t: 'float' }]],
  ];
  for (const [member, value] of wild) {
    if (member === 'format' && value !== '' && typeof value === 'string') continue;
    assert.throws(
      () => parse({ [member]: value }),
      (thrown) =>
        thrown instanceof AppError && thrown.code === 'corrupt_block' && thrown.message.includes(member) && thrown.message.length < 300,
      `${member}: ${JSON.stringify(value)}`,
    );
  }
});

test('what is no JSON object is a corrupt block', () => {
  for (const text of ['', 'null', '[]', '"x"', '{"format"', '\xff\xfe']) {
    assert.throws(() => parseBlockMeta(Buffer.from(text, 'latin1')), { code: 'corrupt_block' }, text);
  }
  assert.throws(() => parseBlockMeta(Buffer.alloc(maxMetaBytes + 1, 0x20)), { code: 'corrupt_block' });
  assert.throws(() => parseBlockMeta(Buffer.from('['.repeat(maxMetaBytes))), { code: 'corrupt_block' });
});

test('changed bytes give a sane meta or a corrupt block', () => {
  const change = fc.record({ at: fc.nat(400), byte: fc.nat(255), cut: fc.option(fc.nat(400)) });
  let accepted = 0;
  fc.assert(
    fc.property(fc.nat(realMetas.length - 1), fc.array(change, { minLength: 1, maxLength: 4 }), (index, changes) => {
      let json = Buffer.from(realMetas[index].json);
      for (const { at, byte, cut } of changes) {
        if (cut !== null) json = Buffer.concat([json.subarray(0, cut), json.subarray(Math.min(json.length, cut + at))]);
        if (json.length > 0) json[at % json.length] = byte;
      }
      let meta: BlockMeta;
      try {
        meta = parseBlockMeta(json);
      } catch (thrown) {
        return thrown instanceof AppError && thrown.code === 'corrupt_block';
      }
      accepted++;
      const { sizeBytes, footerBytes, totalRecords, totalTraces, bloomShards, startSeconds, endSeconds } = meta;
      return (
        [sizeBytes, footerBytes, totalRecords, totalTraces, bloomShards - 1].every((value) => Number.isSafeInteger(value) && value >= 0) &&
        [startSeconds, endSeconds].every(Number.isSafeInteger)
      );
    }),
    { numRuns: 5000 },
  );
  assert.ok(accepted > 0);
});
