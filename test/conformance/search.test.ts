// Recorded searches against one process that does everything itself.
import { after, before, describe, test } from 'node:test';
import type { LocalProcess } from '../../infra/local/processes.ts';
import { localStorage, startServer } from '../../infra/local/server.ts';
import { recordedBlocks } from './cases.ts';
import { assertConformance } from './report.ts';
import { plainSearches, plainSearchesOfVParquet2, searchErrors, statusRequests } from './selection.ts';
import { runCases } from './send.ts';

describe('one process, local blocks', () => {
  let server: LocalProcess;
  before(async () => {
    server = await startServer({ storage: localStorage(recordedBlocks), multitenancy: true });
  });
  after(() => server?.stop());

  test('searches by filters', async () => assertConformance('search-traceql', await runCases(server.url, plainSearches()), 780));
  test('searches by filters over vParquet2', async () =>
    assertConformance('search-traceql-2.7.2', await runCases(server.url, plainSearchesOfVParquet2()), 270));
  test('errors', async () => assertConformance('search-errors', await runCases(server.url, searchErrors()), 190));
  test('status', async () => assertConformance('status', await runCases(server.url, statusRequests()), 6));
});
