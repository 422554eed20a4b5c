// Requests that a 2.7.2 querier sends to a search function.
import { after, before, describe, test } from 'node:test';
import type { LocalProcess } from '../../infra/local/processes.ts';
import { localFunctionEnvironment, startFunction } from '../../infra/local/server.ts';
import { recordedBlocks } from './cases.ts';
import { assertConformance } from './report.ts';
import { functionRequests } from './selection.ts';
import { runCases } from './send.ts';

describe('a function, local blocks', () => {
  let searchFunction: LocalProcess;
  before(async () => {
    searchFunction = await startFunction('function', localFunctionEnvironment(recordedBlocks));
  });
  after(() => searchFunction?.stop());

  test('requests of a 2.7.2 querier', async () =>
    assertConformance('serverless', await runCases(searchFunction.url, functionRequests()), 104));
});
