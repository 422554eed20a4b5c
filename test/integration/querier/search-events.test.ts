import assert from 'node:assert/strict';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { test } from 'node:test';
import { AppError } from '#engine/base/errors.ts';
import { searchPath, startTestApp } from './start.ts';
import { type Found, hastyClock, manyTraces, metric, until } from './stream-parts.ts';

/** The events of a body. */
function eventsOf(body: string): readonly { readonly name: string; readonly data: Found & { message?: string; status?: number } }[] {
  return [...body.matchAll(/^event: (.*)\ndata: (.*)\n\n/gm)].map(([, name, data]) => ({ name: name!, data: JSON.parse(data!) }));
}

test('server-sent events: parts, then the answer of /api/search', async (t) => {
  const { get } = await startTestApp(t, {}, { clock: hastyClock() });
  const headers = { 'X-Scope-OrgID': 'single-tenant' };
  const path = searchPath('{ }', '&limit=10000');
  const streamed = await get(path.replace('/api/search', '/api/search/stream'), headers);
  assert.deepEqual([streamed.status, streamed.headers['content-type']], [200, 'text/event-stream']);
  const events = eventsOf(streamed.body.toString());
  assert.ok(events.length > 2);
  assert.deepEqual(new Set(events.slice(0, -1).map(({ name }) => name)), new Set(['partial']));
  assert.equal(events.at(-1)!.name, 'final');
  const whole = JSON.parse((await get(path, headers)).body.toString()) as Found;
  assert.deepEqual(events.at(-1)!.data.traces, whole.traces);
  const refused = await get(searchPath('{').replace('/api/search', '/api/search/stream'), headers);
  assert.deepEqual([refused.status, refused.body.toString().startsWith('invalid TraceQL query: ')], [400, true]);
  assert.equal((await get('/api/search/stream')).status, 401);
});

test('server-sent events: a failed job is the last event', async (t) => {
  const { get } = await startTestApp(t, {}, { searchSelf: () => Promise.reject(new AppError('internal', 'it is broken')) });
  const answer = await get(searchPath('{ }').replace('/api/search', '/api/search/stream'), { 'X-Scope-OrgID': 'vp4' });
  assert.deepEqual(eventsOf(answer.body.toString()), [{ name: 'error', data: { status: 500, message: 'it is broken' } }]);
});

test('a client of server-sent events that takes nothing is cut after the write timeout', async (t) => {
  const server = { http_listen_address: '127.0.0.1', http_listen_port: 0, http_server_write_timeout: '1s' };
  const many = manyTraces(100_000);
  const testApp = await startTestApp(t, { server }, { searchSelf: async () => many });
  const path = searchPath('{ }', '&limit=100000').replace('/api/search', '/api/search/stream');
  const request = httpRequest({ host: '127.0.0.1', port: testApp.app.port, path, headers: { 'X-Scope-OrgID': 'vp4' } });
  const unread = new Promise<IncomingMessage>((resolve) => {
    request.on('error', () => {});
    request.on('response', (response) => resolve(response.on('error', () => {}).pause()));
  });
  request.end();
  const inflight = () => metric(testApp, 'tempo_inflight_requests{method="GET",route="api_search_stream"}');
  await until(async () => (await inflight()) === 1);
  await until(async () => (await inflight()) === 0);
  const response = await unread;
  response.resume();
  await new Promise((resolve) => response.once('close', resolve));
  assert.equal(response.complete, false, 'the rest never came');
});

test('a client of server-sent events that leaves aborts the jobs', async (t) => {
  let running = 0;
  let aborted = 0;
  const testApp = await startTestApp(
    t,
    {},
    {
      searchSelf: (_, signal) =>
        new Promise((_, reject) => {
          running++;
          signal.addEventListener('abort', () => {
            aborted++;
            reject(new AppError('cancelled', 'context canceled'));
          });
        }),
    },
  );
  const path = searchPath('{ }').replace('/api/search', '/api/search/stream');
  const request = httpRequest({ host: '127.0.0.1', port: testApp.app.port, path, headers: { 'X-Scope-OrgID': 'vp4' } });
  request.on('error', () => {});
  request.end();
  await until(async () => running > 0);
  request.destroy();
  await until(async () => aborted === running);
  await until(async () => (await metric(testApp, 'tempo_query_frontend_queries_total{tenant="vp4",op="search",result="canceled"}')) === 1);
});
