import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { typedConfig } from '../../../querier/config/config.ts';
import { typedLimits } from '../../../querier/config/limits.ts';
import { defaultValues } from '../../../querier/config/load.ts';
import { capProblem, capRunners } from '../../../querier/cost/caps.ts';
import { costFields, createLedger, currentLedger, parseCost, printCost, withLedger } from '../../../querier/cost/ledger.ts';
import { previewCost } from '../../../querier/cost/preview.ts';
import { addTotals, type CallTotals, noCalls, priceCall, totalNames } from '../../../querier/cost/prices.ts';
import { createSpending } from '../../../querier/cost/spending.ts';
import type { CallRecord } from '../../../querier/dispatch/state.ts';
import type { Platform } from '../../../querier/external/pool.ts';
import type { Job } from '../../../querier/worker/job.ts';
import type { Runners } from '../../../querier/worker/runners.ts';
import { createVirtualClock } from '../base/virtual-clock.ts';
import { answerWith } from '../querier/answers.ts';
import { block, shop } from '../querier/blocks.ts';

const { prices } = typedConfig(new Map(defaultValues())).spill;

function call(platform: Platform, more: Partial<CallRecord> = {}): CallRecord {
  const pool = { name: 'p', endpoints: [], platform, memoryMb: undefined, stopsOnAbort: true };
  const cost = { requests: 1, billedMs: 1000, memoryMb: 2048, coldStart: true };
  return {
    ...{ pool, endpoint: 'e', tenant: 't', jobs: 1, hedged: false, end: 'answered', reason: undefined, durationMs: 1200, cost },
    ...{ bytesRead: 5, gets: 3, wastedMs: 0 },
    ...more,
  };
}

function near(actual: number, expected: number): void {
  assert.ok(Math.abs(actual - expected) < 1e-12, `${actual} is not ${expected}`);
}

test('a call costs what the platform charges for it', () => {
  const arm = priceCall(call('lambda-arm64'), prices);
  near(arm.dollars, 2 * 0.0000133334 + 0.0000002 + 3 * 0.0000004);
  assert.deepEqual([arm.calls, arm.coldStarts, arm.gbSeconds, arm.gets, arm.bytesRead], [1, 1, 2, 3, 5]);
  near(priceCall(call('lambda-x86'), prices).dollars, 2 * 0.0000166667 + 0.0000002 + 3 * 0.0000004);
  near(priceCall(call('cloudrun'), prices).dollars, 2 * 0.0000025 + 0.000024 + 0.0000004 + 3 * 0.0000004);
  near(priceCall(call('none'), prices).dollars, 3 * 0.0000004);
});

test('calls without an answer cost until their estimated end; those that never arrived bill no time', () => {
  const lost = priceCall(
    call('lambda-arm64', { cost: undefined, end: 'lost', durationMs: 100, wastedMs: 50, gets: 0, hedged: true }),
    prices,
  );
  assert.deepEqual([lost.billedMs, lost.wastedMs, lost.cancelled, lost.hedges, lost.hedgeWins], [150, 50, 1, 1, 0]);
  const refused = priceCall(call('lambda-arm64', { cost: undefined, end: 'failed', reason: 'throttled', gets: 0 }), prices);
  assert.deepEqual([refused.billedMs, refused.failed], [0, 1]);
  const won = priceCall(call('lambda-arm64', { hedged: true }), prices);
  assert.equal(won.hedgeWins, 1);
});

const amounts = fc.tuple(...totalNames.map(() => fc.integer({ min: 0, max: 1_000_000 })));
const totals = amounts.map((values) => Object.fromEntries(totalNames.map((name, index) => [name, values[index]])) as unknown as CallTotals);

test('costs travel in a header and add up', () => {
  fc.assert(
    fc.property(totals, totals, (a, b) => {
      assert.deepEqual(parseCost(printCost(a)), a);
      assert.deepEqual(addTotals(a, b), addTotals(b, a));
    }),
  );
  fc.assert(fc.property(fc.string(), (text) => void parseCost(text)));
  assert.equal(costFields({ ...noCalls, dollars: 1e-7 / 3 }).usd, 3.3e-8);
  assert.deepEqual(parseCost('calls=-1; usd=NaN; calls'), noCalls);
});

test('a ledger counts for its query, however deep the call is made', async () => {
  const query = createLedger();
  await withLedger(query, async () => {
    await Promise.resolve();
    currentLedger()?.add({ ...noCalls, calls: 2 });
  });
  createLedger(query).add({ ...noCalls, calls: 3 });
  assert.equal(query.totals().calls, 5);
  assert.equal(currentLedger(), undefined);
});

test('spending is of the last hour', () => {
  const spending = createSpending();
  const minute = 60_000;
  spending.add('a', { bytes: 5, dollars: 1 }, 0);
  spending.add('a', { bytes: 7, dollars: 2 }, 30 * minute);
  assert.deepEqual(spending.lastHour('a', 59 * minute), { bytes: 12, dollars: 3 });
  assert.deepEqual(spending.lastHour('a', 60 * minute), { bytes: 7, dollars: 2 });
  assert.deepEqual(spending.lastHour('b', 60 * minute), { bytes: 0, dollars: 0 });
  assert.deepEqual(spending.lastHour('a', 1000 * minute), { bytes: 0, dollars: 0 });
});

const noCaps = typedLimits(new Map(), '');

test('caps say which limit is reached and what to do', () => {
  const none = { bytes: 0, dollars: 0 };
  const much = { bytes: 3e9, dollars: 0.5 };
  assert.equal(capProblem(noCaps, much, much), undefined);
  const problem = (caps: object, query = none, hour = none) => {
    const error = capProblem({ ...noCaps, ...caps }, query, hour);
    return error && [error.code, error.message];
  };
  assert.deepEqual(problem({ maxBytesPerQuery: 2e9 }, much), [
    'unprocessable',
    'the query covers more than 2.00 GB of blocks (read.max_bytes_per_query): narrow the time range, or raise the limit',
  ]);
  assert.deepEqual(problem({ maxDollarsPerQuery: 0.1 }, much), [
    'unprocessable',
    'the query has cost $0.500 so far, the limit is $0.100 (read.max_cost_per_query): narrow the time range, or raise the limit',
  ]);
  assert.equal(problem({ maxBytesPerHour: 2e9 }, none, much)?.[0], 'too_many_requests');
  assert.match(problem({ maxDollarsPerHour: 0.1 }, none, much)?.[1] ?? '', /^the tenant's queries of the last hour have cost \$0\.500/);
  assert.equal(problem({ maxBytesPerQuery: 3e9, maxDollarsPerQuery: 0.6 }, much), undefined);
});

test('caps count the jobs of a query by its signal, and what they cost', async () => {
  const { sizeBytes, footerBytes, totalRecords, ...rest } = block(1, { sizeBytes: 100 });
  const part = { ...rest, sizeBytes, footerBytes, totalRecords, startPage: 0, pagesToSearch: totalRecords };
  const job = { tenant: shop, format: 'json', request: { block: part } } as unknown as Job;
  const search = async () => {
    currentLedger()!.add({ ...noCalls, calls: 1, dollars: 0.01 });
    return answerWith();
  };
  const capped = (caps: object) =>
    capRunners({ search } as unknown as Runners, () => ({ ...noCaps, ...caps }), createSpending(), createVirtualClock());
  const signal = () => new AbortController().signal;
  const bytes = capped({ maxBytesPerQuery: 250 });
  const query = signal();
  await bytes.search(job, query);
  await bytes.search(job, query);
  await assert.rejects(bytes.search(job, query), { code: 'unprocessable' });
  await bytes.search(job, signal());
  const hour = capped({ maxDollarsPerHour: 0.02 });
  await hour.search(job, signal());
  await hour.search(job, signal());
  await assert.rejects(hour.search(job, signal()), { code: 'too_many_requests' });
  const cost = capped({ maxDollarsPerQuery: 0.01 });
  const dear = signal();
  await withLedger(createLedger(), () => cost.search(job, dear));
  await assert.rejects(cost.search(job, dear), { code: 'unprocessable' });
});

test('what a plan would cost, with what is assumed', () => {
  const limits = { maxJobsPerCall: 10, targetBytesPerCall: 100 << 20 };
  const pool = { name: 'p', platform: 'lambda-arm64', memoryMb: 1769 } as const;
  assert.equal(previewCost({ totalJobs: 1, totalBlockBytes: 1 }, undefined, prices, limits), undefined);
  const terabyte = previewCost({ totalJobs: 10_000, totalBlockBytes: 1e12 }, pool, prices, limits)!;
  assert.deepEqual([terabyte.calls, terabyte.gets], [10_000, 60_000]);
  assert.ok(terabyte.usd > 0.09 && terabyte.usd < 0.11, `$${terabyte.usd} per TB`);
  assert.equal(previewCost({ totalJobs: 100, totalBlockBytes: 1e6 }, pool, prices, limits)!.calls, 10, 'small jobs share calls');
});
