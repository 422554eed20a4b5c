import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** How an invocation ended: the payload of the function, or what Lambda says in its place. */
export type InvocationEnd =
  | { readonly kind: 'result'; readonly payload: Buffer; readonly coldStart: boolean; readonly durationMs: number }
  | { readonly kind: 'error'; readonly errorType: string; readonly errorMessage: string };

/** An event on its way into a function. */
export interface Invocation {
  readonly id: string;
  readonly payload: Buffer;
  /** Milliseconds since the epoch. */
  readonly deadlineMs: number;
  readonly end: (end: InvocationEnd) => void;
}

/** Lambda's Runtime API for one process (`/2018-06-01/runtime/…`): it asks for the next event, and posts what becomes of it. */
export interface RuntimeApi {
  /** `host:port`, as AWS_LAMBDA_RUNTIME_API has it. */
  readonly address: string;
  /** Hands the event over when the process asks for the next one. */
  readonly give: (invocation: Invocation) => void;
  /** The event that the process has, or will have next. */
  readonly current: () => Invocation | undefined;
  /** What the process said when it could not start. */
  readonly initError: () => string | undefined;
  readonly close: () => void;
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** Starts the API. `onIdle` is told when the process waits for an event that is not there. */
export async function startRuntimeApi(name: string, onIdle: () => void): Promise<RuntimeApi> {
  let waiting: ServerResponse | undefined;
  let queued: Invocation | undefined;
  let running: Invocation | undefined;
  let startedMs = 0;
  let handed = 0;
  let initError: string | undefined;
  const hand = (): void => {
    if (waiting === undefined || queued === undefined) return;
    running = queued;
    queued = undefined;
    handed++;
    startedMs = performance.now();
    waiting
      .writeHead(200, {
        'Lambda-Runtime-Aws-Request-Id': running.id,
        'Lambda-Runtime-Deadline-Ms': `${running.deadlineMs}`,
        'Lambda-Runtime-Invoked-Function-Arn': `arn:aws:lambda:us-east-1:123456789012:function:${name}`,
      })
      .end(running.payload);
    waiting = undefined;
  };
  const server: Server = createServer(async (request, response) => {
    const path = request.url ?? '';
    if (path.endsWith('/invocation/next')) {
      waiting = response;
      if (queued === undefined) onIdle();
      hand();
      return;
    }
    const body = await bodyOf(request);
    response.writeHead(202).end('{"status":"OK"}');
    if (path.endsWith('/init/error')) initError = body.toString();
    const ended = running;
    if (ended === undefined || !path.includes(`/${ended.id}/`)) return;
    running = undefined;
    if (path.endsWith('/response')) {
      ended.end({ kind: 'result', payload: body, coldStart: handed === 1, durationMs: performance.now() - startedMs });
    } else {
      const { errorType, errorMessage } = JSON.parse(body.toString());
      ended.end({ kind: 'error', errorType, errorMessage });
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    give: (invocation) => {
      queued = invocation;
      hand();
    },
    current: () => running ?? queued,
    initError: () => initError,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
