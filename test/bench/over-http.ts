import { setTimeout as delay } from 'node:timers/promises';
import type { LocalProcess } from '../../infra/local/processes.ts';
import { cpuBetweenMs, cpuSnapshot } from './process-cpu.ts';
import { type AnswerCounts, type BenchQueries, type BenchQuery, type CpuFigures, countAnswer, figures } from './queries.ts';

/** A sample repeats a fast query until it fills this time, because the counters are noisy below. */
const sampleMs = 40;
/** Lets the server finish what it does behind the last byte. */
const settleMs = 3;
const maxBatch = 50;

/** What one query cost through the API. */
export interface HttpFigures {
  readonly cpuMs: CpuFigures;
  readonly wallMs: CpuFigures;
  readonly answerBytes: number;
  readonly inspectedBytes: number;
  readonly counts: AnswerCounts;
}

/** Sends the query until there are enough samples; CPU is that of the server and its children. Throws for any status but 200. */
export async function measureHttp(
  server: LocalProcess,
  tenant: string,
  { start, end }: BenchQueries,
  { query, limit, spss }: BenchQuery,
  sampleCount: number,
): Promise<HttpFigures> {
  const parameters = new URLSearchParams({ q: query, limit: `${limit}`, spss: `${spss}`, start: `${start}`, end: `${end}` });
  const url = `${server.url}/api/search?${parameters}`;
  const body = await get(url, tenant);
  const warm = performance.now();
  await get(url, tenant);
  const batch = Math.max(1, Math.min(maxBatch, Math.floor(sampleMs / (performance.now() - warm))));
  const cpuMs: number[] = [];
  const wallMs: number[] = [];
  while (cpuMs.length < sampleCount) {
    const before = cpuSnapshot(server.pid);
    const started = performance.now();
    for (let i = 0; i < batch; i++) await get(url, tenant);
    wallMs.push((performance.now() - started) / batch);
    await delay(settleMs);
    cpuMs.push(cpuBetweenMs(before, cpuSnapshot(server.pid)) / batch);
  }
  const { metrics } = JSON.parse(body) as { metrics?: { inspectedBytes?: string } };
  return {
    cpuMs: figures(cpuMs),
    wallMs: figures(wallMs),
    answerBytes: Buffer.byteLength(body),
    inspectedBytes: Number(metrics?.inspectedBytes ?? 0),
    counts: countAnswer(body),
  };
}

async function get(url: string, tenant: string): Promise<string> {
  const response = await fetch(url, { headers: { 'X-Scope-OrgID': tenant } });
  const body = await response.text();
  if (response.status !== 200) throw new Error(`status ${response.status}: ${body.slice(0, 200)}`);
  return body;
}
