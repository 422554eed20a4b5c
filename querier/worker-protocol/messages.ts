import {
  bytesField,
  numberField,
  readBytes,
  readSmallVarint,
  readVarint,
  skipField,
  varint,
  type WireReader,
} from '#engine/api/protobuf-wire.ts';

/**
 * The messages of `frontend.Frontend/Process`, by hand: they carry bodies that are passed on as they are (spec read-path §6, §9.2).
 * FrontendToClient: 1 httpRequest, 2 type, 4 httpRequestBatch. ClientToFrontend: 1 httpResponse, 2 clientID, 4 httpResponseBatch, 5 features.
 */

/** httpgrpc's request: what a job looks like on the way to a querier. */
export interface WorkerRequest {
  readonly method: string;
  /** Path and query string. */
  readonly url: string;
  /** Names as they were sent. */
  readonly headers: readonly (readonly [name: string, value: string])[];
}

/** httpgrpc's response. */
export interface WorkerResponse {
  readonly status: number;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: Uint8Array;
}

/** What a frontend says on a stream. */
export type FrontendMessage =
  | { readonly kind: 'get_id' }
  | { readonly kind: 'request'; readonly request: WorkerRequest }
  | { readonly kind: 'batch'; readonly requests: readonly WorkerRequest[] };

/** What a querier says on a stream. The greeting answers GET_ID; responses are one per request, in the order of the requests. */
export interface WorkerMessage {
  readonly clientId: string;
  readonly features: number;
  readonly responses: readonly WorkerResponse[];
}

/** The feature of taking batches. */
export const batchingFeature = 1;

const utf8 = new TextEncoder();
const text = (bytes: Uint8Array): string => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');

function headerField(number: number, name: string, value: string): Uint8Array {
  return bytesField(number, Buffer.concat([bytesField(1, utf8.encode(name)), bytesField(2, utf8.encode(value))]));
}

/** Field 3 of httpgrpc's request, made once per set of headers. */
export function encodeHeaders(headers: WorkerRequest['headers']): Uint8Array {
  return Buffer.concat(headers.map(([name, value]) => headerField(3, name, value)));
}

const getMethod = bytesField(1, utf8.encode('GET'));

/** httpgrpc's request for a GET with encoded headers. */
export function encodeGet(url: string, headers: Uint8Array): Uint8Array {
  const length = Buffer.byteLength(url);
  const prefix = varint(length);
  const bytes = Buffer.allocUnsafe(getMethod.length + 1 + prefix.length + length + headers.length);
  bytes.set(getMethod, 0);
  let at = getMethod.length;
  bytes[at++] = 0x12;
  for (const byte of prefix) bytes[at++] = byte;
  at += bytes.write(url, at, 'utf8');
  bytes.set(headers, at);
  return bytes;
}

/** What a frontend says first: a request that nobody runs, and type GET_ID. */
export const getIdMessage: Uint8Array = Buffer.concat([
  bytesField(1, encodeGet('/invalid_request_sent_by_frontend', new Uint8Array(0))),
  numberField(2, 1),
]);

/** A message with one request (type 0, which is not written) or a batch, each as {@link encodeGet} makes it. */
export function encodeRequests(requests: readonly Uint8Array[]): Uint8Array {
  if (requests.length === 1) return bytesField(1, requests[0]!);
  return Buffer.concat([numberField(2, 2), ...requests.map((request) => bytesField(4, request))]);
}

function readHeader(bytes: Uint8Array): readonly [string, string] {
  const reader: WireReader = { bytes, at: 0 };
  let name = '';
  let value = '';
  while (reader.at < bytes.length) {
    const tag = readSmallVarint(reader);
    if (tag === 0x0a) name = text(readBytes(reader));
    else if (tag === 0x12) value = value === '' ? text(readBytes(reader)) : `${value}, ${text(readBytes(reader))}`;
    else skipField(reader, tag);
  }
  return [name, value];
}

function readRequest(bytes: Uint8Array): WorkerRequest {
  const reader: WireReader = { bytes, at: 0 };
  const headers: (readonly [string, string])[] = [];
  let method = 'GET';
  let url = '';
  while (reader.at < bytes.length) {
    const tag = readSmallVarint(reader);
    if (tag === 0x0a) method = text(readBytes(reader));
    else if (tag === 0x12) url = text(readBytes(reader));
    else if (tag === 0x1a) headers.push(readHeader(readBytes(reader)));
    else skipField(reader, tag);
  }
  return { method, url, headers };
}

/** Reads FrontendToClient. Throws `internal` where it is damaged. */
export function decodeFrontendMessage(bytes: Uint8Array): FrontendMessage {
  const reader: WireReader = { bytes, at: 0 };
  let single: WorkerRequest | undefined;
  let type = 0n;
  const requests: WorkerRequest[] = [];
  while (reader.at < bytes.length) {
    const tag = readSmallVarint(reader);
    if (tag === 0x0a) single = readRequest(readBytes(reader));
    else if (tag === 0x10) type = readVarint(reader);
    else if (tag === 0x22) requests.push(readRequest(readBytes(reader)));
    else skipField(reader, tag);
  }
  if (type === 1n) return { kind: 'get_id' };
  if (type === 2n) return { kind: 'batch', requests };
  return { kind: 'request', request: single ?? { method: 'GET', url: '', headers: [] } };
}

function encodeResponse({ status, headers, body }: WorkerResponse): Uint8Array {
  const pieces = [numberField(1, status), ...headers.map(([name, value]) => headerField(2, name, value))];
  if (body.length > 0) pieces.push(Uint8Array.from([0x1a, ...varint(body.length)]), body);
  return Buffer.concat(pieces);
}

/** The answer to GET_ID, without responses. */
export function encodeGreeting(clientId: string, features: number): Uint8Array {
  return Buffer.concat([bytesField(2, utf8.encode(clientId)), numberField(5, features)]);
}

/** The answer to a single request: field 1. */
export function encodeSingleAnswer(response: WorkerResponse): Uint8Array {
  return bytesField(1, encodeResponse(response));
}

/** The answer to a batch, also to one of a single request: field 4, in the order of the requests. */
export function encodeBatchAnswer(responses: readonly WorkerResponse[]): Uint8Array {
  return Buffer.concat(responses.map((response) => bytesField(4, encodeResponse(response))));
}

function readResponse(bytes: Uint8Array): WorkerResponse {
  const reader: WireReader = { bytes, at: 0 };
  const headers: (readonly [string, string])[] = [];
  let status = 0;
  let body: Uint8Array = new Uint8Array(0);
  while (reader.at < bytes.length) {
    const tag = readSmallVarint(reader);
    if (tag === 0x08) status = Number(readVarint(reader));
    else if (tag === 0x12) headers.push(readHeader(readBytes(reader)));
    else if (tag === 0x1a) body = readBytes(reader);
    else skipField(reader, tag);
  }
  return { status, headers, body };
}

/** Reads ClientToFrontend. Throws `internal` where it is damaged. */
export function decodeWorkerMessage(bytes: Uint8Array): WorkerMessage {
  const reader: WireReader = { bytes, at: 0 };
  let clientId = '';
  let features = 0;
  const responses: WorkerResponse[] = [];
  while (reader.at < bytes.length) {
    const tag = readSmallVarint(reader);
    if (tag === 0x0a || tag === 0x22) responses.push(readResponse(readBytes(reader)));
    else if (tag === 0x12) clientId = text(readBytes(reader));
    else if (tag === 0x28) features = Number(readVarint(reader));
    else skipField(reader, tag);
  }
  return { clientId, features, responses };
}

/** The client id of a NotifyClientShutdown request. */
export function decodeClientShutdown(bytes: Uint8Array): string {
  const reader: WireReader = { bytes, at: 0 };
  let clientId = '';
  while (reader.at < bytes.length) {
    const tag = readSmallVarint(reader);
    if (tag === 0x0a) clientId = text(readBytes(reader));
    else skipField(reader, tag);
  }
  return clientId;
}

/** The request of NotifyClientShutdown. */
export function encodeClientShutdown(clientId: string): Uint8Array {
  return bytesField(1, utf8.encode(clientId));
}
