import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SearchAnswer } from '#engine/api/search-answer.ts';
import { systemClock } from '#engine/base/clock.ts';
import { AppError } from '#engine/base/errors.ts';
import { search } from '../../../querier/frontend/search.ts';
import { answerWith, traceIds } from './answers.ts';
import { block, list, shop } from './blocks.ts';
import { blocks, call, config, environment, hang, live, matchAll, type Run } from './search-environment.ts';

test('all jobs run, answers are combined, totals are the plan', async () => {
  const { created, seen } = environment(async (_job, _signal, index) => answerWith([`a${index}`, 1000 + index]), blocks(3));
  const outcome = await search(created, call(matchAll), live);
  assert.ok(outcome.kind === 'answered');
  assert.deepEqual(traceIds(outcome.answer), ['a2', 'a1', 'a0']);
  assert.deepEqual(outcome.answer.metrics, {
    inspectedTraces: 15,
    inspectedBytes: 300,
    inspectedSpans: 0,
    totalBlocks: 3,
    completedJobs: 3,
    totalJobs: 3,
    totalBlockBytes: 3000,
  });
  assert.deepEqual(
    seen.map(({ job }) => job.tenant),
    [shop, shop, shop],
  );
});

test('the limit ends the search: the rest is aborted and no further job starts', async () => {
  const settings = config(['query_frontend.search.concurrent_jobs', 4]);
  const run: Run = (job, signal, index) => (index === 1 ? Promise.resolve(answerWith(['a', 1001], ['b', 1002])) : hang(job, signal, index));
  const { created, seen } = environment(run, blocks(50), settings);
  const outcome = await search(created, call(`${matchAll}&limit=2`), live);
  assert.ok(outcome.kind === 'answered');
  assert.equal(outcome.answer.traces.count, 2);
  assert.equal(outcome.answer.metrics.completedJobs, 1);
  assert.equal(outcome.answer.metrics.totalJobs, 50);
  assert.equal(seen.length, 4);
  assert.ok(seen.every(({ signal }) => signal.aborted));
});

test('no more jobs at once than concurrent_jobs', async () => {
  const settings = config(['query_frontend.search.concurrent_jobs', 7]);
  const run: Run = async () => {
    await systemClock.sleep(1);
    return answerWith();
  };
  const { created, seen, peak } = environment(run, blocks(60), settings);
  await search(created, call(matchAll), live);
  assert.equal(seen.length, 60);
  assert.equal(peak.running, 7);
});

test('most_recent goes on until nothing newer can come', async () => {
  const answers: readonly SearchAnswer[] = [answerWith(['d1', 1500]), answerWith(['e1', 2500]), answerWith(['c1', 1100])];
  const settings = config(['query_frontend.search.concurrent_jobs', 1]);
  const ends = [2900, 2800, 2000, 1900];
  const { created, seen } = environment(
    async (_job, _signal, index) => answers[index]!,
    list(...ends.map((endSeconds, index) => block(index, { endSeconds }))),
    settings,
  );
  const query = `q=${encodeURIComponent('{} with (most_recent=true)')}&limit=1`;
  const outcome = await search(created, call(query), live);
  assert.ok(outcome.kind === 'answered');
  assert.deepEqual(traceIds(outcome.answer), ['e1']);
  assert.equal(seen.length, 3, 'the block that ends at 2000 has to be searched, the next one not');
});

test('a job that fails with 5xx is tried again, as often as max_retries says', async () => {
  const fails: Run = async (_job, _signal, index) => {
    if (index < 2) throw new AppError('internal', `attempt ${index}`);
    return answerWith(['a', 1001]);
  };
  const three = environment(fails, blocks(1), config(['query_frontend.max_retries', 3]));
  assert.equal((await search(three.created, call(matchAll), live)).kind, 'answered');
  assert.deepEqual(three.retries, [2]);
  const two = environment(fails, blocks(1));
  assert.deepEqual(
    { ...(await search(two.created, call(matchAll), live)), request: undefined },
    {
      kind: 'jobFailed',
      request: undefined,
      status: 500,
      message: 'attempt 1',
    },
  );
  const none = environment(fails, blocks(1), config(['query_frontend.max_retries', 0]));
  await search(none.created, call(matchAll), live);
  assert.equal(none.seen.length, 1);
});

test('the first failing job ends the query with its text; what only a job can have got wrong is 500', async () => {
  const cases: readonly (readonly [AppError, number, number])[] = [
    [new AppError('bad_request', 'x'), 500, 1],
    [new AppError('not_found', 'x'), 500, 1],
    [new AppError('unprocessable', 'x'), 422, 1],
    [new AppError('too_many_requests', 'x'), 429, 1],
    [new AppError('unimplemented', 'x'), 501, 1],
    [new AppError('corrupt_block', 'x'), 500, 2],
    [new AppError('unavailable', 'x'), 503, 2],
    [new AppError('deadline_exceeded', 'x'), 504, 2],
  ];
  for (const [error, status, attempts] of cases) {
    const run: Run = (job, signal, index) => (job.request.block.blockId.endsWith('1') ? Promise.reject(error) : hang(job, signal, index));
    const { created, seen } = environment(run, blocks(3));
    const outcome = await search(created, call(matchAll), live);
    assert.ok(outcome.kind === 'jobFailed');
    assert.equal(outcome.status, status, error.code);
    assert.equal(seen.length, 2 + attempts, error.code);
    assert.ok(seen.every(({ signal }) => signal.aborted));
  }
});

test('a caller that goes away ends the search at once, even when jobs do not listen', async () => {
  const caller = new AbortController();
  const { created, seen } = environment(() => new Promise(() => {}), blocks(3));
  const running = search(created, call(matchAll), caller.signal);
  await systemClock.sleep(5);
  caller.abort();
  await assert.rejects(running, { code: 'cancelled' });
  assert.equal(seen.length, 3);
});

test('a bad query is refused before any job', async () => {
  const { created, seen } = environment(hang, blocks(3), config(['query_frontend.max_query_expression_size_bytes', 100]));
  const refused = (query: string, message: string) => assert.rejects(search(created, call(query), live), { code: 'bad_request', message });
  await refused('q=%7B', 'invalid TraceQL query: parse error at line 1, col 2: syntax error: unexpected $end');
  await refused(
    `q=${encodeURIComponent(`{ name = "${'x'.repeat(100)}" }`)}`,
    'TraceQL expression exceeds the configured maximum size of 100 bytes, reduce the query expression size or contact your system administrator',
  );
  await refused('limit=300000', 'limit 300000 exceeds max limit 262144');
  assert.equal(seen.length, 0);
});

test('a query that can match nothing makes no job; a tenant without blocks neither', async () => {
  const { created, seen } = environment(hang, blocks(3));
  assert.equal((await search(created, call('q=%7Bfalse%7D'), live)).kind, 'answered');
  const empty = environment(hang, list());
  assert.equal((await search(empty.created, call(matchAll), live)).kind, 'answered');
  assert.equal(seen.length + empty.seen.length, 0);
});

test('several tenants are searched together', async () => {
  const { created, seen } = environment(async () => answerWith(['a', 1001]), list(block(1)));
  const outcome = await search(created, call(matchAll, 'other', 'shop'), live);
  assert.ok(outcome.kind === 'answered');
  assert.deepEqual(traceIds(outcome.answer), ['a']);
  assert.deepEqual(
    seen.map(({ job }) => job.tenant),
    ['shop', 'other'],
  );
});

test('a thousand jobs at once raise no warning', async (t) => {
  const warnings: Error[] = [];
  const onWarning = (warning: Error) => warnings.push(warning);
  process.on('warning', onWarning);
  t.after(() => process.off('warning', onWarning));
  const { created, seen } = environment(async () => {
    await systemClock.sleep(1);
    return answerWith();
  }, blocks(1000));
  await search(created, call(matchAll), live);
  await systemClock.sleep(5);
  assert.equal(seen.length, 1000);
  assert.deepEqual(warnings, []);
});
