import { once } from 'node:events';
import http2 from 'node:http2';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';
import { decompressSnappy } from '../../../querier/worker-protocol/framed-snappy.ts';
import { all, decodeAnswer, grpcFrame, message, messageSplitter, number } from './raw-peer.ts';

/** An answer of a querier. */
export type Decoded = ReturnType<typeof decodeAnswer>;

/** What a querier said on a stream. */
export interface WorkerSaid {
  /** Flag of the message: 1 is compressed. */
  readonly flag: number;
  readonly clientId: string;
  readonly features: bigint;
  readonly single: readonly Decoded[];
  readonly batch: readonly Decoded[];
}

/** A querier's stream as the frontend sees it. */
export interface FrontendStream {
  readonly headers: http2.IncomingHttpHeaders;
  readonly next: () => Promise<WorkerSaid>;
  readonly getId: () => void;
  readonly ask: (urls: readonly string[], headers: readonly (readonly [string, string])[]) => void;
  readonly end: (code: number, text: string) => void;
  readonly closed: Promise<void>;
  /** The querier sends no more. */
  readonly halfClosed: Promise<void>;
}

/** A frontend on a port of the loopback interface, nothing but node:http2. */
export interface RawFrontend {
  readonly port: number;
  /** The next stream that a querier opens. */
  readonly stream: () => Promise<FrontendStream>;
  readonly connections: () => number;
  readonly open: () => number;
  /** Client ids of NotifyClientShutdown, as they come. */
  readonly stopping: () => Promise<string>;
  readonly close: () => Promise<void>;
}

const get = (url: string, headers: readonly (readonly [string, string])[]) =>
  message([1, 'GET'], [2, url], ...headers.map(([name, value]) => [3, message([1, name], [2, value])] as const));

function createInbox<Item>(): { readonly put: (item: Item) => void; readonly next: () => Promise<Item> } {
  const items: Item[] = [];
  const waiting: ((item: Item) => void)[] = [];
  return {
    put: (item) => {
      const waiter = waiting.shift();
      if (waiter === undefined) items.push(item);
      else waiter(item);
    },
    next: () => {
      const first = items.shift();
      return first === undefined ? new Promise((resolve) => waiting.push(resolve)) : Promise.resolve(first);
    },
  };
}

function plain(flag: number, content: Buffer, encoding: string): Buffer {
  if (flag === 0) return content;
  return Buffer.from(encoding === 'gzip' ? gunzipSync(content) : decompressSnappy(content, 1 << 30));
}

function processStream(stream: http2.ServerHttp2Stream, headers: http2.IncomingHttpHeaders): FrontendStream {
  const inbox = createInbox<WorkerSaid>();
  let status: Record<string, string> = { 'grpc-status': '0' };
  stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
  stream.on('wantTrailers', () => stream.sendTrailers(status));
  stream.on('error', () => {});
  stream.on(
    'data',
    messageSplitter(({ flag, content }) => {
      const bytes = plain(flag, content, String(headers['grpc-encoding'] ?? ''));
      inbox.put({
        flag,
        clientId: String(all(bytes, 2)[0] ?? ''),
        features: number(bytes, 5),
        single: all(bytes, 1).map(decodeAnswer),
        batch: all(bytes, 4).map(decodeAnswer),
      });
    }),
  );
  return {
    headers,
    next: inbox.next,
    getId: () => void stream.write(grpcFrame(message([1, get('/invalid_request_sent_by_frontend', [])], [2, 1n]))),
    ask: (urls, own) => {
      const requests = urls.map((url) => get(url, own));
      stream.write(
        grpcFrame(urls.length === 1 ? message([1, requests[0]!]) : message([2, 2n], ...requests.map((one) => [4, one] as const))),
      );
    },
    end: (code, text) => {
      status = { 'grpc-status': String(code), 'grpc-message': text };
      stream.end();
    },
    closed: once(stream, 'close').then(() => {}),
    halfClosed: once(stream, 'end').then(() => {}),
  };
}

/** Listens; `port` 0 is any. */
export async function startRawFrontend(port = 0): Promise<RawFrontend> {
  const server = http2.createServer({ settings: { maxConcurrentStreams: 100 } });
  const streams = createInbox<FrontendStream>();
  const stops = createInbox<string>();
  const sessions = new Set<http2.ServerHttp2Session>();
  let open = 0;
  server.on('session', (session) => {
    sessions.add(session);
    session.on('error', () => {});
    session.on('close', () => sessions.delete(session));
  });
  server.on('stream', (stream, headers) => {
    if (headers[':path'] === '/frontend.Frontend/Process') {
      open++;
      stream.on('close', () => open--);
      streams.put(processStream(stream, headers));
      return;
    }
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
    stream.on(
      'data',
      messageSplitter(({ content }) => {
        stops.put(String(all(content, 1)[0]));
        stream.end(grpcFrame(Buffer.alloc(0)));
      }),
    );
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    stream: streams.next,
    connections: () => sessions.size,
    open: () => open,
    stopping: stops.next,
    close: async () => {
      const closed = once(server, 'close');
      server.close();
      for (const session of sessions) session.destroy();
      await closed;
    },
  };
}
