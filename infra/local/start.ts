// Serves the sample blocks with two local functions as external endpoints, runs a search that is partly spilled, shows where its jobs ran, and
// keeps serving until Ctrl-C.

import { join } from 'node:path';
import type { LocalProcess } from './processes.ts';
import { localFunctionEnvironment, localStorage, startFunction, startServer } from './server.ts';

const blocks = join(import.meta.dirname, '../../test/fixtures/blocks');
const functionNames = ['function-1', 'function-2'];
/** Two jobs stay in the querier, the rest goes to the functions. */
const preferSelf = 2;
/** Less than any row group, so that each becomes a job. */
const targetBytesPerJob = 1;
const defaultPort = 3200;
const parentCheckMs = 1_000;

const query = '{ resource.service.name = "checkout" && duration > 20ms }';
const range = { start: Date.UTC(2026, 0, 10, 12) / 1000, end: Date.UTC(2026, 0, 10, 13) / 1000 };

interface Job {
  readonly blockId: string;
  readonly startPage: number;
  readonly pagesToSearch: number;
  readonly where: 'self' | 'external';
  readonly endpoint?: string;
  readonly durationMs: number;
  readonly bytesRead: number;
  readonly matchedSpans?: number;
  readonly error?: string;
}

function say(text: string): void {
  console.log(text);
}

/** Ends everything on a signal, the server first, so that it does not call functions that are gone; and when one process ends by itself. */
function createSupervisor() {
  const processes: LocalProcess[] = [];
  let stopping = false;
  const stop = async (exitCode: number): Promise<void> => {
    if (stopping) process.exit(1);
    stopping = true;
    say('\nstopping');
    for (const local of [...processes].reverse()) await local.stop();
    process.exit(exitCode);
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => void stop(0));
  // npm may end without passing the signal on.
  const parent = process.ppid;
  const watch = setInterval(() => {
    if (process.ppid !== parent) void stop(0);
  }, parentCheckMs);
  watch.unref();
  const add = (local: LocalProcess): LocalProcess => {
    processes.push(local);
    void local.ended.then(() => {
      if (stopping) return;
      console.error(`${local.name} ended by itself:\n${local.output()}`);
      void stop(1);
    });
    return local;
  };
  return { add };
}

async function get(url: string): Promise<unknown> {
  const response = await fetch(url);
  if (response.status !== 200) throw new Error(`${url} answered ${response.status}: ${await response.text()}`);
  return response.json();
}

function printTable(rows: readonly (readonly string[])[]): void {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  for (const row of rows) say(`  ${row.map((cell, i) => (i < 2 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join('   ')}`);
}

function jobRow(job: Job, functions: readonly LocalProcess[]): readonly string[] {
  const place = functions.find(({ url }) => job.endpoint?.startsWith(url))?.name ?? job.endpoint ?? 'querier';
  const pages =
    job.pagesToSearch === 1 ? `row group ${job.startPage}` : `row groups ${job.startPage}-${job.startPage + job.pagesToSearch - 1}`;
  const cost = [job.durationMs.toFixed(1), String(job.bytesRead), job.error ?? String(job.matchedSpans ?? '')];
  return [`block ${job.blockId.slice(0, 8)}…${job.blockId.slice(-2)}, ${pages}`, place, ...cost];
}

/** Searches twice, so that the table shows processes that have started up, and prints where the jobs of the second time ran. */
async function showSearch(server: LocalProcess, functions: readonly LocalProcess[]): Promise<void> {
  const parameters = new URLSearchParams({ q: query, limit: '1000', start: String(range.start), end: String(range.end) });
  const url = `${server.url}/api/search?${parameters}`;
  await get(url);
  const before = ((await get(`${server.url}/status/jobs`)) as readonly Job[]).length;
  const started = performance.now();
  const { traces = [] } = (await get(url)) as { traces?: { spanSets?: { matched: number }[] }[] };
  const tookMs = performance.now() - started;
  const jobs = ((await get(`${server.url}/status/jobs`)) as readonly Job[]).slice(before);
  const spans = traces.flatMap(({ spanSets }) => spanSets ?? []).reduce((sum, { matched }) => sum + matched, 0);
  say(`\n${query}`);
  say(`${traces.length} traces, ${spans} spans in ${tookMs.toFixed(0)} ms, by ${jobs.length} jobs, prefer_self ${preferSelf}:\n`);
  printTable([['job', 'ran in', 'ms', 'bytes read', 'spans matched'], ...jobs.map((job) => jobRow(job, functions))]);
  if (!jobs.some(({ where }) => where === 'external')) throw new Error('no job was sent to a function');
}

async function main(): Promise<void> {
  const supervisor = createSupervisor();
  say('starting two functions and a server over test/fixtures/blocks');
  const functions: LocalProcess[] = [];
  for (const name of functionNames) functions.push(supervisor.add(await startFunction(name, localFunctionEnvironment(blocks))));
  const externalEndpoints = functions.map(({ url }) => url);
  const options = { storage: localStorage(blocks), multitenancy: false, externalEndpoints, preferSelf, targetBytesPerJob };
  const server = supervisor.add(await startServer({ ...options, preferredPort: defaultPort }));
  for (const { name, url } of [...functions, server]) say(`  ${name.padEnd(12)} ${url}`);
  await showSearch(server, functions);
  say(`\nGrafana: add a data source of type Tempo with the URL ${server.url} and choose 2026-01-10 12:00 to 13:00 UTC as time range.`);
  say(`curl -G ${server.url}/api/search --data-urlencode 'q=${query}' -d start=${range.start} -d end=${range.end}`);
  say('Ctrl-C ends all processes.');
}

try {
  await main();
} catch (error) {
  console.error(`npm start: ${(error as Error).message}`);
  process.exit(1);
}
