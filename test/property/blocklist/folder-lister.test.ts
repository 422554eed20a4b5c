import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Backend, ListedObject } from '#engine/backend/backend.ts';
import { createMemoryBackend } from '#engine/backend/memory.ts';
import { AppError } from '#engine/base/errors.ts';
import { createFolderLister } from '#engine/blocklist/folder-lister.ts';

const seed = Number(process.env.FC_SEED ?? Date.now() % 2 ** 31);
console.log(`FC_SEED=${seed}`);

/** Names whose order depends on how `/` compares with what may stand in its place. */
const folders = ['a', 'a-b', 'a.b', 'a0', 'b', 'bb', 'c', 'z'];
const step = fc.record({
  folder: fc.constantFrom(...folders, 'not there'),
  /** Objects taken before the reader leaves; undefined: all. */
  leaveAfter: fc.option(fc.nat(3), { nil: undefined }),
  /** The listing fails when it comes to that many objects. */
  failAfter: fc.option(fc.nat(4), { nil: undefined }),
});

test('every folder is listed whole, in whatever order, after failures and readers that leave', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.constantFrom(...folders), fc.nat(2000)), { maxLength: 40 }),
      fc.array(step, { maxLength: 12 }),
      fc.boolean(),
      async (objects, steps, sorted) => {
        const memory = createMemoryBackend();
        for (const [folder, number] of objects) memory.put(`${folder}/${number}`, new Uint8Array(1));
        memory.put('a.txt', new Uint8Array(1));
        const failures = { left: Number.POSITIVE_INFINITY };
        async function* failing(listing: AsyncIterable<ListedObject>): AsyncGenerator<ListedObject> {
          for await (const object of listing) {
            if (failures.left-- <= 0) throw new AppError('unavailable', 'no answer');
            yield object;
          }
        }
        const backend: Backend = { ...memory, listObjectsFrom: (prefix, signal) => failing(memory.listObjectsFrom!(prefix, signal)) };
        const lister = createFolderLister(backend);
        const inOrder = sorted
          ? steps.toSorted((one, other) => Buffer.compare(Buffer.from(`${one.folder}/`), Buffer.from(`${other.folder}/`)))
          : steps;
        for (const { folder, leaveAfter, failAfter } of inOrder) {
          failures.left = failAfter ?? Number.POSITIVE_INFINITY;
          const expected: string[] = [];
          for await (const { key } of memory.listObjects(`${folder}/`)) expected.push(key);
          const found: string[] = [];
          try {
            for await (const { key } of lister.list(`${folder}/`, undefined)) {
              if (found.length === leaveAfter) break;
              found.push(key);
            }
          } catch (thrown) {
            assert.ok(failAfter !== undefined && thrown instanceof AppError && thrown.code === 'unavailable');
            assert.deepEqual(found, expected.slice(0, found.length));
            continue;
          }
          assert.deepEqual(found, expected.slice(0, leaveAfter ?? expected.length));
        }
        await lister.close();
      },
    ),
    { seed, numRuns: Number(process.env.FC_RUNS ?? 500) },
  );
});

test('folders in order take one listing, far ones another', async () => {
  const memory = createMemoryBackend();
  for (let tenant = 0; tenant < 50; tenant++)
    for (let at = 0; at < 100; at++) memory.put(`t${100 + tenant}/${1000 + at}`, new Uint8Array(1));
  let listings = 0;
  const lister = createFolderLister({
    ...memory,
    listObjectsFrom: (prefix, signal) => {
      listings++;
      return memory.listObjectsFrom!(prefix, signal);
    },
  });
  const count = async (tenant: number): Promise<number> => {
    let found = 0;
    for await (const _ of lister.list(`t${100 + tenant}/`, undefined)) found++;
    return found;
  };
  for (const tenant of [0, 1, 2, 5, 6]) assert.equal(await count(tenant), 100);
  assert.equal(listings, 1);
  assert.equal(await count(40), 100);
  assert.equal(listings, 2, 'a few thousand objects are not passed over');
  assert.equal(await count(3), 100);
  assert.equal(listings, 3, 'it does not go back');
  await lister.close();
});
