import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Backend, ListedObject, ObjectWriter } from '#engine/backend/backend.ts';
import { readRanges } from '#engine/backend/coalesce.ts';
import { AppError, type ErrorCode } from '#engine/base/errors.ts';

/** A backend over {@link suiteObjects}, and how to get rid of it. */
export interface SuiteBackend {
  readonly backend: Backend;
  readonly close?: () => Promise<void>;
}

const long = Uint8Array.from({ length: 300_000 }, (_, index) => (index * 7919) >> 3);

/** The objects that a backend under test must hold: more than one page of a listing, and names whose order or spelling goes wrong easily. */
export const suiteObjects: ReadonlyMap<string, Uint8Array> = new Map([
  ['single-tenant/11111111-0000-4000-8000-000000000001/data.parquet', long],
  ['single-tenant/11111111-0000-4000-8000-000000000001/meta.json', Buffer.from('{"format":"vParquet4"}')],
  ['single-tenant/22222222-0000-4000-8000-000000000002/meta.json', Buffer.from('{}')],
  ['single-tenant/22222222-0000-4000-8000-000000000002/nocompact.flg', new Uint8Array(0)],
  ['single-tenant/index.json.gz', Uint8Array.of(1, 2, 3)],
  ["te(n)a'n*t!/44444444-0000-4000-8000-000000000004/meta.json", Buffer.from('odd')],
  ['te/x', Buffer.from('x')],
  ['te-a/y', Buffer.from('y')],
  ['te.a/a b+c&d<e>%2F.txt', Buffer.from('spelling')],
  ['te0/z', Buffer.from('z')],
  ['tempo_cluster_seed.json', Buffer.from('seed')],
  ['Ünïcode/é', Buffer.from('letters')],
]);

const block = 'single-tenant/11111111-0000-4000-8000-000000000001';
const badKeys = ['', '/', 'a//b', '/a', 'a/', '.', '..', '../a', 'a/../b', 'a/./b', 'a/..', 'a\0b', 'a\\b', '..\\a', 'x'.repeat(1025)];

function code(expected: ErrorCode): (thrown: unknown) => boolean {
  return (thrown) => {
    assert.ok(thrown instanceof AppError, `${thrown}`);
    assert.equal(thrown.code, expected, thrown.message);
    assert.ok(thrown.message.length > 0);
    return true;
  };
}

/** All that a listing yields. */
export async function list(backend: Backend, prefix: string, signal?: AbortSignal): Promise<ListedObject[]> {
  const objects: ListedObject[] = [];
  for await (const object of backend.listObjects(prefix, signal)) objects.push(object);
  return objects;
}

/** What every backend keeps (engine/backend/backend.ts). `open` is called once per test. */
export function testBackend(name: string, open: () => Promise<SuiteBackend>): void {
  const check = (title: string, run: (backend: Backend) => Promise<void>): void => {
    test(title, async () => {
      const { backend, close } = await open();
      try {
        await run(backend);
      } finally {
        await close?.();
      }
    });
  };
  describe(name, () => {
    check('reads whole objects', async (backend) => {
      for (const [key, content] of suiteObjects) assert.deepEqual(Buffer.from(await backend.read(key)), Buffer.from(content), key);
    });
    check('reads exact ranges', (backend) => readsRanges(backend));
    check('reads of one object may run side by side', (backend) => readsSideBySide(backend));
    check('coalesces ranges', (backend) => readsManyRanges(backend));
    check('an object that is too short is corrupt', async (backend) => {
      for (const [start, end] of [
        [299_990, 300_001],
        [300_000, 300_010],
        [400_000, 400_001],
      ]) {
        await assert.rejects(backend.readRange(`${block}/data.parquet`, start, end), code('corrupt_block'));
      }
    });
    check('a missing object is not found', async (backend) => {
      for (const key of [`${block}/bloom-0`, 'no-such-tenant/x', `${block}/meta.json/deeper`, block, `${block}x/data.parquet`]) {
        await assert.rejects(backend.read(key), code('not_found'), key);
        await assert.rejects(backend.readRange(key, 0, 1), code('not_found'), key);
      }
    });
    check('keys cannot leave their folder', (backend) => refusesBadKeys(backend));
    check('ranges that are none are refused', async (backend) => {
      for (const [start, end] of [
        [-1, 1],
        [2, 1],
        [0.5, 1],
        [0, Number.NaN],
        [0, Number.POSITIVE_INFINITY],
      ]) {
        await assert.rejects(backend.readRange('te/x', start, end), code('bad_request'));
      }
      await assert.rejects(backend.readRange('te/x', 0, 2 ** 40), code('resource_exhausted'));
    });
    check('lists folders in order', async (backend) => {
      assert.deepEqual(await backend.listFolders(''), ['single-tenant', "te(n)a'n*t!", 'te-a', 'te.a', 'te', 'te0', 'Ünïcode']);
      assert.deepEqual(await backend.listFolders('single-tenant/'), [
        '11111111-0000-4000-8000-000000000001',
        '22222222-0000-4000-8000-000000000002',
      ]);
      assert.deepEqual(await backend.listFolders(`${block}/`), []);
      assert.deepEqual(await backend.listFolders('no-such-tenant/'), []);
    });
    check('lists objects in order, with size and time', (backend) => listsObjects(backend));
    check('a listing goes on beyond a folder, where there is such a listing', (backend) => listsOn(backend));
    check('an aborted signal ends every call', (backend) => obeysSignals(backend));
  });
}

/** What every backend with a writer keeps, over an empty store of its own. `open` is called once per test. */
export function testWriter(name: string, open: () => Promise<SuiteBackend>): void {
  const check = (title: string, run: (backend: Backend, writer: ObjectWriter) => Promise<void>): void => {
    test(title, async () => {
      const { backend, close } = await open();
      try {
        assert.ok(backend.writer);
        await run(backend, backend.writer);
      } finally {
        await close?.();
      }
    });
  };
  describe(`${name}: writing`, () => {
    check('what is written is read and listed, and can be replaced', async (backend, { write }) => {
      for (const content of [long, Buffer.from('second'), new Uint8Array(0)]) {
        await write('new-tenant/index.pb.zst', content);
        assert.deepEqual(Buffer.from(await backend.read('new-tenant/index.pb.zst')), Buffer.from(content));
        const listed = (await list(backend, '')).map(({ key, sizeBytes }) => [key, sizeBytes]);
        assert.deepEqual(listed, [['new-tenant/index.pb.zst', content.length]]);
      }
    });
    check('what is deleted is gone; deleting twice is no error', async (backend, writer) => {
      await writer.write('t/a b+c&d<e>%2F', Buffer.from('x'));
      await writer.delete('t/a b+c&d<e>%2F');
      await writer.delete('t/a b+c&d<e>%2F');
      await writer.delete('no-such-tenant/x');
      await assert.rejects(backend.read('t/a b+c&d<e>%2F'), code('not_found'));
      assert.deepEqual(await list(backend, ''), []);
    });
    check('readers see the old or the new content, whoever writes', (backend, writer) => replacesWhole(backend, writer));
    check('keys cannot leave their folder', async (_, writer) => {
      for (const key of badKeys) {
        await assert.rejects(async () => writer.write(key, new Uint8Array(1)), code('bad_request'), JSON.stringify(key));
        await assert.rejects(async () => writer.delete(key), code('bad_request'), JSON.stringify(key));
      }
    });
    check('an aborted signal ends every call', async (backend, writer) => {
      await assert.rejects(writer.write('t/x', new Uint8Array(1), AbortSignal.abort()), code('cancelled'));
      await assert.rejects(writer.delete('t/x', AbortSignal.abort()), code('cancelled'));
      assert.deepEqual(await list(backend, ''), []);
    });
  });
}

async function replacesWhole(backend: Backend, { write }: ObjectWriter): Promise<void> {
  const contents = Array.from({ length: 4 }, (_, index) => Buffer.alloc(200_000 + index * 50_000, index));
  await write('t/index.json.gz', contents[0]);
  let writing = true;
  const writers = contents.map(async (content) => {
    for (let turn = 0; turn < 10; turn++) await write('t/index.json.gz', content);
  });
  const reading = (async () => {
    let reads = 0;
    for (; writing || reads === 0; reads++) {
      const seen = Buffer.from(await backend.read('t/index.json.gz'));
      assert.ok(seen.equals(contents[seen[0]]), `read ${seen.length} bytes of ${seen[0]}`);
    }
  })();
  await Promise.all(writers).finally(() => {
    writing = false;
  });
  await reading;
  assert.equal((await list(backend, '')).length, 1);
}

async function readsRanges(backend: Backend): Promise<void> {
  for (const [start, end] of [
    [0, 1],
    [0, 300_000],
    [1000, 1001],
    [12_345, 54_321],
    [299_999, 300_000],
    [5, 5],
  ]) {
    const content = await backend.readRange(`${block}/data.parquet`, start, end);
    assert.equal(content.length, end - start);
    assert.deepEqual(Buffer.from(content), Buffer.from(long.subarray(start, end)));
  }
}

async function readsSideBySide(backend: Backend): Promise<void> {
  const starts = Array.from({ length: 60 }, (_, index) => index * 4999);
  const reads = await Promise.all(starts.map((start) => backend.readRange(`${block}/data.parquet`, start, start + 5000)));
  for (const [index, content] of reads.entries()) {
    assert.deepEqual(Buffer.from(content), Buffer.from(long.subarray(starts[index], starts[index] + 5000)));
  }
}

async function readsManyRanges(backend: Backend): Promise<void> {
  const ranges = [
    { start: 200_000, end: 250_000 },
    { start: 0, end: 4 },
    { start: 3, end: 10 },
    { start: 7, end: 7 },
    { start: 299_992, end: 300_000 },
  ];
  for (const maxMergedBytes of [1, 1000, 1 << 24]) {
    const contents = await readRanges(backend, `${block}/data.parquet`, ranges, undefined, { maxMergedBytes, concurrency: 2 });
    for (const [index, { start, end }] of ranges.entries()) {
      assert.deepEqual(Buffer.from(contents[index]), Buffer.from(long.subarray(start, end)));
    }
  }
  await assert.rejects(readRanges(backend, `${block}/data.parquet`, [...ranges, { start: 290_000, end: 300_001 }]), code('corrupt_block'));
}

async function refusesBadKeys(backend: Backend): Promise<void> {
  for (const key of badKeys) {
    await assert.rejects(async () => backend.read(key), code('bad_request'), JSON.stringify(key));
    await assert.rejects(async () => backend.readRange(key, 0, 1), code('bad_request'), JSON.stringify(key));
  }
  for (const prefix of ['a', '/', '../', 'a/../', 'a//', 'a\\b/', 'a\0/']) {
    await assert.rejects(async () => backend.listFolders(prefix), code('bad_request'), prefix);
    await assert.rejects(async () => list(backend, prefix), code('bad_request'), prefix);
  }
}

async function listsObjects(backend: Backend): Promise<void> {
  const keys = [...suiteObjects.keys()].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  const all = await list(backend, '');
  assert.deepEqual(
    all.map((object) => object.key),
    keys,
  );
  for (const { key, sizeBytes, modifiedMs } of all) {
    assert.equal(sizeBytes, suiteObjects.get(key)?.length);
    assert.ok(Math.abs(modifiedMs - Date.now()) < 60_000, `${key}: ${modifiedMs}`);
  }
  const some = await list(backend, 'single-tenant/');
  assert.deepEqual(
    some.map((object) => object.key),
    keys.filter((key) => key.startsWith('single-tenant/')),
  );
  assert.deepEqual(await list(backend, 'no-such-tenant/'), []);
  // A reader may leave early.
  for await (const object of backend.listObjects('')) {
    assert.equal(object.key, keys[0]);
    break;
  }
}

async function listsOn(backend: Backend): Promise<void> {
  const { listObjectsFrom } = backend;
  if (listObjectsFrom === undefined) return;
  const keys = (await list(backend, '')).map((object) => object.key);
  for (const prefix of ['', 'single-tenant/', 'te-a/', 'te/', 'te0/', 'tempo/', 'zzz/']) {
    const found: string[] = [];
    for await (const { key } of listObjectsFrom(prefix)) found.push(key);
    const expected = keys.filter((key) => Buffer.compare(Buffer.from(key), Buffer.from(prefix)) > 0);
    assert.deepEqual(found, expected, prefix);
  }
}

async function obeysSignals(backend: Backend): Promise<void> {
  const gone = AbortSignal.abort();
  await assert.rejects(backend.read('te/x', gone), code('cancelled'));
  await assert.rejects(backend.readRange('te/x', 0, 1, gone), code('cancelled'));
  await assert.rejects(backend.listFolders('', gone), code('cancelled'));
  await assert.rejects(list(backend, '', gone), code('cancelled'));
  const late = AbortSignal.abort(new DOMException('too late', 'TimeoutError'));
  await assert.rejects(backend.readRange('te/x', 0, 1, late), code('deadline_exceeded'));
}
