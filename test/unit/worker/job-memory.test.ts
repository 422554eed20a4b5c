import assert from 'node:assert/strict';
import { test } from 'node:test';
import { jobMemoryBytes } from '../../../querier/worker/job-memory.ts';

test('jobs that can run at once share the memory of the querier', () => {
  const gib = 2 ** 30;
  assert.equal(jobMemoryBytes({ maxMemoryBytes: 0, threads: 8 }), gib);
  assert.equal(jobMemoryBytes({ maxMemoryBytes: 6 * gib, threads: 2 }), gib / 2); // 4 on each of 2 threads and on the main one
  assert.equal(jobMemoryBytes({ maxMemoryBytes: 64 * gib, threads: 2 }), gib);
  assert.equal(jobMemoryBytes({ maxMemoryBytes: 1, threads: 2 }), 64 * 2 ** 20);
});
