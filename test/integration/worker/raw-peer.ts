// Peers of the worker protocol, written on nothing but node:http2: what they send and see is the wire itself.

import { once } from 'node:events';
import http2 from 'node:http2';

/** A field of a protobuf message: number and content. */
export type Field = readonly [number: number, content: bigint | Buffer];

function varint(value: bigint): Buffer {
  const bytes: number[] = [];
  for (let rest = value; ; rest >>= 7n) {
    if (rest < 0x80n) return Buffer.from([...bytes, Number(rest)]);
    bytes.push(Number(rest & 0x7fn) | 0x80);
  }
}

/** Encodes a message. */
export function message(...fields: readonly (readonly [number, bigint | Buffer | string])[]): Buffer {
  return Buffer.concat(
    fields.flatMap(([number, content]) => {
      if (typeof content === 'bigint') return [varint(BigInt(number << 3)), varint(content)];
      const bytes = Buffer.from(content);
      return [varint(BigInt((number << 3) | 2)), varint(BigInt(bytes.length)), bytes];
    }),
  );
}

/** Decodes a message of varints and bytes. */
export function fields(bytes: Buffer): Field[] {
  const found: Field[] = [];
  let at = 0;
  const read = (): bigint => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = BigInt(bytes[at++]!);
      value |= (byte & 0x7fn) << shift;
      if (byte < 0x80n) return value;
    }
  };
  while (at < bytes.length) {
    const tag = Number(read());
    if ((tag & 7) === 0) found.push([tag >> 3, read()]);
    else {
      const length = Number(read());
      found.push([tag >> 3, bytes.subarray(at, at + length)]);
      at += length;
    }
  }
  return found;
}

/** The contents of a field, in order. */
export function all(bytes: Buffer, number: number): Buffer[] {
  return fields(bytes).flatMap(([found, content]) => (found === number && typeof content !== 'bigint' ? [content] : []));
}

/** A number; 0n where it is absent. */
export function number(bytes: Buffer, wanted: number): bigint {
  const found = fields(bytes).find(([name]) => name === wanted)?.[1];
  return typeof found === 'bigint' ? found : 0n;
}

const crcTable = Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = (crc & 1) === 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  return crc >>> 0;
});

/** The checksum of the framed format, bit by bit as its description has it. */
export function maskedCrc(bytes: Buffer): number {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = (crcTable[(crc ^ byte) & 0xff]! ^ (crc >>> 8)) >>> 0;
  crc = (crc ^ 0xffffffff) >>> 0;
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}

export const snappyIdentifier = Buffer.from([0xff, 0x06, 0x00, 0x00, ...Buffer.from('sNaPpY')]);

function chunk(type: number, plain: Buffer, content: Buffer): Buffer {
  const head = Buffer.alloc(8);
  head[0] = type;
  head.writeUIntLE(content.length + 4, 1, 3);
  head.writeUInt32LE(maskedCrc(plain), 4);
  return Buffer.concat([head, content]);
}

/** Snappy's own block format with nothing but literals: any decoder must take it. */
function literalBlock(plain: Buffer): Buffer {
  const pieces: Buffer[] = [varint(BigInt(plain.length))];
  for (let at = 0; at < plain.length; at += 60) {
    const part = plain.subarray(at, at + 60);
    pieces.push(Buffer.from([(part.length - 1) << 2]), part);
  }
  return Buffer.concat(pieces);
}

/** A framed stream; `compressed` chunks hold blocks of literals, the others bytes as they are, as Go sends small messages. */
export function framedSnappy(plain: Buffer, compressed: boolean): Buffer {
  const pieces: Buffer[] = [snappyIdentifier];
  for (let at = 0; at < plain.length; at += 65536) {
    const part = plain.subarray(at, at + 65536);
    pieces.push(compressed ? chunk(0, part, literalBlock(part)) : chunk(1, part, part));
  }
  return Buffer.concat(pieces);
}

/** A gRPC message with its prefix. */
export function grpcFrame(content: Buffer, compressedFlag = 0): Buffer {
  const head = Buffer.alloc(5);
  head[0] = compressedFlag;
  head.writeUInt32BE(content.length, 1);
  return Buffer.concat([head, content]);
}

/** A message as it arrived. */
export interface Received {
  readonly flag: number;
  readonly content: Buffer;
}

/** Cuts a stream of bytes into messages. */
export function messageSplitter(onMessage: (received: Received) => void): (chunk: Buffer) => void {
  let held = Buffer.alloc(0);
  return (bytes) => {
    held = Buffer.concat([held, bytes]);
    while (held.length >= 5 && held.length >= 5 + held.readUInt32BE(1)) {
      const end = 5 + held.readUInt32BE(1);
      onMessage({ flag: held[0]!, content: Buffer.from(held.subarray(5, end)) });
      held = held.subarray(end);
    }
  };
}

/** A request of a frontend, decoded. */
export interface RawRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: readonly (readonly [string, string])[];
}

export function rawRequest(bytes: Buffer): RawRequest {
  const headers = all(bytes, 3).map((one): readonly [string, string] => [String(all(one, 1)[0]), String(all(one, 2)[0])]);
  return { method: String(all(bytes, 1)[0]), url: String(all(bytes, 2)[0]), headers };
}

/** What a frontend said: type 0 single, 1 GET_ID, 2 batch. */
export interface FrontendSaid {
  readonly type: bigint;
  readonly requests: readonly RawRequest[];
}

/** An answer of a querier. */
export interface RawAnswer {
  readonly status: number;
  readonly contentType?: string;
  readonly body: Buffer | string;
}

export function encodeAnswer({ status, contentType, body }: RawAnswer): Buffer {
  const type = contentType === undefined ? [] : [[2, message([1, 'content-type'], [2, contentType])] as const];
  return message([1, BigInt(status)], ...type, [3, body]);
}

export function decodeAnswer(bytes: Buffer): Required<RawAnswer> & { readonly body: Buffer } {
  const headers = new Map(all(bytes, 2).map((one) => [String(all(one, 1)[0]).toLowerCase(), String(all(one, 2)[0])]));
  return { status: Number(number(bytes, 1)), contentType: headers.get('content-type') ?? '', body: all(bytes, 3)[0] ?? Buffer.alloc(0) };
}

/** How a call ended. */
export interface RawStatus {
  readonly code: string;
  readonly message: string;
}

/** A raw querier's stream. */
export interface RawStream {
  /** The next message of the frontend. Rejects when the stream ends first. */
  readonly next: () => Promise<FrontendSaid>;
  readonly sendRaw: (framed: Buffer) => void;
  readonly send: (content: Buffer) => void;
  readonly greet: (clientId: string, features: bigint) => void;
  readonly answer: (answers: readonly RawAnswer[], batch: boolean) => void;
  readonly ended: Promise<RawStatus>;
  readonly responseHeaders: () => http2.IncomingHttpHeaders;
  readonly close: () => void;
}

/** Opens a `Process` stream as a querier does; `compress` turns messages into what `grpc-encoding` says. */
export function openRawStream(
  session: http2.ClientHttp2Session,
  encoding: string | undefined,
  compress: (content: Buffer) => Buffer = (content) => content,
): RawStream {
  const stream = session.request({
    ':method': 'POST',
    ':path': '/frontend.Frontend/Process',
    'content-type': 'application/grpc',
    te: 'trailers',
    ...(encoding === undefined ? {} : { 'grpc-encoding': encoding, 'grpc-accept-encoding': 'snappy,zstd,gzip' }),
  });
  const said: FrontendSaid[] = [];
  const waiting: { resolve: (value: FrontendSaid) => void; reject: (error: Error) => void }[] = [];
  let headers: http2.IncomingHttpHeaders = {};
  let status: RawStatus = { code: '', message: '' };
  const { promise: ended, resolve: end } = Promise.withResolvers<RawStatus>();
  const take = (found: http2.IncomingHttpHeaders): void => {
    if (found['grpc-status'] === undefined) return;
    status = { code: String(found['grpc-status']), message: decodeURIComponent(String(found['grpc-message'] ?? '')) };
  };
  stream.on('response', (found) => {
    headers = found;
    take(found);
  });
  stream.on('trailers', take);
  stream.on('error', () => {});
  stream.on('end', () => stream.close());
  stream.on('close', () => {
    end(status);
    for (const one of waiting.splice(0)) one.reject(new Error(`stream ended: ${status.code} ${status.message}`));
  });
  stream.on(
    'data',
    messageSplitter(({ flag, content }) => {
      if (flag !== 0) throw new Error('the frontend compressed');
      const batch = all(content, 4);
      const one: FrontendSaid = { type: number(content, 2), requests: (batch.length > 0 ? batch : all(content, 1)).map(rawRequest) };
      const waiter = waiting.shift();
      if (waiter === undefined) said.push(one);
      else waiter.resolve(one);
    }),
  );
  const send = (content: Buffer): void => {
    stream.write(encoding === undefined ? grpcFrame(content) : grpcFrame(compress(content), 1));
  };
  return {
    next: () => {
      const first = said.shift();
      if (first !== undefined) return Promise.resolve(first);
      if (stream.closed) return Promise.reject(new Error(`stream ended: ${status.code} ${status.message}`));
      return new Promise((resolve, reject) => waiting.push({ resolve, reject }));
    },
    sendRaw: (framed) => void stream.write(framed),
    send,
    greet: (clientId, features) => send(message([2, clientId], [5, features])),
    answer: (answers, batch) => send(message(...answers.map((one) => [batch ? 4 : 1, encodeAnswer(one)] as const))),
    ended,
    responseHeaders: () => headers,
    close: () => stream.close(http2.constants.NGHTTP2_CANCEL),
  };
}

/** Connects to a port of the loopback interface. */
export async function connectRaw(port: number): Promise<http2.ClientHttp2Session> {
  const session = http2.connect(`http://127.0.0.1:${port}`);
  session.on('error', () => {});
  await once(session, 'connect');
  return session;
}
