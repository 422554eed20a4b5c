import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { systemClock } from '#engine/base/clock.ts';
import { createFunctionEnvironment } from '../../../functions/environment.ts';
import { createHandler } from '../../../functions/handler.ts';
import { startGcsServer } from '../backend/gcs-server.ts';

// Goal: a function answers a search over a block in GCS as over the same block in a folder.
// Method: a real block behind a server that wants the metadata server's token.

const root = join(import.meta.dirname, '../../fixtures/blocks');
const id = '6a000000-7000-4000-8000-000000000015';

test('a function searches a block in GCS with the token of the metadata server', async (t) => {
  const content = await readFile(join(root, 'vp5', id, 'data.parquet'));
  const key = `vp5/${id}/data.parquet`;
  const server = await startGcsServer({ bucket: 'traces', objects: new Map([[`blocks/${key}`, content]]), tokens: () => ['token-1'] });
  t.after(server.close);
  const query = new URLSearchParams({
    q: '{ }',
    limit: '1000',
    start: '1',
    end: '2000000000',
    blockID: id,
    startPage: '0',
    pagesToSearch: '1',
    encoding: 'none',
    indexPageSize: '0',
    totalRecords: '1',
    dataEncoding: '',
    version: 'vParquet5',
    size: String(content.length),
    footerSize: '0',
    dc: '[]',
  });
  const answer = async (env: Readonly<Record<string, string>>) => {
    const context = { env, clock: systemClock, random: Math.random, memoryLimitBytes: undefined };
    const handle = createHandler({
      createEnvironment: () => createFunctionEnvironment(context),
      jobTimeoutMs: 60_000,
      jobsAtOnce: 1,
      memoryMb: 0,
      clock: systemClock,
      onError: () => {},
    });
    const signal = new AbortController().signal;
    const { status, body } = await handle({
      method: 'GET',
      url: `/?${query}`,
      headers: { 'x-scope-orgid': 'vp5' },
      body: async () => new Uint8Array(),
      maxBodyBytes: 1 << 20,
      signal,
    });
    const text = Buffer.from(body).toString();
    assert.equal(status, 200, text);
    return JSON.parse(text) as { readonly traces: readonly unknown[] };
  };
  const fromGcs = await answer({
    TEMPO_BACKEND: 'gcs',
    TEMPO_GCS_BUCKET_NAME: 'traces',
    TEMPO_GCS_PREFIX: 'blocks',
    TEMPO_GCS_ENDPOINT: server.url,
    GCE_METADATA_HOST: server.host,
  });
  const fromFolder = await answer({ TEMPO_BACKEND: 'local', TEMPO_LOCAL_PATH: root });
  assert.ok(fromGcs.traces.length > 0);
  assert.deepEqual(fromGcs.traces, fromFolder.traces);
  assert.equal(server.tokensServed(), 1);
});
