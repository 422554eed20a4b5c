// npm run fuzz:blocks [-- --from SEED] [--count N]     damages many blocks; one case is repeated with its seed and --count 1
import { parseArgs } from 'node:util';
import { runCases } from './run-cases.ts';

const { values } = parseArgs({ options: { from: { type: 'string', default: '100000' }, count: { type: 'string', default: '20000' } } });
const from = Number(values.from);
const count = Number(values.count);
const perWorker = 2_000;

let failed = 0;
for (let start = from; start < from + count; start += perWorker) {
  const end = Math.min(start + perWorker, from + count);
  const { codes, problems } = await runCases(start, end);
  for (const problem of problems) console.log(problem);
  failed += problems.length;
  console.log(`seeds ${start} to ${end - 1}: ${JSON.stringify(codes)}, ${problems.length} problems`);
}
process.exitCode = failed === 0 ? 0 : 1;
