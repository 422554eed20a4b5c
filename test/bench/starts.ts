// `npm run bench:starts`: process start to ready of the bundled functions, beside bare Node and a variant with the AWS SDK, in one run.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { functionPrograms, pairedRatio, quantile, sdkProgram, timeStarts } from './start-times.ts';

const rounds = Number(process.argv[2] ?? 50);
const folder = mkdtempSync(join(tmpdir(), 'rubato-starts-'));
try {
  const times = await timeStarts([...(await functionPrograms(folder)), await sdkProgram(folder)], rounds);
  console.log(`${rounds} starts each, in turn; Node ${process.versions.node}\n`);
  console.log('| program | median ms | p99 ms | times bare Node |\n|---|---|---|---|');
  for (const each of times) {
    const [median, p99] = [quantile(each.ms, 0.5), quantile(each.ms, 0.99)];
    console.log(`| ${each.name} | ${median.toFixed(1)} | ${p99.toFixed(1)} | ${pairedRatio(times[0]!, each).toFixed(2)} |`);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
