import { printForm } from '#engine/api/form.ts';
import { wireStatuses } from '#engine/api/status.ts';
import { AppError } from '#engine/base/errors.ts';
import type { FunctionRequest, FunctionResponse } from './exchange.ts';

type Headers = Readonly<Record<string, string | undefined>>;
type MultiValues = Readonly<Record<string, readonly string[] | undefined>>;

/** The part of a request that carries a body. */
interface EventBody {
  readonly body?: string | null;
  readonly isBase64Encoded?: boolean;
}

/** A request of an Application Load Balancer's target group (spec serverless §3.4). Members that do not matter are left out. */
export interface AlbEvent extends EventBody {
  readonly httpMethod?: string;
  readonly path?: string;
  readonly queryStringParameters?: Headers | null;
  readonly multiValueQueryStringParameters?: MultiValues | null;
  readonly headers?: Headers | null;
  readonly multiValueHeaders?: MultiValues | null;
}

/** A request of a function URL or an HTTP API (payload format 2.0). */
export interface HttpApiEvent extends EventBody {
  readonly version: '2.0';
  readonly rawPath?: string;
  readonly rawQueryString?: string;
  readonly headers?: Headers | null;
  readonly requestContext?: { readonly http?: { readonly method?: string } };
}

/** What an Application Load Balancer wants back. Without `headers` it would answer 502. */
export interface AlbResult {
  readonly statusCode: number;
  readonly statusDescription: '';
  readonly headers: Readonly<Record<string, string>>;
  readonly multiValueHeaders: null;
  readonly body: string;
  readonly isBase64Encoded: boolean;
}

/** What a function URL or an HTTP API wants back. */
export interface HttpApiResult {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly isBase64Encoded: boolean;
}

/** A call by `Invoke`, without HTTP (docs/function-protocol.md). Its body is base64, as payloads are text. */
export interface DirectEvent {
  readonly rubato: { readonly type: string; readonly gzip?: boolean; readonly body: string };
}

/** The answer to a {@link DirectEvent}; the body is base64. */
export interface DirectResult {
  readonly rubato: { readonly status: number; readonly type: string; readonly gzip: boolean; readonly body: string };
}

/** Any event that the function understands. */
export type LambdaEvent = AlbEvent | HttpApiEvent | DirectEvent;

/** Most bytes of a result as JSON. Beyond them the platform answers with an error that says nothing. */
interface ResultLimit {
  readonly maxBytes: number;
  readonly owner: string;
}

/** What a result has beside its body. */
const envelopeBytes = 2048;

/** Most bytes of a body that becomes base64 within a result. */
function maxBodyBytes({ maxBytes }: ResultLimit): number {
  return Math.floor((maxBytes - envelopeBytes) / 4) * 3;
}

const albLimit: ResultLimit = { maxBytes: 1024 * 1024, owner: 'an Application Load Balancer takes from a Lambda function' };
const lambdaLimit: ResultLimit = { maxBytes: 6 * 1024 * 1024, owner: 'a Lambda function may answer' };

/** A function URL's or HTTP API's event. */
export function isHttpApiEvent(event: LambdaEvent): event is HttpApiEvent {
  return 'version' in event && event.version === '2.0';
}

/** An event of `Invoke`. */
export function isDirectEvent(event: LambdaEvent): event is DirectEvent {
  return 'rubato' in event && typeof event.rubato?.body === 'string';
}

function bodyOf({ body, isBase64Encoded }: EventBody): FunctionRequest['body'] {
  return async () => Buffer.from(body ?? '', isBase64Encoded === true ? 'base64' : 'utf8');
}

/** Reads a call by `Invoke`. */
export function readDirectEvent({ rubato: { type, gzip, body } }: DirectEvent): Omit<FunctionRequest, 'signal'> {
  const headers = { 'content-type': type, 'accept-encoding': 'gzip', ...(gzip === true && { 'content-encoding': 'gzip' }) };
  return { method: 'POST', url: '/', headers, body: async () => Buffer.from(body, 'base64'), maxBodyBytes: maxBodyBytes(lambdaLimit) };
}

/** Writes the answer to a call by `Invoke`. */
export function directResult({ status, headers, body }: FunctionResponse): DirectResult {
  const gzip = headers['content-encoding'] === 'gzip';
  return { rubato: { status, type: headers['content-type'] ?? '', gzip, body: Buffer.from(body).toString('base64') } };
}

/** Reads a load balancer's request. Values come still escaped, keys are taken as they are. Throws `internal` with Tempo's text for a bad escape. */
export function readAlbEvent(event: AlbEvent): Omit<FunctionRequest, 'signal'> {
  const pairs = new Map<string, readonly string[]>();
  for (const [name, value] of Object.entries(event.queryStringParameters ?? {})) {
    pairs.set(name, [unescapeQuery(value ?? '', `query string parameter ${name}`)]);
  }
  for (const [name, values] of Object.entries(event.multiValueQueryStringParameters ?? {})) {
    pairs.set(
      name,
      (values ?? []).map((value) => unescapeQuery(value, `multi val query string parameter ${name}`)),
    );
  }
  const query = printForm([...pairs].flatMap(([name, values]) => values.map((value) => [name, value] as const)));
  const headers: Record<string, string | undefined> = lowerCased(event.headers);
  for (const [name, values] of Object.entries(event.multiValueHeaders ?? {})) headers[name.toLowerCase()] = values?.[0];
  const url = `${event.path ?? '/'}?${query}`;
  return { method: event.httpMethod || 'GET', url, headers, body: bodyOf(event), maxBodyBytes: maxBodyBytes(albLimit) };
}

/** Reads a request of a function URL or an HTTP API. */
export function readHttpApiEvent(event: HttpApiEvent): Omit<FunctionRequest, 'signal'> {
  return {
    method: event.requestContext?.http?.method ?? 'GET',
    url: `${event.rawPath ?? '/'}?${event.rawQueryString ?? ''}`,
    headers: lowerCased(event.headers),
    body: bodyOf(event),
    maxBodyBytes: maxBodyBytes(lambdaLimit),
  };
}

/** Answers that are not text go out as base64, with their headers. */
function binaryResult({ status, headers, body }: FunctionResponse) {
  return { statusCode: status, headers, body: Buffer.from(body).toString('base64'), isBase64Encoded: true } as const;
}

function isBinary({ headers }: FunctionResponse): boolean {
  return headers['content-type']?.startsWith('application/vnd.rubato.') === true;
}

/** Writes an answer for a load balancer: at most 1 MiB, else 413 with what to do. Real queriers get no headers, as from their own function. */
export function albResult(response: FunctionResponse): AlbResult {
  const rest = { statusDescription: '', multiValueHeaders: null } as const;
  if (isBinary(response)) return { ...binaryResult(response), ...rest };
  return bounded(albLimit, response, ({ status, body }) => ({
    statusCode: status,
    ...rest,
    headers: {},
    body: Buffer.from(body).toString(),
    isBase64Encoded: false,
  }));
}

/** Writes an answer for a function URL or an HTTP API: at most 6 MiB, else 413 with what to do. */
export function httpApiResult(response: FunctionResponse): HttpApiResult {
  if (isBinary(response)) return binaryResult(response);
  return bounded(lambdaLimit, response, ({ status, headers, body }) => ({
    statusCode: status,
    headers,
    body: Buffer.from(body).toString(),
    isBase64Encoded: false,
  }));
}

function bounded<Result>(limit: ResultLimit, response: FunctionResponse, write: (response: FunctionResponse) => Result): Result {
  const result = write(response);
  const sizeBytes = Buffer.byteLength(JSON.stringify(result));
  if (sizeBytes <= limit.maxBytes) return result;
  const advice = 'ask for fewer traces (limit) or spans (spss), or make jobs smaller (target_bytes_per_job of the query-frontend)';
  const text = `serverless [sending response]: the answer has ${sizeBytes} bytes, more than the ${limit.maxBytes} that ${limit.owner}; ${advice}`;
  return write({ status: wireStatuses.too_large.http, headers: { 'content-type': 'text/plain; charset=utf-8' }, body: Buffer.from(text) });
}

function lowerCased(headers: Headers | null | undefined): Record<string, string | undefined> {
  return Object.fromEntries(Object.entries(headers ?? {}).map(([name, value]) => [name.toLowerCase(), value]));
}

/** Undoes one level of query escaping, as Go's QueryUnescape does. */
function unescapeQuery(text: string, what: string): string {
  const bad = text.search(/%(?![0-9A-Fa-f]{2})/);
  if (bad >= 0) {
    throw new AppError('internal', `failed to unescape ${what}: ${text}: invalid URL escape "${text.slice(bad, bad + 3)}"`);
  }
  const spaced = text.replaceAll('+', ' ');
  if (!spaced.includes('%')) return spaced;
  const bytes = Buffer.from(spaced).toString('latin1');
  const unescaped = bytes.replace(/%(..)/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)));
  return Buffer.from(unescaped, 'latin1').toString();
}
