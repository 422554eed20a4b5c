import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Environment } from '#engine/backend/s3-options.ts';
import { systemClock } from '#engine/base/clock.ts';
import { jobTimeoutMs, memoryConfig } from './config.ts';
import { createFunctionEnvironment } from './environment.ts';
import type { FunctionResponse } from './exchange.ts';
import { createHandler, type HandlerOptions } from './handler.ts';
import { readBody } from './read-body.ts';

/** Answers a request that came over HTTP; what it gives is still to be written. Never rejects. */
export type ContainerHandler = (request: IncomingMessage, response: ServerResponse) => Promise<FunctionResponse>;

/** Most bytes of an answer: Cloud Run lets 32 MiB through. */
const maxBodyBytes = 31 * 1024 * 1024;

/** What {@link createContainerHandler} needs from the process. */
export interface ContainerOptions {
  readonly env: Environment;
  /** In [0, 1). */
  readonly random: () => number;
  /** Memory that the platform allows, as Node tells it. */
  readonly memoryLimitBytes: number;
  readonly onError: HandlerOptions['onError'];
}

/** Creates the handler of a function in a container. Throws `config`. */
export function createContainerHandler({ env, random, memoryLimitBytes, onError }: ContainerOptions): ContainerHandler {
  const handle = createHandler({
    createEnvironment: () => createFunctionEnvironment({ env, clock: systemClock, random, memoryLimitBytes }),
    jobTimeoutMs: jobTimeoutMs(env),
    jobsAtOnce: memoryConfig(env, memoryLimitBytes).maxConcurrentJobs,
    memoryMb: limitMb(memoryLimitBytes),
    clock: systemClock,
    onError,
  });
  return (request, response) => {
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    if (response.destroyed) gone.abort();
    const headers = request.headers as Readonly<Record<string, string | undefined>>;
    const { method = 'GET', url = '/' } = request;
    return handle({ method, url, headers, body: () => readBody(request), maxBodyBytes, signal: gone.signal });
  };
}

/** 0 where the platform sets no limit, which Node tells as a huge one. */
function limitMb(limitBytes: number): number {
  const megabytes = Math.round(limitBytes / (1024 * 1024));
  return megabytes < 1024 * 1024 ? megabytes : 0;
}
