import { createHmac } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

/** Settings of {@link startAzureServer}. */
export interface AzureServerOptions {
  readonly account: string;
  readonly container: string;
  readonly objects: ReadonlyMap<string, Uint8Array>;
  /** Base64 of the account's key; undefined: only tokens count. */
  readonly key?: string;
}

/** Something that goes wrong with the next request that is not for a token. */
export interface AzureFault {
  times?: number;
  readonly kind: 'status' | 'truncate' | 'reset' | 'hang';
  readonly status?: number;
}

/** An emulator of Blob Storage with the account in the path, and the two services that hand out tokens. */
export interface AzureServer {
  /** `host:port`, as the `endpoint_suffix` option takes it. */
  readonly endpoint: string;
  readonly url: string;
  readonly objects: Map<string, Uint8Array>;
  readonly faults: AzureFault[];
  /** Token requests, as they came. */
  readonly tokenRequests: { readonly url: string; readonly headers: IncomingMessage['headers']; readonly body: string }[];
  /** Tokens that are not accepted any more. */
  readonly expired: Set<string>;
  /** Requests that ended without an answer. */
  readonly ended: () => number;
  readonly close: () => Promise<void>;
}

interface State extends AzureServerOptions {
  readonly stored: Map<string, Uint8Array>;
  readonly faults: AzureFault[];
  readonly tokenRequests: { readonly url: string; readonly headers: IncomingMessage['headers']; readonly body: string }[];
  readonly expired: Set<string>;
  ended: number;
}

const pageSize = 3;

/** Starts the server on a loopback port. Tokens are `token-1`, `token-2`, … */
export async function startAzureServer(options: AzureServerOptions): Promise<AzureServer> {
  const state: State = { ...options, stored: new Map(options.objects), faults: [], tokenRequests: [], expired: new Set(), ended: 0 };
  const sockets = new Set<Socket>();
  const server = createServer((request, response) => {
    response.on('close', () => {
      if (!response.headersSent) state.ended++;
    });
    handle(state, request, response).catch((error: unknown) => response.destroy(error as Error));
  });
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const endpoint = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const { stored: objects, faults, tokenRequests, expired } = state;
  return {
    endpoint,
    url: `http://${endpoint}`,
    objects,
    faults,
    tokenRequests,
    expired,
    ended: () => state.ended,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function handle(state: State, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const body = Buffer.concat(chunks);
  const { method = '', url: target = '/', headers } = request;
  const url = new URL(target, 'http://loopback');
  if (url.pathname.endsWith('/token')) {
    state.tokenRequests.push({ url: target, headers, body: body.toString() });
    const token = { access_token: `token-${state.tokenRequests.length}`, expires_in: '3599', token_type: 'Bearer' };
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(token));
    return;
  }
  const fault = state.faults[0];
  if (fault !== undefined) {
    fault.times = (fault.times ?? 1) - 1;
    if (fault.times <= 0) state.faults.shift();
  }
  if (fault?.kind === 'reset') return void request.socket.resetAndDestroy();
  if (fault?.kind === 'hang') return;
  if (fault?.kind === 'status') return fail(response, fault.status ?? 500, 'ServerBusy');
  if (!isAuthorized(state, method, url, headers))
    return fail(response, headers.authorization?.startsWith('Bearer') ? 401 : 403, 'AuthenticationFailed');
  const [account, container, ...rest] = url.pathname.slice(1).split('/').map(decodeURIComponent);
  if (account !== state.account || container !== state.container) return fail(response, 404, 'ContainerNotFound');
  const key = rest.join('/');
  if (method === 'PUT') {
    if (headers['x-ms-blob-type'] !== 'BlockBlob') return fail(response, 400, 'MissingRequiredHeader');
    state.stored.set(key, body);
    return void response.writeHead(201).end();
  }
  if (method === 'DELETE') {
    if (!state.stored.delete(key)) return fail(response, 404, 'BlobNotFound');
    return void response.writeHead(202).end();
  }
  const cut = fault?.kind === 'truncate';
  if (key === '') list(state, url.searchParams, response, cut);
  else sendBlob(state, key, headers.range, response, cut);
}

function isAuthorized(state: State, method: string, url: URL, headers: IncomingMessage['headers']): boolean {
  const given = headers.authorization ?? '';
  if (given.startsWith('Bearer ')) {
    const number = Number(given.slice('Bearer token-'.length));
    return number >= 1 && number <= state.tokenRequests.length && !state.expired.has(given.slice(7));
  }
  if (state.key === undefined || headers['x-ms-version'] === undefined || headers['x-ms-date'] === undefined) return false;
  const length = headers['content-length'] === '0' ? '' : (headers['content-length'] ?? '');
  // VERB, Content-Encoding, Content-Language, Content-Length, Content-MD5, Content-Type, Date, four conditions, Range.
  const lines = [method, '', '', length, '', headers['content-type'] ?? '', '', '', '', '', '', headers.range ?? ''];
  const own = Object.entries(headers).filter(([name]) => name.startsWith('x-ms-'));
  for (const [name, value] of own.sort(([a], [b]) => (a < b ? -1 : 1))) lines.push(`${name}:${value}`);
  let resource = `/${state.account}${url.pathname}`;
  for (const name of [...url.searchParams.keys()].sort()) resource += `\n${name}:${url.searchParams.get(name)}`;
  const signature = createHmac('sha256', Buffer.from(state.key, 'base64'))
    .update([...lines, resource].join('\n'))
    .digest('base64');
  return given === `SharedKey ${state.account}:${signature}`;
}

function fail(response: ServerResponse, status: number, code: string): void {
  const body = `\ufeff<?xml version="1.0" encoding="utf-8"?><Error><Code>${code}</Code><Message>no</Message></Error>`;
  response.writeHead(status, { 'x-ms-error-code': code, 'content-type': 'application/xml' }).end(body);
}

function send(response: ServerResponse, status: number, headers: Record<string, string>, body: Uint8Array, cut: boolean): void {
  response.writeHead(status, { ...headers, 'content-length': String(body.length) });
  if (cut) response.write(body.subarray(0, body.length >> 1), () => response.destroy());
  else response.end(body);
}

function sendBlob({ stored }: State, key: string, asked: string | undefined, response: ServerResponse, cut: boolean): void {
  const content = stored.get(key);
  const range = /^bytes=(\d+)-(\d+)$/.exec(asked ?? '');
  if (content === undefined) fail(response, 404, 'BlobNotFound');
  else if (range === null) send(response, 200, {}, content, cut);
  else if (Number(range[1]) >= content.length) fail(response, 416, 'InvalidRange');
  else {
    const start = Number(range[1]);
    const end = Math.min(Number(range[2]) + 1, content.length);
    send(response, 206, { 'content-range': `bytes ${start}-${end - 1}/${content.length}` }, content.subarray(start, end), cut);
  }
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

function list({ stored }: State, query: URLSearchParams, response: ServerResponse, cut: boolean): void {
  if (query.get('restype') !== 'container' || query.get('comp') !== 'list') {
    fail(response, 400, 'InvalidQueryParameterValue');
    return;
  }
  const prefix = query.get('prefix') ?? '';
  const delimiter = query.get('delimiter') ?? '';
  const after = Buffer.from(query.get('marker') ?? '', 'base64url').toString();
  const keys = [...stored.keys()].filter((key) => key.startsWith(prefix)).sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  const items: string[] = [];
  let last = '';
  let marker = '';
  for (const key of keys) {
    const at = delimiter === '' ? -1 : key.indexOf(delimiter, prefix.length);
    const name = at < 0 ? key : key.slice(0, at + 1);
    if (name === last || (after !== '' && Buffer.compare(Buffer.from(name), Buffer.from(after)) <= 0)) continue;
    if (items.length === pageSize) {
      marker = Buffer.from(last).toString('base64url');
      break;
    }
    last = name;
    const properties = `<Properties><Last-Modified>${new Date().toUTCString()}</Last-Modified><Content-Length>${stored.get(key)!.length}</Content-Length></Properties>`;
    items.push(
      at < 0 ? `<Blob><Name>${escaped(name)}</Name>${properties}</Blob>` : `<BlobPrefix><Name>${escaped(name)}</Name></BlobPrefix>`,
    );
  }
  const xml = `\ufeff<?xml version="1.0" encoding="utf-8"?><EnumerationResults ContainerName="c"><Prefix>${escaped(prefix)}</Prefix><Blobs>${items.join('')}</Blobs><NextMarker>${marker}</NextMarker></EnumerationResults>`;
  send(response, 200, { 'content-type': 'application/xml' }, Buffer.from(xml), cut);
}
