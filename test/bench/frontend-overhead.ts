// CPU of a query-frontend for each job: a search of 32,000 jobs, all answered at once by a stub querier over the real worker protocol (npm run bench:frontend).
import { freePorts, startFrontend } from '../../infra/local/separate.ts';
import { localStorage } from '../../infra/local/server.ts';
import { connectRaw, encodeAnswer, message, openRawStream } from '../integration/worker/raw-peer.ts';
import { writeWideBucket } from '../integration/worker/wide-bucket.ts';
import { cpuBetweenMs, cpuSnapshot } from './process-cpu.ts';

const jobs = 32_000;
const streams = 20;
const rounds = 5;
const tenant = 'bench';

const answer = encodeAnswer({
  status: 200,
  contentType: 'application/json',
  body: '{"traces":[],"metrics":{"inspectedTraces":100,"inspectedBytes":"100000"}}',
});

async function serve(stream: ReturnType<typeof openRawStream>): Promise<void> {
  await stream.next();
  stream.greet('stub', 1n);
  for (;;) {
    const { type, requests } = await stream.next();
    stream.send(message(...requests.map(() => [type === 2n ? 4 : 1, answer] as const)));
  }
}

const bucket = writeWideBucket([tenant], jobs);
const frontend = await startFrontend('frontend', { storage: localStorage(bucket.path), multitenancy: true }, await freePorts());
const session = await connectRaw(frontend.grpcPort);
for (let index = 0; index < streams; index++) serve(openRawStream(session, undefined)).catch(() => {});
try {
  while ((await fetch(`${frontend.url}/ready`)).status !== 200);
  const url = `${frontend.url}/api/search?q=%7Bspan.http.status_code%3E400%7D&start=1768044600&end=1768050000`;
  for (let round = 1; round <= rounds; round++) {
    const before = cpuSnapshot(frontend.pid);
    const startedMs = performance.now();
    const response = await fetch(url, { headers: { 'X-Scope-OrgID': tenant } });
    const { metrics } = (await response.json()) as { readonly metrics: { readonly completedJobs: number } };
    const spentMs = cpuBetweenMs(before, cpuSnapshot(frontend.pid));
    if (response.status !== 200 || metrics.completedJobs !== jobs) throw new Error(`${response.status}: ${metrics.completedJobs} jobs`);
    const perJob = ((spentMs * 1000) / jobs).toFixed(1);
    console.log(`round ${round}: ${jobs} jobs, ${perJob} µs of CPU each, ${Math.round(performance.now() - startedMs)} ms in all`);
  }
} finally {
  session.destroy();
  await frontend.stop();
  bucket.remove();
}
