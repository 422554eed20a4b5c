import type { Server, ServerResponse } from 'node:http';
import type { ContainerHandler } from './container-handler.ts';
import type { FunctionResponse } from './exchange.ts';
import { listenPort } from './listen-port.ts';

// Only what is needed to listen is loaded before the ready line. `import` of node:http would run every getter of its exports, among them the one that
// loads fetch: 20 ms of 45.
const http = process.getBuiltinModule('node:http');

/** Calls running or waiting; beyond that the platform should start another instance. */
const maxCalls = 256;
/** Queries may be long, and they are on the request line. */
const maxHeaderBytes = 256 * 1024;
const busy: FunctionResponse = {
  status: 503,
  headers: { 'content-type': 'text/plain; charset=utf-8', 'retry-after': '1' },
  body: Buffer.from('serverless [accepting request]: too many requests at once; lower the concurrency of the service'),
};

/** Loads the rest; starts on its own after the server listens, so that the first call does not wait for all of it. */
async function loadHandler(): Promise<ContainerHandler> {
  const { createContainerHandler } = await import('./container-handler.ts');
  return createContainerHandler({
    env: process.env,
    random: Math.random,
    memoryLimitBytes: process.constrainedMemory(),
    onError: ({ message, cause }, traceparent) =>
      console.error(JSON.stringify({ severity: 'ERROR', message, cause: describe(cause), traceparent })),
  });
}

function describe(cause: unknown): string | undefined {
  return cause instanceof Error ? (cause.stack ?? cause.message) : undefined;
}

/** The server, and how many calls have no complete answer yet. */
interface Front {
  readonly server: Server;
  calls: number;
}

function createFront(handler: () => Promise<ContainerHandler>): Front {
  const server = http.createServer({ maxHeaderSize: maxHeaderBytes }, async (request, response) => {
    front.calls++;
    response.once('close', () => {
      front.calls--;
      closeWhenDone(front);
    });
    try {
      send(front, response, front.calls > maxCalls ? busy : await (await handler())(request, response));
      request.resume(); // what nobody has asked for
    } catch (thrown) {
      // Only where the code itself could not be loaded.
      send(front, response, { ...busy, status: 500, body: Buffer.from(`serverless [loading function]: ${describe(thrown)}`) });
    }
  });
  const front: Front = { server, calls: 0 };
  return front;
}

function send({ server }: Front, response: ServerResponse, { status, headers, body }: FunctionResponse): void {
  // A stopping server must not leave the client a connection that it is about to close.
  const closing = server.listening ? {} : { connection: 'close' };
  response.writeHead(status, { ...headers, ...closing, 'content-length': body.length });
  response.end(body);
}

/** Stops listening; calls that run are answered, then the process ends by itself. A second signal ends it at once. */
function stopOn(signal: NodeJS.Signals, front: Front): void {
  process.once(signal, () => {
    process.once(signal, () => process.exit(1));
    front.server.close(() => process.exit(0));
    closeWhenDone(front);
  });
}

/** Connections on which nothing was ever asked do not count as idle for Node, and would keep a stopping server. */
function closeWhenDone({ server, calls }: Front): void {
  if (!server.listening && calls === 0) server.closeAllConnections();
}

function main(): void {
  let loading: Promise<ContainerHandler> | undefined;
  const front = createFront(() => (loading ??= loadHandler()));
  const { server } = front;
  server.on('error', (error) => {
    console.error(`cannot listen: ${error.message}`);
    process.exitCode = 1;
  });
  server.listen(listenPort(process.argv.slice(2), process.env), '0.0.0.0', () => {
    const address = server.address();
    console.log(`listening on http://0.0.0.0:${typeof address === 'object' ? address?.port : address}`);
    loading ??= loadHandler();
    loading.catch((thrown: unknown) => console.error(`cannot load the function: ${describe(thrown)}`));
  });
  for (const signal of ['SIGTERM', 'SIGINT'] as const) stopOn(signal, front);
}

main();
