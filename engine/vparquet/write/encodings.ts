import type { ByteSink } from './byte-sink.ts';
import type { LeafType, LeafValue } from './schema-tree.ts';

/** Parquet's encodings of levels and values (parquet-format Encodings). */

const runLength = 8;

/** Bits that hold numbers up to `max`. */
export function bitsFor(max: number): number {
  return 32 - Math.clz32(max);
}

/** The hybrid of run-length and bit-packed runs, without a length in front. */
export function encodeHybrid(sink: ByteSink, values: readonly number[], bits: number): void {
  let at = 0;
  while (at < values.length) {
    const run = runAt(values, at);
    if (run >= runLength) {
      sink.varint(run * 2);
      for (let shift = 0; shift < bits; shift += 8) sink.byte((values[at]! >>> shift) & 255);
      at += run;
      continue;
    }
    // Groups of eight up to the next long run; only the last group of all may be filled up.
    let end = at;
    do end += 8;
    while (end < values.length && runAt(values, end) < runLength);
    sink.varint(((end - at) / 8) * 2 + 1);
    const packer = createBitPacker(sink);
    for (let i = at; i < end; i++) packer.put(values[i] ?? 0, bits);
    packer.flush();
    at = end;
  }
}

function runAt(values: readonly number[], at: number): number {
  let end = at + 1;
  while (end < values.length && values[end] === values[at]) end++;
  return end - at;
}

/** Numbers of up to 32 bits, from the lowest bit on. */
function createBitPacker(sink: ByteSink) {
  let held = 0;
  let heldBits = 0;
  return {
    put(value: number, bits: number): void {
      let rest = value;
      for (let left = bits; left > 0; ) {
        const taken = Math.min(left, 8 - heldBits);
        held |= (rest & ((1 << taken) - 1)) << heldBits;
        heldBits += taken;
        rest >>>= taken;
        left -= taken;
        if (heldBits === 8) {
          sink.byte(held);
          held = 0;
          heldBits = 0;
        }
      }
    },
    flush(): void {
      if (heldBits > 0) sink.byte(held);
      held = 0;
      heldBits = 0;
    },
  };
}

const blockValues = 128;
const miniblocks = 4;
const miniblockValues = blockValues / miniblocks;

/** DELTA_BINARY_PACKED; differences wrap at the column's width. */
export function encodeDeltas(sink: ByteSink, values: BigInt64Array, width: 32 | 64): void {
  sink.varint(blockValues);
  sink.varint(miniblocks);
  sink.varint(values.length);
  sink.zigzag(values[0] ?? 0n);
  for (let at = 1; at < values.length; at += blockValues) {
    const deltas = BigInt64Array.from({ length: Math.min(blockValues, values.length - at) }, (_, i) =>
      BigInt.asIntN(width, values[at + i]! - values[at + i - 1]!),
    );
    encodeBlock(sink, deltas);
  }
}

function encodeBlock(sink: ByteSink, deltas: BigInt64Array): void {
  let lowest = deltas[0]!;
  for (const delta of deltas) if (delta < lowest) lowest = delta;
  const above = new BigUint64Array(blockValues);
  deltas.forEach((delta, i) => {
    above[i] = BigInt.asUintN(64, delta - lowest);
  });
  const halves = new Uint32Array(above.buffer);
  sink.zigzag(lowest);
  const widths = Array.from({ length: miniblocks }, (_, k) => miniblockBits(halves, k));
  for (const bits of widths) sink.byte(bits);
  widths.forEach((bits, k) => {
    if (bits === 0) return;
    const packer = createBitPacker(sink);
    for (let i = k * miniblockValues; i < (k + 1) * miniblockValues; i++) {
      packer.put(halves[2 * i]!, Math.min(bits, 32));
      packer.put(halves[2 * i + 1]!, Math.max(0, bits - 32));
    }
    packer.flush();
  });
}

function miniblockBits(halves: Uint32Array, miniblock: number): number {
  let low = 0;
  let high = 0;
  for (let i = miniblock * miniblockValues; i < (miniblock + 1) * miniblockValues; i++) {
    low |= halves[2 * i]!;
    high |= halves[2 * i + 1]!;
  }
  return high === 0 ? bitsFor(low >>> 0) : 32 + bitsFor(high >>> 0);
}

/** DELTA_LENGTH_BYTE_ARRAY. */
export function encodeDeltaLengths(sink: ByteSink, values: readonly Uint8Array[]): void {
  encodeDeltas(
    sink,
    BigInt64Array.from(values, ({ length }) => BigInt(length)),
    32,
  );
  for (const value of values) sink.put(value);
}

/** PLAIN. Throws RangeError for a value that is not of the type. */
export function encodePlain(sink: ByteSink, type: LeafType, values: readonly LeafValue[]): void {
  switch (type) {
    case 'boolean': {
      const packer = createBitPacker(sink);
      for (const value of values) packer.put(Number(value), 1);
      packer.flush();
      return;
    }
    case 'int32':
    case 'uint32':
      sink.put(new Uint8Array(Int32Array.from(values, Number).buffer));
      return;
    case 'int64':
    case 'uint64':
      sink.put(new Uint8Array(integers(values).buffer));
      return;
    case 'double':
      sink.put(new Uint8Array(Float64Array.from(values, Number).buffer));
      return;
    case 'text':
    case 'bytes':
      for (const value of values) {
        const bytes = bytesOf(value);
        sink.put(new Uint8Array(Uint32Array.of(bytes.length).buffer));
        sink.put(bytes);
      }
  }
}

/** Integers as signed 64-bit numbers; larger ones wrap. */
export function integers(values: readonly LeafValue[]): BigInt64Array {
  return BigInt64Array.from(values, (value) => BigInt(value as number | bigint));
}

/** The bytes of a text (UTF-8) or of bytes. Throws RangeError for anything else. */
export function bytesOf(value: LeafValue): Uint8Array {
  if (typeof value === 'string') return Buffer.from(value);
  if (value instanceof Uint8Array) return value;
  throw new RangeError(`${typeof value} where a text is wanted`);
}

/** Distinct texts in order of appearance, and the number of each value's text. */
export function buildDictionary(values: readonly LeafValue[]): { readonly words: readonly string[]; readonly ids: readonly number[] } {
  const numbers = new Map<string, number>();
  const ids = values.map((value) => {
    if (typeof value !== 'string') throw new RangeError(`${typeof value} where a text is wanted`);
    const id = numbers.get(value) ?? numbers.size;
    numbers.set(value, id);
    return id;
  });
  return { words: [...numbers.keys()], ids };
}

/** RLE_DICTIONARY: the width of ids, then the ids. */
export function encodeIds(sink: ByteSink, ids: readonly number[], wordCount: number): void {
  const bits = bitsFor(Math.max(0, wordCount - 1));
  sink.byte(bits);
  if (bits > 0) encodeHybrid(sink, ids, bits);
  else if (ids.length > 0) sink.varint(ids.length * 2);
}
