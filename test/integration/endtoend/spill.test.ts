// Real processes: what a search answers must not depend on where its jobs ran, nor on functions that fail.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { LocalProcess } from '../../../infra/local/processes.ts';
import { localFunctionEnvironment, localStorage, startFunction, startServer } from '../../../infra/local/server.ts';

const blocks = join(import.meta.dirname, '../../fixtures/blocks');
const parameters = new URLSearchParams({ q: '{ duration > 1ms }', start: '1768046400', end: '1768050000', limit: '1000' });

interface SearchBody {
  readonly traces: readonly { readonly traceID: string }[];
}

/** The traces, sorted by id, as text: equal answers are equal texts. */
async function search(server: LocalProcess, tenant: string): Promise<string> {
  const response = await fetch(`${server.url}/api/search?${parameters}`, { headers: { 'X-Scope-OrgID': tenant } });
  assert.equal(response.status, 200, await response.clone().text());
  const { traces } = (await response.json()) as SearchBody;
  assert.ok(traces.length > 50);
  return JSON.stringify([...traces].sort((a, b) => (a.traceID < b.traceID ? -1 : 1)));
}

async function places(server: LocalProcess): Promise<readonly string[]> {
  const jobs = (await (await fetch(`${server.url}/status/jobs`)).json()) as { where: string; endpoint?: string }[];
  return jobs.map(({ where, endpoint }) => endpoint ?? where);
}

describe('a search that is partly spilled', () => {
  const storage = localStorage(blocks);
  const common = { storage, multitenancy: true, targetBytesPerJob: 1 };
  const tenant = 'rowgroups';
  let functions: LocalProcess[];
  let alone: LocalProcess;
  let expected: string;
  before(async () => {
    alone = await startServer(common);
    functions = await Promise.all(['function-1', 'function-2'].map((name) => startFunction(name, localFunctionEnvironment(blocks))));
    expected = await search(alone, tenant);
  });
  after(() => Promise.all([alone, ...(functions ?? [])].map((process) => process?.stop())));

  test('gives the answer that one process gives', async (t) => {
    const server = await startServer({ ...common, externalEndpoints: functions.map(({ url }) => url), preferSelf: 2 });
    t.after(() => server.stop());
    assert.equal(await search(server, tenant), expected);
    const ran = await places(server);
    assert.ok(ran.length >= 25, `${ran.length} jobs`);
    for (const place of ['self', ...functions.map(({ url }) => url)])
      assert.ok(
        ran.some((one) => one.startsWith(place)),
        `${place} ran none of ${ran}`,
      );
  });

  test('survives a function that does not exist', async (t) => {
    const server = await startServer({ ...common, externalEndpoints: ['http://127.0.0.1:9', functions[0]!.url], preferSelf: 1 });
    t.after(() => server.stop());
    assert.equal(await search(server, tenant), expected);
  });

  test('runs what a broken function does not', async (t) => {
    const broken = createServer((_, response) => response.writeHead(500).end('out of order')).listen(0, '127.0.0.1');
    t.after(() => broken.close());
    await once(broken, 'listening');
    const { port } = broken.address() as AddressInfo;
    const server = await startServer({ ...common, externalEndpoints: [`http://127.0.0.1:${port}`], preferSelf: 0 });
    t.after(() => server.stop());
    assert.equal(await search(server, tenant), expected);
    assert.deepEqual([...new Set(await places(server))], ['self']);
  });
});
