import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Gauge, Registry } from 'prom-client';
import { createQueueLengths } from '../../../querier/telemetry/queue-lengths.ts';

test('queues that stay empty are dropped, others never', async () => {
  const gauge = new Gauge({ name: 'length', help: 'x', labelNames: ['user'], registers: [new Registry()] });
  let nowMs = 0;
  const show = createQueueLengths(gauge, () => nowMs);
  const shown = async () => Object.fromEntries((await gauge.get()).values.map(({ labels, value }) => [labels.user, value]));
  show('idle', 3);
  show('idle', 0);
  show('busy', 5);
  nowMs = 300_000;
  show('other', 0);
  assert.deepEqual(await shown(), { idle: 0, busy: 5, other: 0 });
  nowMs = 601_000;
  show('other', 2);
  assert.deepEqual(await shown(), { idle: 0, busy: 5, other: 2 }, 'looked at only when a queue becomes empty');
  show('other', 0);
  assert.deepEqual(await shown(), { busy: 5, other: 0 });
});
