import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';

/** What a function is started with. */
export interface EnvironmentOptions {
  readonly name: string;
  /** The unpacked archive. */
  readonly taskRoot: string;
  readonly handler: string;
  readonly memoryMb: number;
  readonly timeoutMs: number;
  readonly variables: Readonly<Record<string, string>>;
}

/** How an invocation ended: the payload of the function, or what Lambda says in its place. */
export type InvocationEnd =
  | { readonly kind: 'result'; readonly payload: Buffer; readonly coldStart: boolean; readonly durationMs: number }
  | { readonly kind: 'error'; readonly errorType: string; readonly errorMessage: string };

/** One sandbox: a process that runs one invocation at a time and is frozen in between. */
export interface ExecutionEnvironment {
  readonly invoke: (payload: Buffer) => Promise<InvocationEnd>;
  /** It has ended, and takes no more invocations. */
  readonly dead: () => boolean;
  readonly pid: number;
  readonly stop: () => Promise<void>;
}

const memoryCheckMs = 10;

interface Invocation {
  readonly id: string;
  readonly payload: Buffer;
  readonly deadlineMs: number;
  readonly end: (end: InvocationEnd) => void;
}

/** Resident memory of a process; 0 where it is gone. */
function residentMb(pid: number): number {
  try {
    return Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024;
  } catch {
    return 0;
  }
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** The process of one sandbox with the Runtime API that it asks. */
export async function startEnvironment(options: EnvironmentOptions): Promise<ExecutionEnvironment> {
  const { name, memoryMb, timeoutMs } = options;
  let waiting: ServerResponse | undefined; // the function asks for the next invocation
  let current: (Invocation & { readonly startedMs: number }) | undefined;
  let queued: Invocation | undefined;
  let invocations = 0;
  let initError: string | undefined;

  const hand = (): void => {
    if (waiting === undefined || queued === undefined) return;
    const { id, payload, deadlineMs } = queued;
    current = { ...queued, startedMs: performance.now() };
    queued = undefined;
    const arn = `arn:aws:lambda:us-east-1:123456789012:function:${name}`;
    const headers = {
      'Lambda-Runtime-Aws-Request-Id': id,
      'Lambda-Runtime-Deadline-Ms': `${deadlineMs}`,
      'Lambda-Runtime-Invoked-Function-Arn': arn,
    };
    waiting.writeHead(200, headers).end(payload);
    waiting = undefined;
  };
  const server = createServer(async (request, response) => {
    const path = request.url ?? '';
    if (path.endsWith('/invocation/next')) {
      waiting = response;
      if (queued === undefined && invocations > 0) child.kill('SIGSTOP'); // frozen until the next event
      hand();
      return;
    }
    const body = await bodyOf(request);
    response.writeHead(202).end('{"status":"OK"}');
    if (path.endsWith('/init/error')) initError = body.toString();
    const ended = current;
    if (ended === undefined || !path.includes(ended.id)) return;
    if (path.endsWith('/response')) {
      ended.end({ kind: 'result', payload: body, coldStart: invocations === 1, durationMs: performance.now() - ended.startedMs });
    } else {
      const { errorType, errorMessage } = JSON.parse(body.toString());
      ended.end({ kind: 'error', errorType, errorMessage });
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const child: ChildProcess = spawn(process.execPath, [join(import.meta.dirname, 'bootstrap.mjs')], {
    cwd: options.taskRoot,
    env: {
      ...options.variables,
      AWS_LAMBDA_RUNTIME_API: `127.0.0.1:${(server.address() as AddressInfo).port}`,
      AWS_LAMBDA_FUNCTION_NAME: name,
      AWS_LAMBDA_FUNCTION_MEMORY_SIZE: `${memoryMb}`,
      AWS_REGION: 'us-east-1',
      LAMBDA_TASK_ROOT: options.taskRoot,
      _HANDLER: options.handler,
    },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  let dead = false;
  let killedFor = '';
  child.once('exit', () => {
    dead = true;
    const message = initError ?? `RequestId: ${current?.id ?? queued?.id} Error: Runtime exited with error: signal: killed`;
    const end = (current ?? queued)?.end;
    if (killedFor === 'timeout')
      end?.({
        kind: 'error',
        errorType: 'Sandbox.Timedout',
        errorMessage: `Error: Task timed out after ${(timeoutMs / 1000).toFixed(2)} seconds`,
      });
    else end?.({ kind: 'error', errorType: killedFor === 'memory' ? 'Runtime.OutOfMemory' : 'Runtime.ExitError', errorMessage: message });
    server.closeAllConnections();
    server.close();
  });
  const kill = (why: string): void => {
    killedFor = why;
    child.kill('SIGKILL');
  };

  const invoke = (payload: Buffer): Promise<InvocationEnd> => {
    invocations++;
    return new Promise((resolve) => {
      const watch = setInterval(() => {
        if (residentMb(child.pid ?? 0) > memoryMb) kill('memory');
      }, memoryCheckMs);
      const timer = setTimeout(() => kill('timeout'), timeoutMs);
      const end = (how: InvocationEnd): void => {
        clearInterval(watch);
        clearTimeout(timer);
        current = undefined;
        queued = undefined;
        resolve(how);
      };
      queued = { id: `${name}-${invocations}`, payload, deadlineMs: Date.now() + timeoutMs, end };
      child.kill('SIGCONT');
      hand();
    });
  };
  const stop = async (): Promise<void> => {
    if (dead) return;
    kill('stop');
    await once(child, 'exit');
  };
  return { invoke, dead: () => dead, pid: child.pid ?? 0, stop };
}
