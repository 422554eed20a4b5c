import { snappyCompressor, snappyUncompressor } from 'hysnappy';
import { crc32c } from '#engine/base/crc32c.ts';
import { AppError, toAppError } from '#engine/base/errors.ts';

/**
 * The framed stream format of snappy: what gRPC peers written in Go mean by `grpc-encoding: snappy` (spec read-path §9.2). A stream identifier, then chunks of
 * at most 64 KiB, compressed or not, each with a masked CRC-32C of its content.
 */

const identifier = Buffer.from('ff060000734e61507059', 'hex');
const compressedChunk = 0x00;
const plainChunk = 0x01;
/** Chunks from here on up to `0xfe` may be passed over: padding and what the format reserves so. */
const firstSkippable = 0x80;
const identifierChunk = 0xff;
const maxChunkBytes = 65536;
const checksumBytes = 4;
const headerBytes = 4;

const compress = snappyCompressor();
const uncompress = snappyUncompressor();

function maskedChecksum(bytes: Uint8Array): number {
  const crc = crc32c(bytes);
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}

function chunk(type: number, checksum: number, content: Uint8Array): Buffer {
  const bytes = Buffer.allocUnsafe(headerBytes + checksumBytes + content.length);
  bytes[0] = type;
  bytes.writeUIntLE(checksumBytes + content.length, 1, 3);
  bytes.writeUInt32LE(checksum, headerBytes);
  bytes.set(content, headerBytes + checksumBytes);
  return bytes;
}

/** A framed stream of these bytes; what does not shrink by an eighth stays as it is. */
export function compressSnappy(bytes: Uint8Array): Uint8Array {
  const pieces: Uint8Array[] = [identifier];
  for (let from = 0; from < bytes.length; from += maxChunkBytes) {
    const part = bytes.subarray(from, from + maxChunkBytes);
    const checksum = maskedChecksum(part);
    const smaller = compress(part);
    const worth = smaller.length < part.length - part.length / 8;
    pieces.push(chunk(worth ? compressedChunk : plainChunk, checksum, worth ? smaller : part));
  }
  return Buffer.concat(pieces);
}

const damaged = (problem: string, cause?: unknown) => new AppError('bad_request', `damaged snappy stream: ${problem}`, { cause });

/** A block starts with its length before compression. */
function plainLength(block: Uint8Array): number {
  let length = 0;
  for (let at = 0; at < Math.min(3, block.length); at++) {
    length |= (block[at]! & 0x7f) << (7 * at);
    if (block[at]! < 0x80) return length;
  }
  throw damaged('a chunk without length');
}

function readBlock(block: Uint8Array): Uint8Array {
  const length = plainLength(block);
  if (length > maxChunkBytes) throw damaged(`a chunk of ${length} bytes`);
  try {
    return uncompress(block, length);
  } catch (thrown) {
    throw damaged(toAppError(thrown).message, thrown);
  }
}

/** The bytes of a framed stream. Throws `bad_request` where it is damaged and `too_large` where it holds more than `maxBytes`. */
export function decompressSnappy(stream: Uint8Array, maxBytes: number): Uint8Array {
  const view = Buffer.from(stream.buffer, stream.byteOffset, stream.byteLength);
  const pieces: Uint8Array[] = [];
  let size = 0;
  for (let at = 0; at < view.length; ) {
    if (at + headerBytes > view.length) throw damaged('it ends inside a header');
    const type = view[at]!;
    const end = at + headerBytes + view.readUIntLE(at + 1, 3);
    if (end > view.length) throw damaged('it ends inside a chunk');
    const content = view.subarray(at + headerBytes, end);
    if (at === 0 && !view.subarray(0, end).equals(identifier)) throw damaged('no stream identifier');
    at = end;
    if (type === identifierChunk || (type >= firstSkippable && type < identifierChunk)) continue;
    if (type > plainChunk) throw damaged(`chunk type ${type}`);
    if (content.length < checksumBytes) throw damaged('a chunk without checksum');
    const body = content.subarray(checksumBytes);
    const part = type === compressedChunk ? readBlock(body) : body;
    if (part.length > maxChunkBytes) throw damaged(`a chunk of ${part.length} bytes`);
    if (maskedChecksum(part) !== content.readUInt32LE(0)) throw damaged('a checksum does not match');
    size += part.length;
    if (size > maxBytes) throw new AppError('too_large', `grpc: received message after decompression larger than max ${maxBytes}`);
    pieces.push(part);
  }
  return pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces, size);
}
