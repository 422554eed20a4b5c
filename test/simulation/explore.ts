import type { WireJob } from '#engine/api/job-wire.ts';
import { createDispatcher } from '../../querier/dispatch/dispatcher.ts';
import { createJobQueue } from '../../querier/frontend/queue.ts';
import { runJobs } from '../../querier/frontend/run-jobs.ts';
import { createSimulatedClock } from './clock.ts';
import { createFunctions } from './functions.ts';
import { answered, simulatedJobs } from './jobs.ts';
import { createRandom, lognormal, percentile } from './random.ts';

const base = lognormal(5, 2);
function world(seed: number, stragglers: number, slow: number, policy: any, share = 0.08, burst = 10) {
  const clock = createSimulatedClock();
  const random = createRandom(seed);
  const counts: Record<string, number> = {};
  const control = { slow };
  const eps = Array.from({ length: 3 }, (_, i) => createFunctions({ clock, random, job: (_j, r) => base(r) * control.slow, faults: { stragglers }, answer: answered }));
  const dispatcher = createDispatcher({
    pools: [{ name: 'f', platform: 'lambda-arm64', memoryMb: 1769, stopsOnAbort: false, endpoints: eps.map((e, i) => ({ url: `f${i}`, invoke: e.invoke, maxJobsPerCall: () => 10 })) }],
    policy, budget: { share, burst }, maxInFlightPerEndpoint: 1000, maxJobsPerCall: 10, targetBytesPerCall: 100 << 20, throttleWaitMs: 500,
    clock, random, defer: (work) => void clock.after(0, work), onEvent: (e) => { counts[e.kind] = (counts[e.kind] ?? 0) + 1; },
  });
  const queue = createJobQueue({ concurrency: 1000, maxOutstandingPerTenant: 2000, monotonicMs: clock.monotonicMs, onLength() {}, onRefused() {}, onWaited() {} });
  const query = async (n: number) => {
    const at = clock.nowMs();
    const failure = await clock.runUntil(runJobs<WireJob, unknown>({ tenantLabel: 't', queue, jobs: simulatedJobs('{}', n), concurrency: 1000, maxRetries: 2, run: (job, signal) => dispatcher.send(job, { deadlineMs: clock.nowMs() + 30000 }, signal), onAnswer: () => false, onRetries() {} }, new AbortController().signal));
    if (failure) throw new Error(failure.message);
    return clock.nowMs() - at;
  };
  return { query, eps, counts, control, calls: () => eps.reduce((s, e) => s + e.log.calls, 0) };
}
const adaptive = { kind: 'adaptive', upTo: 4, atMostMs: 8000 };
const seeds = Number(process.argv[2] ?? 200);
for (const [name, str, slow, pol] of [['clean off', 0, 1, { kind: 'off' }], ['off', 0.05, 1, { kind: 'off' }], ['adaptive', 0.05, 1, adaptive], ['slow', 0, 10, adaptive], ['clean adaptive', 0, 1, adaptive]] as const) {
  const t0 = Date.now();
  const lat: number[] = []; let calls = 0;
  for (let s = 1; s <= seeds; s++) { const w = world(s, str, slow, pol); lat.push(await w.query(1000)); calls += w.calls(); }
  console.log(name, 'p50', percentile(lat, .5).toFixed(1), 'p99', percentile(lat, .99).toFixed(1), 'max', Math.max(...lat).toFixed(1), 'calls', (calls / seeds / 1000).toFixed(4), (Date.now() - t0) + 'ms');
}
{
  const w = world(7, 0.05, 1, adaptive);
  for (let i = 0; i < 5; i++) await w.query(1000);
  const c0 = w.calls(); w.control.slow = 10; for (let i = 0; i < 5; i++) await w.query(1000);
  console.log('warm then slow', (w.calls() - c0) / 5000);
}
for (const n of [20000]) {
  const w = world(3, 0.05, 1, adaptive); const lat: number[] = [];
  for (let i = 0; i < n; i++) lat.push(await w.query(1));
  console.log('single p50', percentile(lat, .5).toFixed(1), 'p99', percentile(lat, .99).toFixed(2), 'p999', percentile(lat, .999).toFixed(1), 'calls', (w.calls() / n).toFixed(4), w.counts);
  const c0 = w.calls(); w.control.slow = 10; for (let i = 0; i < 5000; i++) await w.query(1);
  console.log('single slow', (w.calls() - c0) / 5000);
}
