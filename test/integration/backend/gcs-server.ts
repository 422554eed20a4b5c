import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

/** Settings of {@link startGcsServer}. */
export interface GcsServerOptions {
  readonly bucket: string;
  readonly objects: ReadonlyMap<string, Uint8Array>;
  /** Tokens that are accepted; undefined: requests must carry none. */
  readonly tokens?: () => readonly string[];
  /** Most entries of one page. */
  readonly pageSize?: number;
}

/** Something that goes wrong with the next requests that are no token requests. */
export interface GcsFault {
  times?: number;
  readonly kind: 'status' | 'slow' | 'truncate' | 'reset' | 'hang';
  readonly status?: number;
  readonly delayMs?: number;
  readonly listing?: boolean;
}

/** One request as the server saw it. */
export interface GcsRequest {
  readonly method: string;
  /** Path with query. */
  readonly url: string;
  readonly range: string | undefined;
  /** 0: it ended without an answer. */
  readonly status: number;
}

/** A server that speaks the part of GCS's JSON API that stores use, and the metadata server's token endpoint. */
export interface GcsServer {
  readonly url: string;
  readonly host: string;
  readonly objects: Map<string, Uint8Array>;
  readonly faults: GcsFault[];
  readonly requests: GcsRequest[];
  readonly connections: () => number;
  /** How often a token was asked for. */
  readonly tokensServed: () => number;
  readonly close: () => Promise<void>;
}

interface State extends GcsServerOptions {
  readonly stored: Map<string, Uint8Array>;
  readonly updated: string;
  tokensServed: number;
}

/** Serves a bucket on a loopback port. The metadata server hands out `token-1`, `token-2`, … and wants its header. */
export async function startGcsServer(options: GcsServerOptions): Promise<GcsServer> {
  const faults: GcsFault[] = [];
  const requests: GcsRequest[] = [];
  const sockets = new Set<Socket>();
  let connections = 0;
  const state: State = { ...options, stored: new Map(options.objects), updated: new Date().toISOString(), tokensServed: 0 };
  const server = createServer((request, response) => {
    const { method = '', url = '' } = request;
    response.on('close', () =>
      requests.push({ method, url, range: request.headers.range, status: response.headersSent ? response.statusCode : 0 }),
    );
    handle(state, faults, request, response).catch((error: unknown) => response.destroy(error as Error));
  });
  server.on('connection', (socket) => {
    connections++;
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url: `http://${host}`,
    host,
    objects: state.stored,
    faults,
    requests,
    connections: () => connections,
    tokensServed: () => state.tokensServed,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function handle(state: State, faults: GcsFault[], request: IncomingMessage, response: ServerResponse): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const url = new URL(request.url ?? '/', 'http://loopback');
  if (url.pathname.startsWith('/computeMetadata/')) return sendToken(state, request, response);
  const listing = request.method === 'GET' && url.searchParams.get('alt') !== 'media';
  const fault = takeFault(faults, listing);
  if (fault?.kind === 'reset') return void request.socket.resetAndDestroy();
  if (fault?.kind === 'hang') return;
  if (fault?.kind === 'slow') await delay(fault.delayMs ?? 100);
  if (fault?.kind === 'status') return sendError(response, fault.status ?? 500, 'Backend Error');
  const problem = authProblem(state, request);
  if (problem !== undefined) return sendError(response, 401, problem);
  const cut = fault?.kind === 'truncate';
  const match = /^\/(upload\/)?storage\/v1\/b\/([^/]+)\/o(?:\/([^/]+))?$/.exec(url.pathname);
  if (match === null) return sendError(response, 404, 'Not Found');
  if (match[2] !== state.bucket) return sendError(response, 404, 'The specified bucket does not exist.');
  const key = match[3] === undefined ? undefined : decodeURIComponent(match[3]);
  if (request.method === 'POST' && match[1] !== undefined) return store(state, request, Buffer.concat(chunks), response);
  if (request.method === 'DELETE' && key !== undefined) {
    if (!state.stored.delete(key)) return sendError(response, 404, `No such object: ${state.bucket}/${key}`);
    return void response.writeHead(204).end();
  }
  if (request.method !== 'GET') return sendError(response, 405, 'Method Not Allowed');
  return key === undefined ? sendListing(state, url.searchParams, response, cut) : sendObject(state, key, request, response, cut);
}

function takeFault(faults: GcsFault[], listing: boolean): GcsFault | undefined {
  const fault = faults.find((candidate) => (candidate.listing ?? listing) === listing);
  if (fault === undefined) return undefined;
  fault.times = (fault.times ?? 1) - 1;
  if (fault.times <= 0) faults.splice(faults.indexOf(fault), 1);
  return fault;
}

function authProblem({ tokens }: State, { headers }: IncomingMessage): string | undefined {
  if (tokens === undefined) return headers.authorization === undefined ? undefined : 'an emulator was sent a token';
  return tokens().some((token) => headers.authorization === `Bearer ${token}`) ? undefined : 'Invalid Credentials';
}

function sendToken(state: State, request: IncomingMessage, response: ServerResponse): void {
  if (request.headers['metadata-flavor'] !== 'Google') return void response.writeHead(403).end();
  const answer = { access_token: `token-${++state.tokensServed}`, expires_in: 3599, token_type: 'Bearer' };
  response.writeHead(200, { 'content-type': 'application/json', 'metadata-flavor': 'Google' }).end(JSON.stringify(answer));
}

function sendError(response: ServerResponse, code: number, message: string): void {
  response.writeHead(code, { 'content-type': 'application/json' }).end(JSON.stringify({ error: { code, message } }));
}

function send(response: ServerResponse, status: number, headers: Record<string, string>, body: Uint8Array, cut: boolean): void {
  response.writeHead(status, { ...headers, 'content-length': String(body.length) });
  if (cut) response.write(body.subarray(0, body.length >> 1), () => response.destroy());
  else response.end(body);
}

function sendObject({ stored, bucket }: State, key: string, request: IncomingMessage, response: ServerResponse, cut: boolean): void {
  const content = stored.get(key);
  if (content === undefined) return void response.writeHead(404).end(`No such object: ${bucket}/${key}`);
  const headers = { 'content-type': 'application/octet-stream', 'x-goog-stored-content-encoding': 'identity' };
  const range = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '');
  if (range === null) {
    send(response, 200, headers, content, cut);
    return;
  }
  const start = Number(range[1]);
  if (start >= content.length) return void response.writeHead(416).end('The requested range cannot be satisfied.');
  const end = Math.min(Number(range[2]) + 1, content.length);
  send(response, 206, { ...headers, 'content-range': `bytes ${start}-${end - 1}/${content.length}` }, content.subarray(start, end), cut);
}

function sendListing(state: State, query: URLSearchParams, response: ServerResponse, cut: boolean): void {
  const prefix = query.get('prefix') ?? '';
  const delimiter = query.get('delimiter') ?? '';
  const after = Buffer.from(query.get('pageToken') ?? '', 'base64url').toString();
  const most = Math.min(state.pageSize ?? 3, Number(query.get('maxResults') ?? 1000));
  const from = Buffer.from(query.get('startOffset') ?? '');
  const keys = [...state.stored.keys()].filter((key) => key.startsWith(prefix) && Buffer.compare(Buffer.from(key), from) >= 0);
  keys.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  const items: object[] = [];
  const prefixes: string[] = [];
  let last = '';
  let more = false;
  for (const key of keys) {
    const at = delimiter === '' ? -1 : key.indexOf(delimiter, prefix.length);
    const name = at < 0 ? key : key.slice(0, at + 1);
    if (name === last || (after !== '' && Buffer.compare(Buffer.from(name), Buffer.from(after)) <= 0)) continue;
    if (items.length + prefixes.length === most) {
      more = true;
      break;
    }
    last = name;
    if (at < 0) items.push({ name, size: String(state.stored.get(key)!.length), updated: state.updated });
    else prefixes.push(name);
  }
  const answer = {
    ...(items.length > 0 && { items }),
    ...(prefixes.length > 0 && { prefixes }),
    ...(more && { nextPageToken: Buffer.from(last).toString('base64url') }),
  };
  send(response, 200, { 'content-type': 'application/json' }, Buffer.from(JSON.stringify(answer)), cut);
}

/** A multipart upload: the object's metadata, then its content. */
function store(state: State, request: IncomingMessage, body: Buffer, response: ServerResponse): void {
  const boundary = /boundary="?([^";]+)"?/.exec(request.headers['content-type'] ?? '')?.[1];
  const parts = body.toString('latin1').split(`--${boundary}`).slice(1, 3);
  const contents = parts.map((part) => part.slice(part.indexOf('\r\n\r\n') + 4, -2));
  const metadata = JSON.parse(contents[0] ?? '{}') as { readonly name?: string; readonly md5Hash?: string };
  const name = new URL(request.url ?? '/', 'http://loopback').searchParams.get('name') ?? metadata.name;
  const content = Buffer.from(contents[1] ?? '', 'latin1');
  if (boundary === undefined || name === undefined || metadata.md5Hash !== createHash('md5').update(content).digest('base64')) {
    sendError(response, 400, 'no multipart upload with a name and a good MD5');
    return;
  }
  state.stored.set(name, content);
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ name, bucket: state.bucket, size: content.length }));
}
