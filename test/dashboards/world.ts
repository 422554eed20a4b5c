import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, request as forward } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { startSeparate } from '../../infra/local/separate.ts';
import { startS3Server } from '../integration/backend/s3-server.ts';

const blocks = join(import.meta.dirname, '../fixtures/blocks');
const credentials = { accessKey: 'test', secretKey: 'secret', region: 'us-east-1' };
const range = { start: '1768046400', end: '1768050000' };
const tenant = 'rowgroups';

/** A query-frontend and a querier over blocks in S3 with functions that are slow, throttle, and are not there. */
export interface World {
  /** Of the query-frontend and the querier. */
  readonly urls: readonly string[];
  /** Sends one query of each kind; the client of the last one leaves. Gives the statuses. */
  readonly ask: () => Promise<readonly number[]>;
  /** Functions refuse every call from now on, or no longer. */
  readonly refuse: (all: boolean) => void;
  /** Puts a new process in the place of a function, as platforms do; the other one refuses calls, so that no hedge answers before the cold start. */
  readonly restart: () => Promise<void>;
  readonly stop: () => Promise<void>;
}

/** What stands between a querier and a function: one of eight calls waits, one of five is refused, or all are. */
interface Unruly {
  readonly url: string;
  refuseAll: boolean;
  readonly close: () => void;
}

async function startUnruly(target: () => string): Promise<Unruly> {
  let calls = 0;
  const server = createServer((incoming, outgoing) => {
    const call = calls++;
    if (unruly.refuseAll || call % 5 === 4) {
      incoming.resume();
      outgoing.writeHead(429, { 'retry-after': '1' }).end('too many calls');
      return;
    }
    const pass = () => {
      const { hostname, port } = new URL(target());
      const { method, url, headers } = incoming;
      const onward = forward({ host: hostname, port, method, path: url, headers }, (answer) => {
        outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(outgoing);
      });
      onward.on('error', () => outgoing.destroy());
      outgoing.on('close', () => onward.destroy());
      incoming.pipe(onward);
    };
    if (call % 8 === 7) setTimeout(pass, 600);
    else pass();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const close = () => {
    server.closeAllConnections();
    server.close();
  };
  const unruly: Unruly = { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, refuseAll: false, close };
  return unruly;
}

function storage(endpoint: string) {
  const s3 = {
    bucket: 'tempo',
    endpoint,
    insecure: true,
    forcepathstyle: true,
    region: credentials.region,
    access_key: credentials.accessKey,
    secret_key: credentials.secretKey,
  };
  return { backend: 's3', s3 };
}

function functionEnvironment(endpoint: string): Readonly<Record<string, string>> {
  return {
    TEMPO_BACKEND: 's3',
    TEMPO_S3_BUCKET: 'tempo',
    TEMPO_S3_ENDPOINT: endpoint,
    TEMPO_S3_INSECURE: 'true',
    TEMPO_S3_FORCEPATHSTYLE: 'true',
    TEMPO_S3_REGION: credentials.region,
    TEMPO_S3_ACCESS_KEY: credentials.accessKey,
    TEMPO_S3_SECRET_KEY: credentials.secretKey,
  };
}

/** A function that nobody has called yet, so that the querier's first call finds it cold. */
async function startUncalled(
  environment: Readonly<Record<string, string>>,
): Promise<{ readonly url: string; readonly stop: () => Promise<unknown> }> {
  const script = join(import.meta.dirname, '../../functions/cloudrun.ts');
  const child = spawn(process.execPath, [script, '--port', '0'], {
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  const ended = once(child, 'exit');
  const stop = () => {
    child.kill('SIGTERM');
    return ended;
  };
  return { url: `http://127.0.0.1:${/:(\d+)\s*$/.exec(line.toString())![1]}`, stop };
}

/** Starts everything. */
export async function startWorld(): Promise<World> {
  const s3 = await startS3Server({ ...credentials, root: blocks, bucket: 'tempo', pageSize: 1000 });
  const start = () => startUncalled(functionEnvironment(s3.endpoint));
  const functions = await Promise.all([start(), start()]);
  const fronts = await Promise.all([0, 1].map((i) => startUnruly(() => functions[i]!.url)));
  const nobody = 'http://127.0.0.1:9';
  const pool = { name: 'unruly', platform: 'lambda-arm64', memory_mb: 1769, endpoints: [...fronts.map(({ url }) => url), nobody] };
  const external = { hedging: 'adaptive', throttle_wait: '50ms', pools: [pool] };
  // Few jobs at a time, so that some of them wait in the queue.
  const options = {
    storage: storage(s3.endpoint),
    multitenancy: true,
    targetBytesPerJob: 1,
    preferSelf: 2,
    maxConcurrentQueries: 4,
    external,
  };
  const system = await startSeparate(options, 1);
  const refuse = (all: boolean) => {
    for (const front of fronts) front.refuseAll = all;
  };
  const restart = async () => {
    const [old] = functions;
    functions[0] = await start();
    await old!.stop();
    fronts[1]!.refuseAll = true;
  };
  const stop = async () => {
    await system.stop();
    await Promise.all(functions.map((each) => each.stop()));
    for (const front of fronts) front.close();
    await s3.close();
  };
  return { urls: [system.url, ...system.queriers.map(({ url }) => url)], ask: () => ask(system.url), refuse, restart, stop };
}

const queries: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  '/api/search': { q: '{ duration > 1ms }', limit: '1000' },
  '/api/search/tags': {},
  '/api/v2/search/tag/resource.service.name/values': { q: '{ }' },
  '/api/metrics/query_range': { q: '{ } | rate()', step: '60s' },
  '/api/traces/00000000000000000000000000000001': {},
};

async function ask(url: string): Promise<readonly number[]> {
  const headers = { 'X-Scope-OrgID': tenant };
  const statuses: number[] = [];
  for (const [path, parameters] of Object.entries(queries)) {
    const response = await fetch(`${url}${path}?${new URLSearchParams({ ...range, ...parameters })}`, { headers });
    await response.arrayBuffer();
    statuses.push(response.status);
  }
  const gone = new AbortController();
  const left = fetch(`${url}/api/search?${new URLSearchParams({ ...range, q: '{ duration > 2ms }', limit: '1000' })}`, {
    headers,
    signal: gone.signal,
  });
  await delay(5);
  gone.abort();
  await left.catch(() => undefined);
  return statuses;
}
