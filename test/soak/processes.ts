// npm run soak:processes [seconds] [seed]: two frontends and three queriers under load; every 5 s one process is killed and another one restarted.
import { localStorage } from '../../infra/local/server.ts';
import { recordedBlocks } from '../conformance/cases.ts';
import { createRandom } from '../simulation/random.ts';
import { soak } from './soak.ts';

const seconds = Number(process.argv[2] ?? 600);
const seed = Number(process.argv[3] ?? Math.floor(Math.random() * 2 ** 31));
console.log(`seed ${seed}, ${seconds} s`);
const startedMs = performance.now();
const result = await soak({
  server: { storage: localStorage(recordedBlocks), multitenancy: true },
  seconds,
  frontends: 2,
  queriers: 3,
  clients: 6,
  disturbEveryMs: 5000,
  random: createRandom(seed),
  log: (line) => console.log(`${Math.round((performance.now() - startedMs) / 1000)} s: ${line}`),
});
console.log(JSON.stringify({ ...result, wrong: result.wrong.length, failed: result.failed.length }, undefined, 2));
for (const line of [...result.wrong.slice(0, 10), ...result.failed.slice(0, 10)]) console.log(line);
process.exitCode = result.wrong.length + result.failed.length > 0 ? 1 : 0;
