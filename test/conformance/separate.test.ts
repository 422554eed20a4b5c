// Recorded answers again, from a query-frontend and two queriers as processes of their own: every fourth case of each group.
import { after, before, describe, test } from 'node:test';
import { type SeparateSystem, startSeparate } from '../../infra/local/separate.ts';
import { localStorage } from '../../infra/local/server.ts';
import { loadCases, type RecordedCase, recordedBlocks } from './cases.ts';
import { compareLookup } from './compare-lookups.ts';
import { compareMetrics } from './compare-metrics.ts';
import { assertConformance } from './report.ts';
import { searchErrors, searches, tagSearches } from './selection.ts';
import { runCases } from './send.ts';

const share = 4;

function some(cases: readonly RecordedCase[]): readonly RecordedCase[] {
  return cases.filter((_, index) => index % share === 0);
}

function lookups(group: string): readonly RecordedCase[] {
  return some(loadCases(group).filter(({ tempo, nondeterministic }) => nondeterministic === undefined && tempo === '3.0.3'));
}

describe('a query-frontend and two queriers', () => {
  let system: SeparateSystem;
  before(async () => {
    system = await startSeparate({ storage: localStorage(recordedBlocks), multitenancy: true }, 2);
  });
  after(() => system?.stop());

  test('TraceQL searches', async () => {
    assertConformance('search-traceql, separate', await runCases(system.url, some(searches())), 240);
  });
  test('tag searches and errors', async () => {
    const cases = some([...tagSearches(), ...searchErrors()]);
    assertConformance('search-tags-legacy and search-errors, separate', await runCases(system.url, cases), 70);
  });
  for (const [group, minimum] of [
    ['trace-by-id', 60],
    ['tags', 35],
    ['tag-values', 75],
  ] as const) {
    test(group, async () => {
      assertConformance(`${group}, separate`, await runCases(system.url, lookups(group), compareLookup), minimum);
    });
  }
  for (const [group, minimum] of [
    ['metrics-range', 35],
    ['metrics-instant', 30],
  ] as const) {
    test(group, async () => {
      assertConformance(`${group}, separate`, await runCases(system.url, lookups(group), compareMetrics), minimum);
    });
  }
});
