// What a process sees that reads tenant indexes: good, stale, damaged and missing ones, under other settings of the poller.
import { describe, test } from 'node:test';
import { localStorage, startServer } from '../../infra/local/server.ts';
import { recordedBlocks } from './cases.ts';
import { assertConformance } from './report.ts';
import { tenantIndexSearches } from './selection.ts';
import { runCases } from './send.ts';

describe('tenant indexes', () => {
  for (const [settings, cases] of tenantIndexSearches()) {
    test(settings, async (t) => {
      const storage = { ...localStorage(recordedBlocks), ...(JSON.parse(settings) as Readonly<Record<string, unknown>>) };
      const server = await startServer({ storage, multitenancy: true });
      t.after(() => server.stop());
      assertConformance(`index ${settings}`, await runCases(server.url, cases), 3);
    });
  }
});
