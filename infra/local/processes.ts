import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

const root = join(import.meta.dirname, '../..');
const readyTimeoutMs = 60_000;
const stopTimeoutMs = 10_000;
const keptOutputBytes = 20_000;

/** A process of the project that answers HTTP requests. */
export interface LocalProcess {
  readonly name: string;
  /** Without a slash at the end. */
  readonly url: string;
  readonly pid: number;
  /** The last of what it wrote to stdout and stderr. */
  readonly output: () => string;
  /** Resolves when it has ended. */
  readonly ended: Promise<void>;
  /** Ends it: SIGTERM, and SIGKILL if it takes longer than 10 s. */
  readonly stop: () => Promise<void>;
}

/** What to start. */
export interface ProcessOptions {
  readonly name: string;
  /** A TypeScript file relative to the root, and its arguments. */
  readonly script: string;
  readonly arguments: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly port: number;
  /** Ready when this path answers with this status; without a status, as soon as it answers at all. */
  readonly readyPath: string;
  readonly readyStatus?: number;
}

const running = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** A TCP port of the loopback interface that nothing listens on now: the preferred one if it is free, else any. */
export async function freePort(preferred = 0): Promise<number> {
  const server = createServer();
  server.listen(preferred, '127.0.0.1');
  try {
    await once(server, 'listening');
  } catch (error) {
    if (preferred === 0) throw error;
    return freePort();
  }
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** Starts a process and waits until it is ready. Throws with its output when it ends before that or takes longer than a minute. */
export async function startProcess(options: ProcessOptions): Promise<LocalProcess> {
  const child = spawn(process.execPath, [options.script, ...options.arguments], {
    cwd: root,
    env: { ...process.env, ...options.environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  running.add(child);
  const local = describe(child, options);
  try {
    await waitReady(child, local, options);
  } catch (error) {
    await local.stop();
    throw error;
  }
  return local;
}

function describe(child: ChildProcess, { name, port }: ProcessOptions): LocalProcess {
  let output = '';
  const keep = (chunk: Buffer): void => {
    output = (output + chunk.toString()).slice(-keptOutputBytes);
  };
  child.stdout?.on('data', keep);
  child.stderr?.on('data', keep);
  const ended = new Promise<void>((resolve) => {
    child.once('error', (error) => keep(Buffer.from(error.message)));
    child.once('close', () => {
      running.delete(child);
      resolve();
    });
  });
  const stop = async (): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), stopTimeoutMs);
    await ended;
    clearTimeout(timer);
  };
  return { name, url: `http://127.0.0.1:${port}`, pid: child.pid ?? 0, output: () => output, ended, stop };
}

async function waitReady(child: ChildProcess, local: LocalProcess, { readyPath, readyStatus }: ProcessOptions): Promise<void> {
  const deadline = performance.now() + readyTimeoutMs;
  let last = 'no answer';
  while (performance.now() < deadline) {
    if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) {
      await local.ended;
      throw new Error(`${local.name} ended before it was ready (exit status ${child.exitCode ?? child.signalCode}):\n${local.output()}`);
    }
    try {
      const response = await fetch(local.url + readyPath, { signal: AbortSignal.timeout(5_000) });
      last = `status ${response.status}: ${(await response.text()).slice(0, 200)}`;
      if (readyStatus === undefined || response.status === readyStatus) return;
    } catch (error) {
      last = String((error as Error).cause ?? error);
    }
    await delay(50);
  }
  throw new Error(`${local.name} is not ready after ${readyTimeoutMs / 1000} s; ${local.url}${readyPath} says ${last}\n${local.output()}`);
}
