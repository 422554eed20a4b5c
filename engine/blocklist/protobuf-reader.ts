import { AppError } from '#engine/base/errors.ts';

/** One field of a protobuf message. */
export interface ProtobufField {
  readonly number: number;
  /** A varint; negative for a negative int64. NaN for the other wire types. */
  readonly value: number;
  /** Content of a length-delimited field, a view; undefined for the other wire types. */
  readonly bytes: Uint8Array | undefined;
}

/**
 * The fields of one message, in order, for the few messages of the blocklist. Nothing is copied and nothing is deeper than the caller goes, so that bad input
 * costs no more than its length. Throws `corrupt_block` for anything malformed, and for integers that a JavaScript number cannot hold.
 */
export function* readProtobufFields(message: Uint8Array): Generator<ProtobufField> {
  let at = 0;
  const varint = (): number => {
    let low = 0;
    for (let length = 0, scale = 1; length < 7; length++, scale *= 128) {
      if (at >= message.length) throw malformed('ends in the middle of a number');
      const byte = message[at++];
      low += (byte & 0x7f) * scale;
      if (byte < 0x80) return low;
    }
    // More than 49 bits: a negative number, or one that is hardly meant.
    let value = BigInt(low);
    for (let length = 7; length < 10; length++) {
      if (at >= message.length) throw malformed('ends in the middle of a number');
      const byte = message[at++];
      value |= BigInt(byte & 0x7f) << BigInt(7 * length);
      if (byte < 0x80) {
        const signed = Number(BigInt.asIntN(64, value));
        if (Number.isSafeInteger(signed)) return signed;
        throw malformed('holds a number above 2^53');
      }
    }
    throw malformed('holds a number of more than ten bytes');
  };
  while (at < message.length) {
    const tag = varint();
    const number = Math.floor(tag / 8);
    if (tag < 8 || tag > 0xffffffff) throw malformed('holds a field without a number');
    const wireType = tag % 8;
    if (wireType === 0) {
      yield { number, value: varint(), bytes: undefined };
    } else if (wireType === 2) {
      const length = varint();
      if (length < 0 || length > message.length - at) throw malformed('ends in the middle of a field');
      yield { number, value: Number.NaN, bytes: message.subarray(at, at + length) };
      at += length;
    } else if (wireType === 1 || wireType === 5) {
      const length = wireType === 1 ? 8 : 4;
      if (length > message.length - at) throw malformed('ends in the middle of a field');
      yield { number, value: Number.NaN, bytes: undefined };
      at += length;
    } else {
      throw malformed(`holds a field of wire type ${wireType}`);
    }
  }
}

function malformed(what: string): AppError {
  return new AppError('corrupt_block', `the protobuf message ${what}`);
}
