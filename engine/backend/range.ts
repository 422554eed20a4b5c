import { AppError } from '#engine/base/errors.ts';

/** Most bytes of one read. No object that is read whole and no column chunk comes near it. */
export const maxReadBytes = 1024 * 1024 * 1024;

/** A part of an object, end exclusive. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/** Throws `bad_request` unless `0 <= start <= end` in whole numbers, `resource_exhausted` above {@link maxReadBytes}. Returns the length. */
export function checkRange(key: string, start: number, end: number): number {
  if (!Number.isSafeInteger(start) || !Number.isSafeInteger(end) || start < 0 || end < start) {
    throw new AppError('bad_request', `${key}: [${start}, ${end}) is not a byte range`);
  }
  return checkReadSize(key, end - start);
}

/** Throws `resource_exhausted` above {@link maxReadBytes}. Returns the length. */
export function checkReadSize(key: string, length: number): number {
  if (length > maxReadBytes) {
    throw new AppError('resource_exhausted', `${key}: a read of ${length} bytes is above the limit of ${maxReadBytes} bytes`);
  }
  return length;
}

/** Memory for bytes that the caller overwrites completely: not zeroed, and not part of Node's shared pool. */
export function allocateBytes(length: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.allocUnsafeSlow(length).buffer as ArrayBuffer, 0, length);
}

/** The error for an object that ends before the range does. */
export function shortObject(key: string, range: ByteRange, found: number): AppError {
  const wanted = range.end - range.start;
  return new AppError(
    'corrupt_block',
    `${key}: got ${found} of ${wanted} bytes at offset ${range.start}; the object is shorter than expected`,
  );
}

/** What a store says about its answer to a range read. */
export interface RangeAnswer {
  /** Announced length of the body. */
  readonly length: number;
  /** The Content-Range header; absent when the store ignored the range. */
  readonly contentRange: string | undefined;
}

/** Throws unless the answer is exactly the range: `corrupt_block` when the object ends before it, `internal` when the store did not do what it was asked. */
export function checkRangeAnswer(object: string, range: ByteRange, { length, contentRange }: RangeAnswer): void {
  if (contentRange === undefined) throw new AppError('internal', `${object}: the store answers range reads with the whole object`);
  if (!contentRange.startsWith(`bytes ${range.start}-`)) {
    throw new AppError('internal', `${object}: the store answered another range than [${range.start}, ${range.end}): ${contentRange}`);
  }
  const wanted = range.end - range.start;
  if (length < wanted) throw shortObject(object, range, length);
  if (length > wanted) throw new AppError('internal', `${object}: the store answered ${length} bytes to a read of ${wanted}`);
}
