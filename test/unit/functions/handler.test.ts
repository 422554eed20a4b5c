import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Backend } from '#engine/backend/backend.ts';
import { systemClock } from '#engine/base/clock.ts';
import { AppError } from '#engine/base/errors.ts';
import { createJobEnvironment } from '#engine/jobs/environment.ts';
import type { FunctionHandler } from '../../../functions/exchange.ts';
import { createHandler } from '../../../functions/handler.ts';

const parameters = {
  start: '1',
  end: '2',
  q: '{ }',
  blockID: '7d000000-4000-4000-8000-00000000000c',
  pagesToSearch: '1',
  size: '1000',
  startPage: '0',
  encoding: 'none',
  indexPageSize: '0',
  totalRecords: '1',
  dataEncoding: '',
  version: 'vParquet4',
  footerSize: '100',
  maxBytes: '0',
};

/** A store whose reads end only when they are aborted. */
const silentStore: Backend = {
  read: () => Promise.reject(new AppError('not_found', 'no object')),
  readRange: (_key, _start, _end, signal) =>
    new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason), { once: true })),
  listFolders: async () => [],
  listObjects: async function* () {},
  coalesceGapBytes: 0,
};

function setUp(options: { readonly jobTimeoutMs?: number; readonly createEnvironment?: () => Promise<never> } = {}) {
  const errors: AppError[] = [];
  let created = 0;
  const environment = createJobEnvironment({ backend: silentStore, maxMemoryBytes: 2 ** 24, cacheBytes: 0 });
  const handle = createHandler({
    createEnvironment: async () => {
      created++;
      return options.createEnvironment ? options.createEnvironment() : environment;
    },
    jobTimeoutMs: options.jobTimeoutMs ?? 10_000,
    jobsAtOnce: 1,
    memoryMb: 0,
    clock: systemClock,
    onError: (error) => errors.push(error),
  });
  return { handle, errors, created: () => created };
}

async function ask(
  handle: FunctionHandler,
  changes: Readonly<Record<string, string>>,
  tenant = 'one',
  signal = new AbortController().signal,
) {
  const url = `/?${new URLSearchParams({ ...parameters, ...changes })}`;
  const { status, headers, body } = await handle({
    method: 'GET',
    url,
    headers: { 'x-scope-orgid': tenant },
    body: async () => new Uint8Array(0),
    maxBodyBytes: 2 ** 20,
    signal,
  });
  assert.equal(headers['content-type'], 'text/plain; charset=utf-8');
  return `${status} ${Buffer.from(body)}`;
}

test('the first step that fails answers', async () => {
  const { handle, created } = setUp({ createEnvironment: () => Promise.reject(new AppError('config', 'unknown backend ')) });
  const wrong = { start: 'x', maxBytes: 'x', version: 'v9' };
  assert.match(await ask(handle, wrong, ''), /^400 serverless \[parsing search request\]: invalid start: /);
  const { start: _, ...rest } = wrong;
  assert.match(await ask(handle, rest, ''), /^400 serverless \[extracting serverless params\]: invalid maxBytes: /);
  assert.equal(created(), 0, 'bad requests do not need a backend');
  assert.equal(await ask(handle, { version: 'v9' }, ''), '500 serverless [loading backend]: unknown backend ');
  const working = setUp();
  assert.equal(await ask(working.handle, { version: 'v9' }, ''), '400 serverless [extracting org id]: no org id');
  assert.equal(await ask(working.handle, { version: 'v9' }), '500 serverless [creating backend block]: v9 is not a valid block version');
  assert.match(await ask(working.handle, { q: '{ .a = ' }), /^500 serverless \[searching block\]: parse error at line 1, col 8: /);
  assert.match(await ask(working.handle, {}, '../other'), /^400 serverless \[extracting org id\]: tenant ID/);
});

test('a backend is created once, and its error is remembered', async () => {
  const { handle, errors, created } = setUp({ createEnvironment: () => Promise.reject(new AppError('config', 'unknown backend x')) });
  for (let i = 0; i < 3; i++) assert.equal(await ask(handle, {}), '500 serverless [loading backend]: unknown backend x');
  assert.equal(created(), 1);
  assert.equal(errors.length, 3, 'errors that are not the caller’s are told');
});

test('a client that goes away stops the job', async () => {
  const { handle } = setUp();
  const gone = new AbortController();
  const answer = ask(handle, {}, 'one', gone.signal);
  setTimeout(() => gone.abort(), 20);
  assert.equal(await answer, '500 serverless [searching block]: context canceled');
});

test('a job that takes too long is stopped', async () => {
  const { handle } = setUp({ jobTimeoutMs: 20 });
  assert.equal(await ask(handle, {}), '500 serverless [searching block]: context deadline exceeded');
});
