import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { startAzureServer } from '../backend/azure-server.ts';
import { startGcsServer } from '../backend/gcs-server.ts';
import { blocksPath, startTestApp } from './start.ts';

// Goal: a querier configured as for Tempo finds and searches blocks in GCS and in Azure as in a folder, and its configuration reaches the client.
// Method: the whole server; stores that check tokens and signatures, with the blocks of one tenant.

const tenant = 'vp5';
const path = `/api/search?q=${encodeURIComponent('{ duration > 1ms }')}&limit=1000&start=1768046000&end=1768053000`;

/** All objects of the tenant below a prefix. */
function objectsOf(prefix: string): ReadonlyMap<string, Uint8Array> {
  const root = join(blocksPath, tenant);
  const names = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((name) => statSync(join(root, name)).isFile());
  return new Map(names.map((name) => [`${prefix}${tenant}/${name}`, readFileSync(join(root, name))]));
}

async function search(t: TestContext, trace: object): Promise<{ readonly traces: readonly unknown[]; readonly metrics: string }> {
  const { get, app } = await startTestApp(t, { storage: { trace: { blocklist_poll: '1h', ...trace } } });
  await app.loaded;
  const { status, body } = await get(path, { 'X-Scope-OrgID': tenant });
  assert.equal(status, 200, body.toString());
  const { traces } = JSON.parse(body.toString()) as { readonly traces: readonly { readonly traceID: string }[] };
  const metrics = (await get('/metrics')).body.toString();
  return { traces: [...traces].sort((a, b) => (a.traceID < b.traceID ? -1 : 1)), metrics };
}

test('blocks in GCS and Azure are searched as those in a folder', async (t) => {
  const local = await search(t, { backend: 'local', local: { path: blocksPath } });
  assert.ok(local.traces.length > 10);

  const gcs = await startGcsServer({ bucket: 'traces', objects: objectsOf('tempo/'), pageSize: 100 });
  t.after(gcs.close);
  const fromGcs = await search(t, {
    backend: 'gcs',
    gcs: {
      bucket_name: 'traces',
      prefix: 'tempo',
      endpoint: `${gcs.url}/storage/v1/`,
      insecure: true,
      hedge_requests_at: '30s',
      hedge_requests_up_to: 2,
    },
  });
  assert.deepEqual(fromGcs.traces, local.traces);

  const key = Buffer.from('some key').toString('base64');
  const azure = await startAzureServer({ account: 'devstoreaccount1', container: 'traces', key, objects: objectsOf('tempo/') });
  t.after(azure.close);
  const account = { storage_account_name: 'devstoreaccount1', storage_account_key: key, container_name: 'traces' };
  const fromAzure = await search(t, { backend: 'azure', azure: { ...account, prefix: 'tempo', endpoint_suffix: azure.endpoint } });
  assert.deepEqual(fromAzure.traces, local.traces);

  for (const { metrics } of [fromGcs, fromAzure]) {
    const count = /^tempodb_backend_request_duration_seconds_count{operation="GET",status_code="200".*} (\d+)$/m.exec(metrics);
    assert.ok(Number(count?.[1]) > 0, 'requests are counted, also those of scan threads');
    assert.match(metrics, /^tempodb_backend_hedged_roundtrips_total 0$/m);
  }
});
