import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SearchExplanation } from '../../../querier/frontend/explain.ts';
import { startTestApp } from './start.ts';

// Goal: /api/explain says what the search of the same parameters reads; the search itself stays as it is.
// Method: real blocks over HTTP; with run=true the cost is compared with what the jobs of /api/search report.

const range = '&start=1768046400&end=1768050000';
const tenant = { 'X-Scope-OrgID': 'rowgroups' };
const path = (query: string, more: string) => `/api/explain?q=${encodeURIComponent(query)}${range}${more}`;

test('the plan of a search, without and with a run', async (t) => {
  const { get } = await startTestApp(t);
  const query = '{ resource.service.name = "nobody" }';
  const plan = JSON.parse((await get(path(query, ''), tenant)).body.toString()) as SearchExplanation;
  assert.deepEqual(
    [plan.query, plan.start, plan.end, plan.limit, plan.totalBlocks, plan.moreBlocks, plan.actual],
    [query, 1768046400, 1768050000, 20, 2, 0, undefined],
  );
  assert.ok(plan.blocks.every(({ jobs }) => jobs.every(({ actual, rowGroups }) => actual === undefined && rowGroups.length > 1)));

  const answer = await get(path(query, '&run=true&blocks=1'), tenant);
  assert.equal(answer.headers['content-type'], 'application/json');
  const run = JSON.parse(answer.body.toString()) as SearchExplanation;
  assert.deepEqual([run.blocks.length, run.moreBlocks, run.actual?.traces, run.actual?.jobs], [1, 1, 0, plan.totalJobs]);
  const [block] = run.blocks;
  assert.deepEqual(block?.firstPass, plan.blocks[0]?.firstPass);
  const groups = block?.jobs.flatMap(({ rowGroups }) => rowGroups) ?? [];
  const first = groups[0]?.actual;
  assert.equal(first?.outcome, 'ruledOut');
  assert.equal(first?.failedTests[0]?.test, 'resource.service.name = "nobody"');
  assert.equal(first?.failedTests[0]?.noHits[0]?.column, 'rs.Resource.ServiceName');
  for (const { actual, firstPass, secondPass } of groups) {
    assert.ok(actual !== undefined && actual.bytes <= firstPass.bytes + secondPass.bytes, 'no more than expected');
  }
});

test('a run reads what the search reads, and finds what it finds', async (t) => {
  const { get } = await startTestApp(t);
  const query = '{ status = error && duration > 10ms } | select(resource.host.name)';
  const run = JSON.parse((await get(path(query, '&run=true&limit=1000'), tenant)).body.toString()) as SearchExplanation;
  const { get: searchAlone } = await startTestApp(t);
  const search = (await searchAlone(path(query, '&limit=1000').replace('explain', 'search'), tenant)).body.toString();
  const { traces, metrics } = JSON.parse(search) as { traces: unknown[]; metrics: { inspectedBytes: string } };
  assert.ok(traces.length > 0);
  assert.equal(run.actual?.traces, traces.length);
  const jobs = run.blocks.flatMap((block) => block.jobs);
  const footers = jobs.reduce((sum, { actual }) => sum + (actual?.footer.bytes ?? 0), 0);
  assert.equal((run.actual?.bytes ?? 0) - footers, Number(metrics.inspectedBytes));
});

test('errors: bad options, bad queries, no tenant; nothing but the explanation is added', async (t) => {
  const { get } = await startTestApp(t);
  const cases = [
    [path('{}', '&run=maybe'), 400, 'invalid run: must be true or false'],
    [path('{}', '&blocks=0'), 400, 'invalid blocks: must be a number from 1 to 100'],
    [path('{', ''), 400, 'invalid TraceQL query: parse error at line 1, col 2: syntax error: unexpected $end'],
    [path('{}', '&limit=0'), 400, 'invalid limit: must be a positive number'],
  ] as const;
  for (const [target, status, text] of cases) {
    const answer = await get(target, tenant);
    assert.deepEqual([answer.status, answer.body.toString()], [status, text]);
  }
  assert.equal((await get(path('{}', ''))).status, 401);
  const never = JSON.parse((await get(path('{ false }', ''), tenant)).body.toString()) as SearchExplanation;
  assert.deepEqual([never.totalBlocks, never.blocks], [0, []]);
});
