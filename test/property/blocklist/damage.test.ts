import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { AppError } from '#engine/base/errors.ts';
import { encodeTenantIndex } from '#engine/blocklist/encode-index.ts';
import { type BlockMeta, parseBlockMeta } from '#engine/blocklist/meta.ts';
import { decodeJsonIndex, decodeProtobufIndex, type TenantIndex } from '#engine/blocklist/tenant-index.ts';

/*
 * Damaged tenant indexes and metas: an error, or the right answer; never a crash, a hang, or a list that is short without a word. `FC_SEED` repeats a run,
 * `FC_RUNS` makes it longer.
 */
const seed = Number(process.env.FC_SEED ?? Date.now() % 2 ** 31);
console.log(`FC_SEED=${seed}`);
const runs = { seed, numRuns: Number(process.env.FC_RUNS ?? 1500) };

const blocks = path.join(import.meta.dirname, '../../fixtures/blocks');
const file = (name: string): Buffer => readFileSync(path.join(blocks, name));
const forms = {
  // The fifth byte says that there is a checksum; without that bit nothing could notice another change.
  'index.pb.zst': { packed: file('single-tenant/index.pb.zst'), decode: decodeProtobufIndex, kept: 4 },
  'index.json.gz': { packed: file('single-tenant/index.json.gz'), decode: decodeJsonIndex, kept: -1 },
};

/** Its result, or undefined for an error of the kind that damage is. */
async function tryDamaged<Result>(decode: () => Promise<Result> | Result): Promise<Result | undefined> {
  try {
    return await decode();
  } catch (thrown) {
    assert.ok(thrown instanceof AppError && ['corrupt_block', 'resource_exhausted'].includes(thrown.code), `${thrown}`);
    return undefined;
  }
}

for (const [name, { packed, decode, kept }] of Object.entries(forms)) {
  test(`${name}: every shorter file is an error`, async () => {
    for (let length = 0; length < packed.length; length++) {
      assert.equal(await tryDamaged(() => decode(packed.subarray(0, length))), undefined, `${length} of ${packed.length} bytes`);
    }
  });

  test(`${name}: changed bytes are an error or change nothing`, async () => {
    const good = await decode(packed);
    const change = fc.tuple(fc.nat(packed.length - 1), fc.integer({ min: 1, max: 255 }));
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 4 }), async (changes) => {
        const changed = Buffer.from(packed);
        for (const [at, flip] of changes) if (at !== kept) changed[at] ^= flip;
        const found = await tryDamaged(() => decode(changed));
        if (found !== undefined) assert.deepEqual(found, good);
      }),
      runs,
    );
  });
}

const seconds = fc.integer({ min: -1000, max: 2 ** 32 });
const count = fc.nat(2 ** 31);
const plain = { noNullPrototype: true } as const;
const arbitraryMeta = fc.record(
  {
    tenant: fc.stringMatching(/^[a-z0-9_-]{1,20}$/),
    blockId: fc.uuid(),
    version: fc.constantFrom('vParquet3', 'vParquet4', 'vParquet5', 'vParquet5-preview é'),
    startSeconds: seconds,
    endSeconds: seconds,
    totalTraces: fc.nat(Number.MAX_SAFE_INTEGER),
    sizeBytes: fc.nat(Number.MAX_SAFE_INTEGER),
    footerBytes: count,
    totalRecords: count,
    compactionLevel: fc.nat(200),
    replicationFactor: fc.constantFrom(0, 1, 3),
    bloomShards: fc.integer({ min: 1, max: 1000 }),
    dedicatedColumns: fc.array(
      fc.record(
        {
          scope: fc.constantFrom('span', 'resource', 'event'),
          name: fc.string({ minLength: 1, unit: 'grapheme' }),
          type: fc.constantFrom('string', 'int'),
          options: fc.subarray(['array', 'blob']),
        },
        plain,
      ),
      { maxLength: 3 },
    ),
  },
  plain,
) as unknown as fc.Arbitrary<BlockMeta>;

test('any index that is written is read back as it was, from both forms', async () => {
  const compacted = fc.record({ meta: arbitraryMeta, compactedMs: fc.nat(2 ** 41) }, plain);
  const index: fc.Arbitrary<TenantIndex> = fc.record(
    {
      createdAtMs: fc.nat(2 ** 41),
      metas: fc.array(arbitraryMeta, { maxLength: 20 }),
      compacted: fc.array(compacted, { maxLength: 5 }),
    },
    plain,
  );
  await fc.assert(
    fc.asyncProperty(index, async (written) => {
      const { protobuf, json } = await encodeTenantIndex(written);
      assert.deepEqual(await decodeProtobufIndex(protobuf), written);
      assert.deepEqual(await decodeJsonIndex(json), written);
      const known = new Map(written.metas.map((meta) => [meta.blockId, meta]));
      const again = await decodeProtobufIndex(protobuf, { known });
      for (const [at, meta] of again.metas.entries())
        assert.ok(meta === known.get(meta.blockId) || known.size < again.metas.length, `${at}`);
    }),
    { ...runs, numRuns: Math.ceil(runs.numRuns / 10) },
  );
});

test('a damaged meta.json is an error or a meta with sound numbers', async () => {
  const text = file('single-tenant/80000000-1000-4000-8000-000000000003/meta.json');
  const good = parseBlockMeta(text);
  for (let length = 0; length < text.length; length++)
    assert.equal(await tryDamaged(() => parseBlockMeta(text.subarray(0, length))), undefined);
  const members = Object.keys(JSON.parse(text.toString()));
  let accepted = 0;
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...members), fc.jsonValue({ maxDepth: 2 }), fc.boolean(), async (member, value, remove) => {
      const fields = JSON.parse(text.toString());
      if (remove) delete fields[member];
      else fields[member] = value;
      const meta = await tryDamaged(() => parseBlockMeta(Buffer.from(JSON.stringify(fields))));
      if (meta === undefined) return;
      accepted++;
      assert.deepEqual(Object.keys(meta), Object.keys(good));
      for (const number of Object.values(meta).filter((part) => typeof part === 'number')) assert.ok(Number.isSafeInteger(number));
      for (const size of [meta.sizeBytes, meta.totalRecords, meta.totalTraces, meta.footerBytes]) assert.ok(size >= 0);
      assert.ok(meta.bloomShards >= 1 && meta.version !== '' && meta.tenant !== '');
    }),
    runs,
  );
  assert.ok(accepted > 0);
});
