import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AppError } from '#engine/base/errors.ts';
import { createSlots } from '#engine/base/slots.ts';

/** Work that ends when it is told to. */
function works(log: string[]) {
  const ends = new Map<string, () => void>();
  const work = (name: string) => async () => {
    log.push(`+${name}`);
    await new Promise<void>((resolve) => ends.set(name, resolve));
    log.push(`-${name}`);
    return name;
  };
  return { work, end: (name: string) => ends.get(name)!() };
}

test('no more than that many run, in the order of their coming', async () => {
  const log: string[] = [];
  const { work, end } = works(log);
  const slots = createSlots(2);
  const all = ['a', 'b', 'c', 'd'].map((name) => slots.run(work(name)));
  assert.deepEqual(log, ['+a', '+b']);
  end('b');
  assert.equal(await all[1], 'b');
  assert.deepEqual(log, ['+a', '+b', '-b', '+c']);
  for (const name of ['a', 'c']) end(name);
  await Promise.all([all[0], all[2]]);
  assert.deepEqual(log.slice(-1), ['+d']);
  end('d');
  assert.deepEqual(await Promise.all(all), ['a', 'b', 'c', 'd']);
});

test('whoever goes while waiting leaves the line; failed work gives its slot back', async () => {
  const log: string[] = [];
  const { work, end } = works(log);
  const slots = createSlots(1);
  const first = slots.run(work('a'));
  const gone = new AbortController();
  const second = slots.run(work('b'), gone.signal);
  const third = slots.run(() => Promise.reject(new AppError('internal', 'broken')));
  const fourth = slots.run(work('d'));
  const rejected = [assert.rejects(second, { code: 'cancelled' }), assert.rejects(third, { message: 'broken' })];
  gone.abort(new AppError('cancelled', 'gone'));
  await assert.rejects(slots.run(work('e'), gone.signal), { code: 'cancelled' }, 'nobody waits who has gone already');
  end('a');
  await Promise.all([first, ...rejected]);
  await new Promise(setImmediate);
  end('d');
  assert.equal(await fourth, 'd');
  assert.deepEqual(log, ['+a', '-a', '+d', '-d']);
});
