import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { rename, rm, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { createLocalBackend } from '#engine/backend/local.ts';
import { createMemoryBackend } from '#engine/backend/memory.ts';
import { removeFolder, writeFolder } from './folder.ts';
import { list, suiteObjects, testBackend, testWriter } from './suite.ts';

let root = '';
before(async () => {
  root = await writeFolder(suiteObjects);
});
after(() => removeFolder(root));

testBackend('local', async () => ({ backend: await createLocalBackend({ path: root }) }));
testBackend('local with two open files at most', async () => ({ backend: await createLocalBackend({ path: root, maxOpenFiles: 2 }) }));
testBackend('memory', async () => {
  const backend = createMemoryBackend();
  for (const [key, content] of suiteObjects) backend.put(key, content, Date.now());
  return { backend };
});

testWriter('local', async () => {
  const folder = await writeFolder(new Map());
  // It need not exist before the first write.
  await rm(folder, { recursive: true });
  return { backend: await createLocalBackend({ path: folder }), close: () => removeFolder(folder) };
});
testWriter('memory', async () => ({ backend: createMemoryBackend() }));

const manyFiles = (count: number): ReadonlyMap<string, Uint8Array> =>
  new Map(Array.from({ length: count }, (_, index) => [`t/${index}/data.parquet`, Uint8Array.of(index)]));

test('local: data files stay open up to the limit and are closed when idle', async (context) => {
  const folder = await writeFolder(manyFiles(10));
  context.after(() => removeFolder(folder));
  let nowMs = 0;
  const backend = await createLocalBackend({ path: folder, maxOpenFiles: 4, idleMs: 1000, monotonicMs: () => nowMs });
  const openBefore = openDescriptors(folder);
  await Promise.all(Array.from({ length: 10 }, (_, index) => backend.readRange(`t/${index}/data.parquet`, 0, 1)));
  assert.equal(backend.openFiles(), 4);
  await settle();
  assert.equal(openDescriptors(folder) - openBefore, 4);
  nowMs = 1500;
  assert.deepEqual([...(await backend.readRange('t/3/data.parquet', 0, 1))], [3]);
  assert.equal(backend.openFiles(), 1);
  backend.close();
  await settle();
  assert.equal(openDescriptors(folder), 0);
  assert.deepEqual([...(await backend.readRange('t/3/data.parquet', 0, 1))], [3]);
  backend.close();
});

test('local: reads into memory of the caller are exact, whether the file is open or not', async (context) => {
  const folder = await writeFolder(new Map([['t/b/data.parquet', Buffer.from('0123456789')]]));
  context.after(() => removeFolder(folder));
  const backend = await createLocalBackend({ path: folder });
  const readInto = async (key: string, start: number, target: Uint8Array, signal?: AbortSignal) =>
    backend.readInto?.(key, start, target, signal);
  for (let turn = 0; turn < 2; turn++) {
    const target = Buffer.from('........');
    await readInto('t/b/data.parquet', 3, target.subarray(2, 6));
    assert.equal(target.toString(), '..3456..');
    await assert.rejects(readInto('t/b/data.parquet', 8, target), { code: 'corrupt_block' });
    await assert.rejects(readInto('t/c/data.parquet', 0, target), { code: 'not_found' });
    await assert.rejects(readInto('t/../data.parquet', 0, target), { code: 'bad_request' });
    await assert.rejects(readInto('t/b/data.parquet', 0, target, AbortSignal.abort()), { code: 'cancelled' });
  }
  backend.close();
});

test('local: files that can change are read afresh, data files once idle', async (context) => {
  const folder = await writeFolder(
    new Map([
      ['t/b/meta.json', Buffer.from('old')],
      ['t/b/data.parquet', Buffer.from('old')],
    ]),
  );
  context.after(() => removeFolder(folder));
  let nowMs = 0;
  const backend = await createLocalBackend({ path: folder, idleMs: 1000, monotonicMs: () => nowMs });
  const text = async (key: string) => Buffer.from(await backend.readRange(key, 0, 3)).toString();
  assert.equal(await text('t/b/meta.json'), 'old');
  assert.equal(await text('t/b/data.parquet'), 'old');
  for (const name of ['meta.json', 'data.parquet']) {
    await writeFile(path.join(folder, 'new'), 'new');
    await rename(path.join(folder, 'new'), path.join(folder, 't/b', name));
  }
  assert.equal(await text('t/b/meta.json'), 'new');
  nowMs = 999;
  assert.equal(await text('t/b/data.parquet'), 'old');
  nowMs = 1999;
  assert.equal(await text('t/b/data.parquet'), 'new');
  backend.close();
});

test('local: links out of the folder are refused, links inside are followed', async (context) => {
  const outside = await writeFolder(new Map([['secret/data.parquet', Buffer.from('secret')]]));
  const folder = await writeFolder(new Map([['t/b/data.parquet', Buffer.from('inside')]]));
  context.after(() => Promise.all([removeFolder(outside), removeFolder(folder)]));
  await symlink(path.join(outside, 'secret'), path.join(folder, 'escape'));
  await symlink(path.join(outside, 'secret/data.parquet'), path.join(folder, 't/b/index'));
  await symlink('t', path.join(folder, 'alias'));
  await symlink('..', path.join(folder, 't/loop'));
  const backend = await createLocalBackend({ path: folder });
  await assert.rejects(backend.read('escape/data.parquet'), { code: 'internal' });
  await assert.rejects(backend.readRange('escape/data.parquet', 0, 1), { code: 'internal' });
  await assert.rejects(backend.read('t/b/index'), { code: 'internal' });
  assert.equal(Buffer.from(await backend.read('alias/b/data.parquet')).toString(), 'inside');
  assert.deepEqual(await backend.listFolders(''), ['alias', 't']);
  const keys = (await list(backend, 't/b/')).map((object) => object.key);
  assert.deepEqual(keys, ['t/b/data.parquet']);
  // A link to a folder above ends somewhere.
  assert.ok((await list(backend, '')).length < 10_000);
  backend.close();
});

test('local: a pipe is no object and does not block', async (context) => {
  const folder = await writeFolder(new Map([['t/x', Buffer.from('x')]]));
  context.after(() => removeFolder(folder));
  execFileSync('mkfifo', [path.join(folder, 't/pipe')]);
  const backend = await createLocalBackend({ path: folder });
  await assert.rejects(backend.read('t/pipe'), { code: 'not_found' });
});

test('local: a folder that does not exist yet is empty', async (context) => {
  const folder = await writeFolder(new Map());
  await rm(folder, { recursive: true });
  context.after(() => removeFolder(folder));
  const backend = await createLocalBackend({ path: folder });
  assert.deepEqual(await backend.listFolders(''), []);
  await assert.rejects(backend.read('t/x'), { code: 'not_found' });
});

/** Descriptors of this process that point below the folder. */
function openDescriptors(folder: string): number {
  const listing = execFileSync('sh', ['-c', `ls -l /proc/${process.pid}/fd`], { encoding: 'utf8' });
  return listing.split('\n').filter((line) => line.includes(folder)).length;
}

async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
}
