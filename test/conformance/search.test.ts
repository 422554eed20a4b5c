// Recorded searches against one process that does everything itself.
import { after, before, describe, test } from 'node:test';
import type { LocalProcess } from '../../infra/local/processes.ts';
import { localStorage, startServer } from '../../infra/local/server.ts';
import { type RecordedCase, recordedBlocks } from './cases.ts';
import { assertConformance } from './report.ts';
import { searchErrors, searches, searchesOfVParquet2, statusRequests, tagSearches } from './selection.ts';
import { runCases } from './send.ts';

describe('one process, local blocks', () => {
  let server: LocalProcess;
  before(async () => {
    server = await startServer({ storage: localStorage(recordedBlocks), multitenancy: true });
  });
  after(() => server?.stop());

  const check = async (group: string, cases: readonly RecordedCase[], minimum: number): Promise<void> =>
    assertConformance(group, await runCases(server.url, cases), minimum);
  test('TraceQL searches', () => check('search-traceql', searches(), 985));
  test('TraceQL searches over vParquet2', () => check('search-traceql-2.7.2', searchesOfVParquet2(), 305));
  test('tag searches', () => check('search-tags-legacy', tagSearches(), 78));
  test('errors', () => check('search-errors', searchErrors(), 225));
  test('status', () => check('status', statusRequests(), 6));
});
