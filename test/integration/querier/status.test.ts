// Pages about the process: what is in force, what runs, whose limits differ.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { send, startTestApp } from './start.ts';

const overridesText = `overrides:
  team-<a>: {read: {max_search_duration: 1d, unsafe_query_hints: true}, ingestion: {rate_limit_bytes: 7}}
  "*": {max_bytes_per_trace: 5}
`;

test('sections of /status, singly and together', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'rubato-status-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'overrides.yaml');
  writeFileSync(path, overridesText);
  const { get } = await startTestApp(t, { http_api_prefix: '/tempo', overrides: { per_tenant_override_config: path } });
  const page = async (target: string, expected = 200) => {
    const { status, body } = await get(target);
    assert.equal(status, expected, `${target} ${body}`);
    return String(body);
  };
  const whole = parse(await page('/status/config'));
  assert.equal(whole.http_api_prefix, '/tempo');
  assert.equal(whole.query_frontend.max_retries, 2);
  const diff = parse(await page('/status/config?mode=diff'));
  assert.deepEqual([diff.http_api_prefix, diff.query_frontend.max_retries], ['/tempo', undefined]);
  const defaults = parse(await page('/status/config?mode=defaults'));
  assert.deepEqual([defaults.http_api_prefix, defaults.server.http_listen_port], ['', 3200]);
  assert.equal(await page('/status/config?mode=bad', 500), 'unknown value for mode query parameter: bad\n');
  assert.equal(await page('/status/nothing', 404), '404 page not found\n');

  const runtime = parse(await page('/status/runtime_config?mode=diff'));
  const team = { read: { max_search_duration: '86400000ms', unsafe_query_hints: true }, ingestion: { rate_limit_bytes: 7 } };
  assert.deepEqual(runtime, { overrides: { 'team-<a>': team, '*': { global: { max_bytes_per_trace: 5 } } } });
  assert.match(await page('/status/overrides'), /<a href="\/status\/overrides\/team-%3Ca%3E">team-&#60;a&#62;<\/a>/);
  assert.match(await page('/status/overrides/team-%3Ca%3E'), /of its own entry.*<td>maxSearchDurationMs<\/td><td>86400000<\/td>/s);
  assert.match(await page('/status/overrides/other'), /of the entry \*.*<td>maxBytesPerTrace<\/td><td>5<\/td>/s);

  assert.match(
    await page('/status/services'),
    /^\+-+\+-+\+-+\+\n\| SERVICE NAME {3}\| STATUS {3}\| FAILURE CASE \|\n.*\| querier {8}\| Running {2}\|/s,
  );
  assert.match(await page('/status/endpoints'), /^\/tempo\/api\/search$/m);
  assert.equal(await page('/tempo/status/usage-stats'), 'usage-stats is not enabled\n');
  const titles = (await page('/status')).match(/^GET \/status\/\w+$/gm);
  assert.deepEqual(
    titles,
    ['version', 'services', 'endpoints', 'runtime_config', 'config'].map((name) => `GET /status/${name}`),
  );
});

test('internal_server: probes and metrics on a port of their own, and nothing else', async (t) => {
  const { app, get } = await startTestApp(t, { internal_server: { enable: true, http_listen_address: '127.0.0.1', http_listen_port: 0 } });
  const port = app.internalPort!;
  assert.notEqual(port, app.port);
  assert.equal((await send(port, '/ready')).body.toString(), 'ready\n');
  assert.match((await send(port, '/metrics')).body.toString(), /^tempo_build_info\{/m);
  assert.equal((await send(port, '/api/echo')).status, 404);
  assert.equal((await send(port, '/status/config')).status, 404);
  assert.equal((await get('/ready')).status, 200, 'they are also where they always are');
});
