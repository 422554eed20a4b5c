import type { AddressInfo, Socket } from 'node:net';
import { createServer } from 'node:net';

/** How a server behaves: `good`, or it takes requests and never answers, answers nonsense, or ends the connection. */
export type Behaviour = 'good' | 'silent' | 'nonsense' | 'closing';

/** A cache server on a loopback port. */
export interface CacheServer {
  readonly host: string;
  readonly port: number;
  readonly endpoint: string;
  /** What is stored, by key. */
  readonly values: Map<string, Buffer>;
  /** Commands with their first arguments, in order, without values. */
  readonly commands: string[];
  readonly behave: (behaviour: Behaviour) => void;
  readonly connections: () => number;
  readonly close: () => Promise<void>;
}

/** Takes bytes as they come; gives what is to be answered, and what is left over. */
export type Answer = (
  received: Buffer,
  server: Pick<CacheServer, 'values' | 'commands'>,
) => { readonly answer: Buffer; readonly rest: Buffer };

/** Starts a server that speaks some protocol. */
export async function startCacheServer(reply: Answer): Promise<CacheServer> {
  const values = new Map<string, Buffer>();
  const commands: string[] = [];
  const sockets = new Set<Socket>();
  let behaviour: Behaviour = 'good';
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => undefined);
    let received: Buffer = Buffer.alloc(0);
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk]);
      const { answer, rest } = reply(received, { values, commands });
      received = rest;
      if (behaviour === 'closing') socket.end();
      else if (behaviour === 'nonsense') socket.write('\x00nonsense\r\n\r\n');
      else if (behaviour === 'good') {
        // In two pieces, so that a client cannot count on whole answers.
        const half = answer.length >> 1;
        socket.write(answer.subarray(0, half), () => socket.write(answer.subarray(half)));
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    host: '127.0.0.1',
    port,
    endpoint: `127.0.0.1:${port}`,
    values,
    commands,
    behave: (next) => {
      behaviour = next;
    },
    connections: () => sockets.size,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
