// npm run bench:overload: ten tenants, one of which sends 50 times its share. The frontend is real; stub queriers take 100 ms for each message, so that the machine does not
// decide. Told: how long the calm tenants wait with and without the loud one, what the loud one gets, and the frontend's memory.
import { Agent, request } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { freePorts, startFrontend } from '../../infra/local/separate.ts';
import { localStorage } from '../../infra/local/server.ts';
import { connectRaw, encodeAnswer, message, openRawStream } from '../integration/worker/raw-peer.ts';
import { writeWideBucket } from '../integration/worker/wide-bucket.ts';
import { residentMiB } from '../soak/fleet.ts';

const calmTenants = Array.from({ length: 9 }, (_, index) => `calm-${index + 1}`);
const loudTenant = 'loud';
const jobsPerQuery = 7;
const everyMs = 1000;
const loudFactor = 50;
const streams = 4;
const serviceMs = 100;
const secondsEach = Number(process.argv[2] ?? 12);
const rounds = 4;
const maxOutstanding = 200;

const answer = encodeAnswer({ status: 200, contentType: 'application/json', body: '{"metrics":{"inspectedTraces":1}}' });

async function serve(stream: ReturnType<typeof openRawStream>): Promise<void> {
  await stream.next();
  stream.greet('stub', 1n);
  for (;;) {
    const { type, requests } = await stream.next();
    // A querier drops its jobs when the stream ends.
    await Promise.race([delay(serviceMs), stream.ended]);
    stream.send(message(...requests.map(() => [type === 2n ? 4 : 1, answer] as const)));
  }
}

interface Tally {
  readonly durationsMs: number[];
  readonly statuses: Map<number, number>;
}

const query = 'q=%7B%7D&start=1768044600&end=1768050000';

/** Connections are kept: what is measured is the queue, not the handshake. */
const agent = new Agent({ keepAlive: true });

function get(url: string, tenant: string): Promise<number> {
  return new Promise((resolve) => {
    const call = request(url, { agent, headers: { 'X-Scope-OrgID': tenant } }, (response) => {
      response.resume();
      response.on('end', () => resolve(response.statusCode ?? 0));
    });
    call.on('error', () => resolve(0));
    call.end();
  });
}

async function ask(url: string, tenant: string, tally: Tally): Promise<void> {
  const startedMs = performance.now();
  const status = await get(`${url}/api/search?${query}`, tenant);
  tally.durationsMs.push(performance.now() - startedMs);
  tally.statuses.set(status, (tally.statuses.get(status) ?? 0) + 1);
}

/** Sends at a constant rate, whether or not answers come. */
async function load(url: string, tenant: string, intervalMs: number, tally: Tally, untilMs: number): Promise<void> {
  const asked: Promise<void>[] = [];
  for (let next = performance.now(); next < untilMs; next += intervalMs) {
    await delay(Math.max(0, next - performance.now()));
    asked.push(ask(url, tenant, tally));
  }
  await Promise.all(asked);
}

function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0);
}

async function phase(url: string, calm: Tally, loud?: Tally): Promise<void> {
  const untilMs = performance.now() + secondsEach * 1000;
  const work = calmTenants.map(async (tenant, index) => {
    await delay((index * everyMs) / calmTenants.length);
    await load(url, tenant, everyMs, calm, untilMs);
  });
  if (loud !== undefined) work.push(load(url, loudTenant, everyMs / loudFactor, loud, untilMs));
  await Promise.all(work);
}

function tell(name: string, { durationsMs, statuses }: Tally): void {
  const [p50, p90, p99] = [0.5, 0.9, 0.99].map((share) => quantile(durationsMs, share));
  const answers = [...statuses].map(([status, count]) => `${count} × ${status}`).join(', ');
  console.log(`${name}: ${durationsMs.length} queries (${answers}), p50 ${p50} ms, p90 ${p90} ms, p99 ${p99} ms`);
}

const empty = (): Tally => ({ durationsMs: [], statuses: new Map() });
const bucket = writeWideBucket([...calmTenants, loudTenant], jobsPerQuery);
const frontend = await startFrontend(
  'frontend',
  { storage: localStorage(bucket.path), multitenancy: true },
  await freePorts(),
  (config) => {
    config.query_frontend = { ...config.query_frontend, max_outstanding_per_tenant: maxOutstanding };
  },
);
const session = await connectRaw(frontend.grpcPort);
/** A stream that ends, since nobody waits for its jobs any more, is opened again. */
async function keepServing(): Promise<void> {
  while (!session.destroyed) await serve(openRawStream(session, undefined)).catch(() => {});
}
for (let index = 0; index < streams; index++) void keepServing();
const unit = { name: 'frontend', kind: 'frontend', ports: { http: 0, grpc: 0 }, process: frontend, ready: true, life: 1 } as const;
try {
  while ((await fetch(`${frontend.url}/ready`)).status !== 200);
  await phase(frontend.url, empty(), empty());
  const [calm, disturbed, loud] = [empty(), empty(), empty()];
  const before = residentMiB(unit);
  // In turns, so that other work on the machine disturbs both alike.
  for (let round = 0; round < rounds; round++) {
    await phase(frontend.url, calm);
    await phase(frontend.url, disturbed, loud);
  }
  tell('calm tenants alone', calm);
  tell('calm tenants beside the loud one', disturbed);
  tell('the loud one', loud);
  console.log(`p99 of the calm tenants: ${(quantile(disturbed.durationsMs, 0.99) / quantile(calm.durationsMs, 0.99)).toFixed(2)} times`);
  console.log(`memory of the frontend: ${Math.round(before)} MiB before, ${Math.round(residentMiB(unit))} MiB after`);
} finally {
  agent.destroy();
  session.destroy();
  await frontend.stop();
  bucket.remove();
}
