/** Small encoders of parquet's encodings for tests. They take a `choice` (numbers from 0 up) to vary what the format leaves open. */

/** Returns a number from 0 to `below` - 1; deterministic for a seed. */
export type Choice = (below: number) => number;

/** A choice from a seed (mulberry32). */
export function choiceOf(seed: number): Choice {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

/** Unsigned varint. */
export function varint(value: bigint | number): number[] {
  const out: number[] = [];
  let rest = BigInt(value);
  for (; rest > 127n; rest >>= 7n) out.push(Number(rest & 127n) | 128);
  out.push(Number(rest));
  return out;
}

/** Signed 64-bit number as zigzag varint. */
export function zigzag(value: bigint | number): number[] {
  const wide = BigInt.asIntN(64, BigInt(value));
  return varint(BigInt.asUintN(64, (wide << 1n) ^ (wide >> 63n)));
}

/** Numbers of `width` bits, from the lowest bit on. */
export function packBits(values: readonly bigint[], width: number): number[] {
  const out = new Array<number>(Math.ceil((values.length * width) / 8)).fill(0);
  values.forEach((value, i) => {
    for (let k = 0; k < width; k++) {
      const bit = i * width + k;
      if ((value >> BigInt(k)) & 1n) out[bit >> 3] |= 1 << (bit & 7);
    }
  });
  return out;
}

/** The RLE / bit-packed hybrid, with runs where values repeat and where the choice wants it. */
export function writeHybrid(values: readonly number[], width: number, choice: Choice): number[] {
  const out: number[] = [];
  for (let at = 0; at < values.length; ) {
    let run = 1;
    while (at + run < values.length && values[at + run] === values[at]) run++;
    if (run >= 8 || choice(4) === 0) {
      const taken = 1 + choice(run);
      out.push(...varint(taken * 2));
      for (let i = 0; i < Math.ceil(width / 8); i++) out.push(Math.floor(values[at] / 256 ** i) % 256);
      at += taken;
    } else {
      const groups = Math.min(1 + choice(5), Math.ceil((values.length - at) / 8));
      // Only the last run may hold fewer values than its groups.
      const taken = values.slice(at, at + groups * 8).map(BigInt);
      while (taken.length < groups * 8) taken.push(0n);
      out.push(...varint(groups * 2 + 1), ...packBits(taken, width));
      at += groups * 8;
    }
  }
  return out;
}

/** DELTA_BINARY_PACKED. The deltas wrap at `bits` (32 or 64), as writers of 32-bit columns do. */
export function writeDeltas(values: readonly bigint[], bits: 32 | 64, choice: Choice): number[] {
  const miniblocks = [1, 2, 4, 8][choice(4)];
  const perMiniblock = [32, 64][choice(2)];
  const out = [...varint(miniblocks * perMiniblock), ...varint(miniblocks), ...varint(values.length), ...zigzag(values[0] ?? 0n)];
  const deltas = values.slice(1).map((value, i) => BigInt.asIntN(bits, value - values[i]));
  for (let at = 0; at < deltas.length; at += miniblocks * perMiniblock) {
    const block = deltas.slice(at, at + miniblocks * perMiniblock);
    const lowest = lowestOf(block);
    const widths: number[] = [];
    const bodies: number[] = [];
    for (let k = 0; k < miniblocks; k++) {
      const mini = block.slice(k * perMiniblock, (k + 1) * perMiniblock).map((delta) => BigInt.asUintN(64, delta - lowest));
      const highest = -lowestOf([0n, ...mini.map((delta) => -delta)]);
      // Widths of miniblocks without values may be anything.
      widths.push(mini.length === 0 ? choice(256) : highest.toString(2).length - (highest === 0n ? 1 : 0));
      if (mini.length === 0) continue;
      while (mini.length < perMiniblock) mini.push(0n);
      bodies.push(...packBits(mini, widths[k]));
    }
    out.push(...zigzag(lowest), ...widths, ...bodies);
  }
  return out;
}

function lowestOf(values: readonly bigint[]): bigint {
  let lowest = values[0];
  for (const value of values) if (value < lowest) lowest = value;
  return lowest;
}

/** A raw snappy block: literals, and copies where the last four bytes have been seen before. */
export function writeSnappy(bytes: Uint8Array, choice: Choice): number[] {
  const out = varint(bytes.length);
  const seen = new Map<number, number>();
  let literal: number[] = [];
  const flush = () => {
    for (; literal.length > 0; literal = literal.slice(70000)) {
      const taken = literal.slice(0, 70000);
      const last = taken.length - 1;
      if (last < 60) out.push(last << 2);
      else if (last < 256) out.push(60 << 2, last);
      else if (last < 65536) out.push(61 << 2, last & 255, last >> 8);
      else out.push(62 << 2, last & 255, (last >> 8) & 255, last >> 16);
      for (const byte of taken) out.push(byte);
    }
  };
  for (let at = 0; at < bytes.length; ) {
    const key = bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24);
    const from = at + 4 <= bytes.length ? seen.get(key) : undefined;
    if (at + 4 <= bytes.length) seen.set(key, at);
    let length = 0;
    if (from !== undefined) while (at + length < bytes.length && length < 64 && bytes[from + length] === bytes[at + length]) length++;
    if (from === undefined || length < 4 || choice(5) === 0) {
      literal.push(bytes[at++]);
      continue;
    }
    flush();
    const distance = at - from;
    if (length <= 11 && distance < 2048) out.push(((distance >> 8) << 5) | ((length - 4) << 2) | 1, distance & 255);
    else if (distance < 65536 && choice(3) > 0) out.push(((length - 1) << 2) | 2, distance & 255, distance >> 8);
    else out.push(((length - 1) << 2) | 3, distance & 255, (distance >> 8) & 255, (distance >> 16) & 255, distance >>> 24);
    at += length;
  }
  flush();
  return out;
}
