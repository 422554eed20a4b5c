import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runCases } from './run-cases.ts';

const cases = 3_000;
const maxMemoryMb = 900;

test('a damaged block gives an error or the right answer, never a crash or a hang', async () => {
  const { codes, problems } = await runCases(0, cases);
  console.log(`${cases} damaged blocks: ${JSON.stringify(codes)}`);
  assert.equal(
    problems.length,
    0,
    `${problems.length} of ${cases} cases, repeat with npm run fuzz:blocks -- --from SEED:\n${problems.slice(0, 10).join('\n')}`,
  );
  assert.ok((codes.corrupt_block ?? 0) > cases / 4, 'damage is found');
  assert.ok((codes.answer ?? 0) > cases / 20, 'some damage does not touch what a query reads');
  const peakMb = process.resourceUsage().maxRSS / 1024;
  assert.ok(peakMb < maxMemoryMb, `memory rose to ${Math.round(peakMb)} MB`);
});
