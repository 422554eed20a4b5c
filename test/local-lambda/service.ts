import { readFileSync, rmSync } from 'node:fs';
import { type EnvironmentOptions, type ExecutionEnvironment, startEnvironment } from './execution-environment.ts';
import type { InvocationEnd } from './runtime-api.ts';
import { unzip } from './unzip.ts';

/** Lambda's limit of a synchronous payload, both ways. */
export const maxPayloadBytes = 6 * 1024 * 1024;

/** A function as it is created. */
export interface FunctionOptions extends Pick<EnvironmentOptions, 'name' | 'memoryMb' | 'timeoutMs' | 'variables'> {
  readonly zipPath: string;
  /** Invocations at once; more are throttled. */
  readonly concurrency: number;
}

/** What an invocation gives: the function's payload, or a service error. */
export type Invoked = InvocationEnd | { readonly kind: 'throttled' } | { readonly kind: 'requestTooLarge'; readonly sizeBytes: number };

/** A function that runs on this machine as on Lambda. */
export interface LocalFunction {
  readonly name: string;
  readonly invoke: (payload: Buffer) => Promise<Invoked>;
  /** Sandboxes that live, and how many have been started. */
  readonly environments: () => readonly ExecutionEnvironment[];
  readonly started: () => number;
  readonly stop: () => Promise<void>;
}

/** Creates a function from an archive. A sandbox is started when no idle one is there, and used again. */
export function createLocalFunction(options: FunctionOptions): LocalFunction {
  const taskRoot = unzip(readFileSync(options.zipPath));
  const all = new Set<ExecutionEnvironment>();
  const idle: ExecutionEnvironment[] = [];
  let running = 0;
  let started = 0;
  const environment = async (): Promise<ExecutionEnvironment> => {
    for (let one = idle.pop(); one !== undefined; one = idle.pop()) {
      if (!one.dead()) return one;
      all.delete(one);
    }
    started++;
    const fresh = await startEnvironment({ ...options, taskRoot, handler: 'lambda.handler' });
    all.add(fresh);
    return fresh;
  };
  return {
    name: options.name,
    environments: () => [...all].filter((one) => !one.dead()),
    started: () => started,
    invoke: async (payload) => {
      if (payload.length > maxPayloadBytes) return { kind: 'requestTooLarge', sizeBytes: payload.length };
      if (running >= options.concurrency) return { kind: 'throttled' };
      running++;
      try {
        const used = await environment();
        const end = await used.invoke(payload);
        if (!used.dead()) idle.push(used);
        if (end.kind !== 'result' || end.payload.length <= maxPayloadBytes) return end;
        const errorMessage = `Response payload size exceeded maximum allowed payload size (${maxPayloadBytes} bytes).`;
        return { kind: 'error', errorType: 'Function.ResponseSizeTooLarge', errorMessage };
      } finally {
        running--;
      }
    },
    stop: async () => {
      await Promise.all([...all].map((one) => one.stop()));
      rmSync(taskRoot, { recursive: true, force: true });
    },
  };
}
