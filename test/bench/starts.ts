// `npm run bench:starts`: process start to ready of the bundled functions, beside bare Node, the first search and a variant with the AWS SDK, in one run.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { firstSearchProgram, functionPrograms, pairedRatio, quantile, sdkProgram, startBucket, timeStarts } from './start-times.ts';

const rounds = Number(process.argv[2] ?? 50);
const folder = mkdtempSync(join(tmpdir(), 'rubato-starts-'));
const s3 = await startBucket();
try {
  const functions = await functionPrograms(folder);
  const times = await timeStarts([...functions, firstSearchProgram(folder, s3.endpoint), await sdkProgram(folder)], rounds);
  console.log(`${rounds} starts each, in turn; Node ${process.versions.node}\n`);
  console.log('| program | median ms | p99 ms | times bare Node |\n|---|---|---|---|');
  for (const each of times) {
    const [median, p99] = [quantile(each.ms, 0.5), quantile(each.ms, 0.99)];
    console.log(`| ${each.name} | ${median.toFixed(1)} | ${p99.toFixed(1)} | ${pairedRatio(times[0]!, each).toFixed(2)} |`);
  }
} finally {
  await s3.close();
  rmSync(folder, { recursive: true, force: true });
}
