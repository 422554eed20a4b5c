import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type InvocationEnd, startRuntimeApi } from './runtime-api.ts';

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

/** One sandbox: a process that runs one invocation at a time and is frozen in between. */
export interface ExecutionEnvironment {
  readonly invoke: (payload: Buffer) => Promise<InvocationEnd>;
  /** It has ended, and takes no more invocations. */
  readonly dead: () => boolean;
  readonly pid: number;
  readonly stop: () => Promise<void>;
}

const memoryCheckMs = 10;

/** Why a sandbox was ended. */
type Killed = 'timeout' | 'memory' | 'stop' | undefined;

/** Resident memory of a process; 0 where it is gone. */
function residentMb(pid: number): number {
  try {
    return Number(/VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024;
  } catch {
    return 0;
  }
}

function startProcess(options: EnvironmentOptions, runtimeApi: string): ChildProcess {
  return spawn(process.execPath, [join(import.meta.dirname, 'bootstrap.mjs')], {
    cwd: options.taskRoot,
    env: {
      ...options.variables,
      AWS_LAMBDA_RUNTIME_API: runtimeApi,
      AWS_LAMBDA_FUNCTION_NAME: options.name,
      AWS_LAMBDA_FUNCTION_MEMORY_SIZE: `${options.memoryMb}`,
      AWS_REGION: 'us-east-1',
      LAMBDA_TASK_ROOT: options.taskRoot,
      _HANDLER: options.handler,
    },
    stdio: ['ignore', 'inherit', 'inherit'],
  });
}

/** What Lambda says of an invocation whose process has ended. */
function deathNote(killed: Killed, id: string, timeoutMs: number, initError: string | undefined): InvocationEnd {
  if (killed === 'timeout') {
    const errorMessage = `RequestId: ${id} Error: Task timed out after ${(timeoutMs / 1000).toFixed(2)} seconds`;
    return { kind: 'error', errorType: 'Sandbox.Timedout', errorMessage };
  }
  const errorMessage = initError ?? `RequestId: ${id} Error: Runtime exited with error: signal: killed`;
  return { kind: 'error', errorType: killed === 'memory' ? 'Runtime.OutOfMemory' : 'Runtime.ExitError', errorMessage };
}

/** The process of one sandbox with the Runtime API that it asks. */
export async function startEnvironment(options: EnvironmentOptions): Promise<ExecutionEnvironment> {
  const { name, memoryMb, timeoutMs } = options;
  let invocations = 0;
  let dead = false;
  let killed: Killed;
  // Frozen until the next event, except while it starts.
  const api = await startRuntimeApi(name, () => invocations > 0 && child.kill('SIGSTOP'));
  const child = startProcess(options, api.address);
  const kill = (why: Killed): void => {
    killed = why;
    child.kill('SIGKILL');
  };
  child.once('exit', () => {
    dead = true;
    const ended = api.current();
    ended?.end(deathNote(killed, ended.id, timeoutMs, api.initError()));
    api.close();
  });
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
        resolve(how);
      };
      child.kill('SIGCONT');
      api.give({ id: `${name}-${invocations}`, payload, deadlineMs: Date.now() + timeoutMs, end });
    });
  };
  const stop = async (): Promise<void> => {
    if (dead) return;
    kill('stop');
    await once(child, 'exit');
  };
  return { invoke, dead: () => dead, pid: child.pid ?? 0, stop };
}
