// Functions that are killed in the middle of calls, over real processes and loopback: acceptance 3 of docs/spill-and-hedge.md.
import { setTimeout as delay } from 'node:timers/promises';
import { freePort, type LocalProcess, startProcess } from '../../../infra/local/processes.ts';
import { localFunctionEnvironment, localStorage, startServer } from '../../../infra/local/server.ts';
import { createRandom, percentile, type Random } from '../../simulation/random.ts';

/** What to do. */
export interface KillOptions {
  /** A folder with the blocks of `tenant`. */
  readonly blocks: string;
  readonly tenant: string;
  readonly seed: number;
  readonly queries: number;
  /** A function is killed that often, on average. */
  readonly killEveryMs: number;
}

/** How queries went. */
export interface KillRun {
  readonly queries: number;
  readonly failed: readonly string[];
  readonly wrong: readonly string[];
  readonly kills: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

const functionCount = 4;
const bundle = 'dist/local/functions/cloudrun.mjs';
const range = 'start=1768046400&end=1768050000';

/** Queries of every kind; all of their jobs can go out. */
const queries = [
  `/api/search?q=${encodeURIComponent('{ duration > 1ms }')}&${range}&limit=1000`,
  `/api/search?q=${encodeURIComponent('{ status = error }')}&${range}&limit=1000`,
  `/api/metrics/query_range?q=${encodeURIComponent('{ } | rate() by (resource.service.name)')}&${range}&step=60s`,
  `/api/v2/search/tags?${range}`,
  `/api/v2/search/tag/resource.service.name/values?${range}`,
];

interface Functions {
  readonly urls: readonly string[];
  readonly kill: (random: Random) => Promise<void>;
  readonly stop: () => Promise<void>;
}

/** Starts the functions on ports that they keep when they are started again. The bundle must be there: `infra/local/build-function.mjs`. */
async function startFunctions(blocks: string): Promise<Functions> {
  const ports: number[] = [];
  while (ports.length < functionCount) {
    const port = await freePort();
    if (!ports.includes(port)) ports.push(port);
  }
  const start = (port: number) =>
    startProcess({
      name: `function ${port}`,
      script: bundle,
      arguments: ['--port', `${port}`],
      environment: localFunctionEnvironment(blocks),
      port,
      readyPath: '/',
    });
  const running: (LocalProcess | undefined)[] = await Promise.all(ports.map(start));
  const starting = new Set<Promise<void>>();
  return {
    urls: ports.map((port) => `http://127.0.0.1:${port}`),
    kill: async (random) => {
      const index = Math.floor(random() * functionCount);
      const victim = running[index];
      if (victim === undefined) return;
      running[index] = undefined;
      process.kill(victim.pid, 'SIGKILL');
      await victim.ended;
      const again = start(ports[index]!).then((started) => {
        running[index] = started;
      });
      starting.add(again);
      void again.finally(() => starting.delete(again));
    },
    stop: async () => {
      await Promise.all(starting);
      await Promise.all(running.map((one) => one?.stop()));
    },
  };
}

/** Rates are sums of the jobs' rates, in the order of their answers: the last digit depends on it, and so does the choice of exemplars. */
function rounded(name: string, value: unknown): unknown {
  if (name === 'exemplars') return undefined;
  return typeof value === 'number' ? Number(value.toPrecision(12)) : value;
}

/** What must be equal: numbers of bytes read depend on caches, and traces of one second may come in any order. */
function essence(body: string): string {
  const { traces, series, scopes, tagValues } = JSON.parse(body) as Readonly<Record<string, readonly object[] | undefined>>;
  const sorted = (list: readonly object[] | undefined) => (list ?? []).map((item) => JSON.stringify(item, rounded)).sort();
  return JSON.stringify([sorted(traces), sorted(series), sorted(scopes), sorted(tagValues)]);
}

async function ask(
  server: LocalProcess,
  tenant: string,
  path: string,
): Promise<{ readonly status: number; readonly body: string; readonly durationMs: number }> {
  const startedMs = performance.now();
  const response = await fetch(server.url + path, { headers: { 'X-Scope-OrgID': tenant } });
  const body = await response.text();
  return { status: response.status, body, durationMs: performance.now() - startedMs };
}

async function runQueries(
  server: LocalProcess,
  expected: readonly string[],
  { tenant, queries: count }: KillOptions,
): Promise<Omit<KillRun, 'kills'>> {
  const failed: string[] = [];
  const wrong: string[] = [];
  const latencies: number[] = [];
  for (let query = 0; query < count; query++) {
    const path = queries[query % queries.length]!;
    const { status, body, durationMs } = await ask(server, tenant, path);
    latencies.push(durationMs);
    if (status !== 200) failed.push(`${path}: ${status} ${body.slice(0, 300)}`);
    else if (essence(body) !== expected[query % queries.length]) wrong.push(path);
  }
  return { queries: count, failed, wrong, p50Ms: percentile(latencies, 0.5), p99Ms: percentile(latencies, 0.99) };
}

/** Runs queries whose jobs all go out: first while all is well, then while functions are killed and started again. */
export async function runKills(options: KillOptions): Promise<{ readonly calm: KillRun; readonly killing: KillRun }> {
  const storage = localStorage(options.blocks);
  const common = { storage, multitenancy: true, targetBytesPerJob: 1 };
  const alone = await startServer(common);
  const functions = await startFunctions(options.blocks);
  const server = await startServer({ ...common, externalEndpoints: functions.urls, preferSelf: 0 });
  const stop = new AbortController();
  try {
    const expected: string[] = [];
    for (const path of queries) expected.push(essence((await ask(alone, options.tenant, path)).body));
    for (const path of queries) await ask(server, options.tenant, path);
    const calm = await runQueries(server, expected, options);
    const random = createRandom(options.seed);
    let kills = 0;
    const killing = (async () => {
      while (!stop.signal.aborted) {
        await delay(options.killEveryMs * (0.5 + random()), undefined, { signal: stop.signal }).catch(() => {});
        if (stop.signal.aborted) return;
        await functions.kill(random);
        kills++;
      }
    })();
    const run = await runQueries(server, expected, options);
    stop.abort();
    await killing;
    return { calm: { ...calm, kills: 0 }, killing: { ...run, kills } };
  } finally {
    stop.abort();
    await Promise.all([alone.stop(), server.stop(), functions.stop()]);
  }
}
