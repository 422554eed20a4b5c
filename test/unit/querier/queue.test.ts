import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createJobQueue, type QueueOptions } from '../../../querier/frontend/queue.ts';

const quiet = { onLength: () => {}, onRefused: () => {}, onWaited: () => {}, monotonicMs: () => 0 };
const never = new AbortController().signal;

function queue(options: Partial<QueueOptions> = {}) {
  const order: string[] = [];
  const finish = new Map<string, () => void>();
  const created = createJobQueue({ ...quiet, concurrency: 1, maxOutstandingPerTenant: 10, ...options });
  const add = (tenant: string, name: string, signal = never) =>
    created.run(
      tenant,
      () =>
        new Promise<string>((resolve) => {
          order.push(name);
          finish.set(name, () => resolve(name));
        }),
      signal,
    );
  const end = async (name: string) => {
    finish.get(name)!();
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { created, order, add, end };
}

test('tenants take turns, each first in first out', async () => {
  const { order, add, end } = queue();
  const jobs = [add('a', 'a0'), add('a', 'a1'), add('a', 'a2'), add('a', 'a3'), add('b', 'b1'), add('c', 'c1'), add('b', 'b2')];
  for (const name of ['a0', 'a1', 'b1', 'c1', 'a2', 'b2', 'a3']) await end(name);
  assert.deepEqual(order, ['a0', 'a1', 'b1', 'c1', 'a2', 'b2', 'a3']);
  assert.deepEqual(await Promise.all(jobs), ['a0', 'a1', 'a2', 'a3', 'b1', 'c1', 'b2']);
});

test('no more than the given number run at once', async () => {
  const { created, order, add, end } = queue({ concurrency: 2 });
  const jobs = ['1', '2', '3', '4'].map((name) => add('a', name));
  assert.equal(created.running(), 2);
  await end('2');
  assert.deepEqual(order, ['1', '2', '3']);
  for (const name of ['1', '3', '4']) await end(name);
  await Promise.all(jobs);
  assert.equal(created.running(), 0);
});

test('a full queue refuses, for that tenant only', async () => {
  const refused: string[] = [];
  const { add, end } = queue({ maxOutstandingPerTenant: 1, onRefused: (tenant) => refused.push(tenant) });
  const jobs = [add('a', 'a0'), add('a', 'a1')];
  await assert.rejects(add('a', 'a2'), { code: 'too_many_requests', message: 'job queue full' });
  jobs.push(add('b', 'b0'));
  assert.deepEqual(refused, ['a']);
  for (const name of ['a0', 'a1', 'b0']) await end(name);
  await Promise.all(jobs);
});

test('a job whose caller goes away leaves the queue at once and never runs', async () => {
  const lengths: number[] = [];
  const { order, add, end } = queue({ onLength: (_tenant, length) => lengths.push(length) });
  const first = add('a', 'a0');
  const caller = new AbortController();
  const gone = add('a', 'a1', caller.signal);
  caller.abort();
  await assert.rejects(gone, { code: 'cancelled' });
  await assert.rejects(add('a', 'a2', caller.signal), { code: 'cancelled' });
  await end('a0');
  await first;
  assert.deepEqual(order, ['a0']);
  assert.deepEqual(lengths, [1, 0]);
});

test('a failing job gives its place on', async () => {
  const created = createJobQueue({ ...quiet, concurrency: 1, maxOutstandingPerTenant: 5 });
  const failing = created.run('a', () => Promise.reject(new Error('no')), never);
  const next = created.run('a', async () => 'yes', never);
  await assert.rejects(failing, { message: 'no' });
  assert.equal(await next, 'yes');
});
