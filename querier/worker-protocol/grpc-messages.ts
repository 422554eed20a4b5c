import { gunzipSync, gzipSync } from 'node:zlib';
import { AppError, toAppError } from '#engine/base/errors.ts';
import { compressSnappy, decompressSnappy } from './framed-snappy.ts';

/** How messages of one direction of a stream may be compressed. */
export type MessageEncoding = 'identity' | 'gzip' | 'snappy';

/** What is accepted of a peer, as `grpc-accept-encoding` says it. */
export const acceptedEncodings = 'snappy,gzip';

/** The encoding of a `grpc-encoding` header; undefined for one that is not known here. */
export function messageEncoding(header: string | undefined): MessageEncoding | undefined {
  if (header === undefined || header === '' || header === 'identity') return 'identity';
  return header === 'gzip' || header === 'snappy' ? header : undefined;
}

const prefixBytes = 5;

/** Messages that are smaller go as they are: compressing costs more than it saves. The flag of each message says so. */
const compressFromBytes = 1024;

function compressed(content: Uint8Array, encoding: MessageEncoding): Uint8Array | undefined {
  if (encoding === 'identity' || content.length < compressFromBytes) return undefined;
  return encoding === 'gzip' ? gzipSync(content, { level: 1 }) : compressSnappy(content);
}

/** A message with its prefix: flag, length (gRPC's Length-Prefixed-Message). */
export function frameMessage(content: Uint8Array, encoding: MessageEncoding): Buffer {
  const smaller = compressed(content, encoding);
  const body = smaller ?? content;
  const framed = Buffer.allocUnsafe(prefixBytes + body.length);
  framed[0] = smaller === undefined ? 0 : 1;
  framed.writeUInt32BE(body.length, 1);
  framed.set(body, prefixBytes);
  return framed;
}

/** Takes bytes as they arrive. */
export interface MessageReader {
  /** The messages that are complete now. Throws `too_large`, `unimplemented` or `bad_request`: then the stream is of no more use. */
  readonly push: (chunk: Buffer) => readonly Uint8Array[];
}

function decompress(body: Uint8Array, encoding: MessageEncoding, maxBytes: number): Uint8Array {
  if (encoding === 'identity') throw new AppError('internal', 'grpc: compressed flag set with identity or empty encoding');
  if (encoding === 'snappy') return decompressSnappy(body, maxBytes);
  try {
    return gunzipSync(body, { maxOutputLength: maxBytes });
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') {
      throw new AppError('too_large', `grpc: received message after decompression larger than max ${maxBytes}`, { cause: thrown });
    }
    throw new AppError('bad_request', `damaged gzip message: ${toAppError(thrown).message}`, { cause: thrown });
  }
}

/** Reads one direction of a stream. A message may be at most `maxBytes` long, before and after decompression. */
export function createMessageReader(encoding: MessageEncoding, maxBytes: number): MessageReader {
  let chunks: Buffer[] = [];
  let size = 0;
  /** Bytes that the next message needs, its prefix included; the prefix alone as long as it is not there. */
  let wanted = prefixBytes;

  const nextWanted = (bytes: Buffer, from: number): number => {
    if (bytes.length - from < prefixBytes) return prefixBytes;
    const length = bytes.readUInt32BE(from + 1);
    if (length > maxBytes) throw new AppError('too_large', `grpc: received message larger than max (${length} vs. ${maxBytes})`);
    return prefixBytes + length;
  };

  return {
    push: (chunk) => {
      chunks.push(chunk);
      size += chunk.length;
      if (size < wanted) return [];
      const bytes = chunks.length === 1 ? chunk : Buffer.concat(chunks, size);
      const messages: Uint8Array[] = [];
      let at = 0;
      for (wanted = nextWanted(bytes, at); bytes.length - at >= wanted; wanted = nextWanted(bytes, at)) {
        const body = bytes.subarray(at + prefixBytes, at + wanted);
        messages.push(bytes[at] === 0 ? body : decompress(body, encoding, maxBytes));
        at += wanted;
        if (at === bytes.length) {
          wanted = prefixBytes;
          break;
        }
      }
      chunks = at === bytes.length ? [] : [bytes.subarray(at)];
      size = bytes.length - at;
      return messages;
    },
  };
}
