import type { Stats } from 'node:fs';
import { type FileHandle, mkdir, open, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type ExpectedCredentials, signatureProblem } from './s3-signature.ts';

/** Settings of {@link startS3Server}. */
export interface S3ServerOptions extends ExpectedCredentials {
  /** The folder that the bucket shows. Read on every request. */
  readonly root: string;
  readonly bucket: string;
  /** What IAM says of who signed: refused requests get 403. Everything is allowed without it. */
  readonly allows?: (request: { readonly action: 's3:GetObject' | 's3:ListBucket' | 's3:PutObject'; readonly resource: string }) => boolean;
  /** Most entries of one listing answer; small, so that listings are paged. */
  readonly pageSize?: number;
}

/** Something that goes wrong with one request. The first fault that fits a request is used up by it. */
export interface S3Fault {
  /** Which requests: all without it. */
  readonly match?: (request: { readonly method: string; readonly key: string; readonly query: URLSearchParams }) => boolean;
  /** How many requests it hits; 1 without it. */
  times?: number;
  readonly kind: 'status' | 'slow' | 'truncate' | 'reset' | 'hang';
  /** `status`: the HTTP status, its S3 code and its headers. */
  readonly status?: number;
  readonly code?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** `slow`: waits so long before the answer, which is then a good one. */
  readonly delayMs?: number;
}

/** One request as the server saw it. */
export interface S3Request {
  readonly method: string;
  /** Object key without bucket; '' for a listing. */
  readonly key: string;
  readonly query: string;
  readonly range: string | undefined;
  readonly status: number;
  /** Bytes of the body that the server sent. */
  readonly sentBytes: number;
}

/** A running server. */
export interface S3Server {
  readonly url: string;
  /** `host:port`, as the `endpoint` option of a backend takes it. */
  readonly endpoint: string;
  readonly port: number;
  /** All requests so far, in order of their answers. */
  readonly requests: () => readonly S3Request[];
  readonly clearRequests: () => void;
  /** Faults to come; push to it. */
  readonly faults: S3Fault[];
  /** Connections accepted so far, to see keep-alive at work. */
  readonly connections: () => number;
  readonly close: () => Promise<void>;
}

interface Call {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly method: string;
  readonly key: string;
  readonly query: URLSearchParams;
  /** Cut the body after its first half. */
  readonly truncate: boolean;
}

/** Serves a folder as an S3 bucket on a loopback port (path-style addresses, signatures checked). */
export async function startS3Server(options: S3ServerOptions): Promise<S3Server> {
  const requests: S3Request[] = [];
  const faults: S3Fault[] = [];
  const sockets = new Set<Socket>();
  let connections = 0;
  const server = createServer((request, response) => {
    handle(options, faults, requests, request, response).catch((error: unknown) => response.destroy(error as Error));
  });
  server.on('connection', (socket) => {
    connections++;
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    endpoint: `127.0.0.1:${port}`,
    port,
    requests: () => requests,
    clearRequests: () => requests.splice(0),
    faults,
    connections: () => connections,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function handle(options: S3ServerOptions, faults: S3Fault[], log: S3Request[], request: IncomingMessage, response: ServerResponse) {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const url = new URL(request.url ?? '/', 'http://loopback');
  const [bucket, ...rest] = url.pathname.slice(1).split('/').map(decodeURIComponent);
  const method = request.method ?? 'GET';
  const key = rest.join('/');
  const query = url.searchParams;
  const range = request.headers.range;
  response.on('close', () => {
    const status = response.headersSent ? response.statusCode : 0;
    log.push({ method, key, query: url.search, range, status, sentBytes: Number(response.getHeader('x-sent') ?? 0) });
  });

  const fault = takeFault(faults, method, key, query);
  if (fault?.kind === 'reset') return request.socket.resetAndDestroy();
  if (fault?.kind === 'hang') return;
  if (fault?.kind === 'slow') await delay(fault.delayMs ?? 100);
  if (fault?.kind === 'status') return sendError(response, fault.status ?? 500, fault.code ?? 'InternalError', fault.headers);

  const problem = signatureProblem(request, Buffer.concat(chunks), options);
  if (problem !== undefined) return sendError(response, 403, problem);
  if (!(options.allows?.(accessOf(method, bucket!, key)) ?? true)) return sendError(response, 403, 'AccessDenied');
  if (bucket !== options.bucket) return sendError(response, 404, 'NoSuchBucket');
  if (method === 'PUT' && key !== '') return receiveObject(options.root, key, Buffer.concat(chunks), response);
  if (method === 'DELETE' && key !== '') return removeObject(options.root, key, response);
  if (method !== 'GET' && method !== 'HEAD') return sendError(response, 405, 'MethodNotAllowed');
  const call: Call = { request, response, method, key, query, truncate: fault?.kind === 'truncate' };
  return key === '' ? await sendListing(options, call) : await sendObject(options.root, call);
}

/** The action and the ARN that a request needs permission for. */
function accessOf(method: string, bucket: string, key: string) {
  const action = method !== 'GET' && method !== 'HEAD' ? 's3:PutObject' : key === '' ? 's3:ListBucket' : 's3:GetObject';
  return { action, resource: `arn:aws:s3:::${bucket}${key === '' ? '' : `/${key}`}` } as const;
}

function takeFault(faults: S3Fault[], method: string, key: string, query: URLSearchParams): S3Fault | undefined {
  const fault = faults.find((candidate) => candidate.match?.({ method, key, query }) ?? true);
  if (fault === undefined) return undefined;
  fault.times = (fault.times ?? 1) - 1;
  if (fault.times <= 0) faults.splice(faults.indexOf(fault), 1);
  return fault;
}

function send(response: ServerResponse, status: number, headers: Record<string, string>, body: Uint8Array, truncate = false): void {
  const sent = truncate ? body.subarray(0, body.length >> 1) : body;
  response.setHeader('x-sent', String(sent.length));
  response.writeHead(status, { ...headers, 'content-length': String(body.length), 'x-amz-request-id': '0' });
  if (!truncate) {
    response.end(sent);
    return;
  }
  response.write(sent, () => response.destroy());
}

function sendError(response: ServerResponse, status: number, code: string, headers: Readonly<Record<string, string>> = {}): void {
  const body = `<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code><Message>${code} &amp; so on</Message></Error>`;
  send(response, status, { 'content-type': 'application/xml', ...headers }, Buffer.from(body));
}

async function sendObject(root: string, call: Call): Promise<void> {
  const { response, key } = call;
  const file = path.join(root, ...key.split('/'));
  if (!file.startsWith(path.resolve(root))) return sendError(response, 400, 'InvalidURI');
  const handle = await open(file).catch(() => undefined);
  try {
    // Of the open file: the object may be replaced meanwhile.
    const found = await handle?.stat();
    if (handle === undefined || !found?.isFile()) return sendError(response, 404, 'NoSuchKey');
    await sendFile(handle, found, call);
  } finally {
    await handle?.close();
  }
}

async function sendFile(handle: FileHandle, found: Stats, { request, response, method, truncate }: Call): Promise<void> {
  const headers: Record<string, string> = {
    'content-type': 'application/octet-stream',
    'last-modified': new Date(found.mtimeMs).toUTCString(),
    etag: `"${found.ino}-${found.size}"`,
    'accept-ranges': 'bytes',
  };
  const range = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '');
  const start = range === null ? 0 : Number(range[1]);
  const end = range === null ? found.size : Math.min(Number(range[2]) + 1, found.size);
  if (range !== null && start >= found.size) return sendError(response, 416, 'InvalidRange');
  if (range !== null) headers['content-range'] = `bytes ${start}-${end - 1}/${found.size}`;
  if (method === 'HEAD') {
    response.writeHead(200, { ...headers, 'content-length': String(found.size) }).end();
    return;
  }
  const body = Buffer.alloc(end - start);
  await handle.read(body, 0, body.length, start);
  send(response, range === null ? 200 : 206, headers, body, truncate);
}

let written = 0;

async function receiveObject(root: string, key: string, body: Uint8Array, response: ServerResponse): Promise<void> {
  const file = path.join(root, ...key.split('/'));
  if (!file.startsWith(path.resolve(root))) return sendError(response, 400, 'InvalidURI');
  await mkdir(path.dirname(file), { recursive: true });
  // Outside the bucket's folders, so that no listing shows it.
  const partial = `${path.resolve(root)}-put-${written++}`;
  await writeFile(partial, body);
  await rename(partial, file);
  send(response, 200, { etag: '"0"' }, new Uint8Array(0));
}

async function removeObject(root: string, key: string, response: ServerResponse): Promise<void> {
  const file = path.join(root, ...key.split('/'));
  if (!file.startsWith(path.resolve(root))) return sendError(response, 400, 'InvalidURI');
  await rm(file, { force: true });
  response.writeHead(204, { 'x-amz-request-id': '0' }).end();
}

interface Entry {
  readonly key: string;
  readonly size: number;
  readonly modified: Date;
}

async function sendListing({ root, bucket, pageSize = 3 }: S3ServerOptions, { response, query, truncate }: Call): Promise<void> {
  if (query.get('list-type') !== '2') return sendError(response, 501, 'NotImplemented');
  const prefix = query.get('prefix') ?? '';
  const delimiter = query.get('delimiter') ?? '';
  const token = query.get('continuation-token');
  const after = token === null ? (query.get('start-after') ?? '') : Buffer.from(token, 'base64url').toString();
  const most = Math.min(pageSize, Number(query.get('max-keys') ?? 1000));
  const spell = query.get('encoding-type') === 'url' ? urlEncode : escapeXml;

  const items: string[] = [];
  const folders = new Set<string>();
  let last = '';
  let truncated = false;
  for (const entry of await walk(root, '')) {
    if (!entry.key.startsWith(prefix)) continue;
    const cut = delimiter === '' ? -1 : entry.key.indexOf(delimiter, prefix.length);
    const name = cut < 0 ? entry.key : entry.key.slice(0, cut + delimiter.length);
    if (name <= after || folders.has(name)) continue;
    if (items.length === most) {
      truncated = true;
      break;
    }
    last = name;
    if (cut >= 0) {
      folders.add(name);
      items.push(`<CommonPrefixes><Prefix>${spell(name)}</Prefix></CommonPrefixes>`);
    } else {
      const fields = `<LastModified>${entry.modified.toISOString()}</LastModified><ETag>&quot;0&quot;</ETag><Size>${entry.size}</Size>`;
      items.push(`<Contents><Key>${spell(name)}</Key>${fields}<StorageClass>STANDARD</StorageClass></Contents>`);
    }
  }
  const more = truncated ? `<NextContinuationToken>${Buffer.from(last).toString('base64url')}</NextContinuationToken>` : '';
  const encoding = query.get('encoding-type') === 'url' ? '<EncodingType>url</EncodingType>' : '';
  const body =
    `<?xml version="1.0" encoding="UTF-8"?>\n<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>${bucket}</Name>` +
    `<Prefix>${spell(prefix)}</Prefix>${encoding}<KeyCount>${items.length}</KeyCount><MaxKeys>${most}</MaxKeys>` +
    `<IsTruncated>${truncated}</IsTruncated>${more}${items.join('')}</ListBucketResult>`;
  send(response, 200, { 'content-type': 'application/xml' }, Buffer.from(body), truncate);
}

async function walk(root: string, prefix: string): Promise<Entry[]> {
  const entries: Entry[] = [];
  for (const entry of await readdir(path.join(root, prefix), { withFileTypes: true })) {
    const key = prefix + entry.name;
    if (entry.isDirectory()) {
      entries.push(...(await walk(root, `${key}/`)));
    } else {
      const { size, mtime } = await stat(path.join(root, key));
      entries.push({ key, size, modified: mtime });
    }
  }
  return entries.sort((a, b) => Buffer.compare(Buffer.from(a.key), Buffer.from(b.key)));
}

function escapeXml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

function urlEncode(text: string): string {
  return encodeURIComponent(text).replaceAll('%2F', '/').replaceAll('%20', '+');
}
