import { gunzipSync, gzipSync } from 'node:zlib';

/**
 * A fixed piece of work that tells how fast this machine is now, so that figures from another machine or another hour can be
 * scaled: half of it native code (inflate), half typed-array loops as a JIT compiles them.
 */
export interface Calibration {
  /** CPU milliseconds to inflate 16 MiB of words. */
  readonly gunzipMs: number;
  /** CPU milliseconds to hash and count two million integers eight times. */
  readonly loopMs: number;
}

const repetitions = 9;
const textBytes = 16 << 20;
const vocabulary = 4096;
const loopRounds = 8;

/** Runs the work and returns the best of nine times. Takes about a second. */
export function calibrate(): Calibration {
  const zipped = gzipSync(words(), { level: 6 });
  const next = xorshift(123456789);
  const values = Int32Array.from({ length: 1 << 21 }, () => next() >> 0);
  const counts = new Int32Array(1024);
  return { gunzipMs: bestCpuMs(() => gunzipSync(zipped)), loopMs: bestCpuMs(() => hashAndCount(values, counts)) };
}

/** How many times as long this machine takes now as the other one took then. */
export function slowdown(now: Calibration, then: Calibration): number {
  return Math.sqrt((now.gunzipMs / then.gunzipMs) * (now.loopMs / then.loopMs));
}

/** Unsigned 32-bit numbers, the same on every machine. */
function xorshift(seed: number): () => number {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}

/** Words of a small vocabulary, which deflate as well as a column of strings does. */
function words(): Buffer {
  const next = xorshift(2463534242);
  const known = Array.from({ length: vocabulary }, () => Buffer.from(next().toString(36)));
  const parts: Buffer[] = [];
  for (let sizeBytes = 0; sizeBytes < textBytes; ) {
    const word = known[next() & (vocabulary - 1)]!;
    parts.push(word);
    sizeBytes += word.length;
  }
  return Buffer.concat(parts);
}

function hashAndCount(values: Int32Array, counts: Int32Array): number {
  counts.fill(0);
  let hash = 0;
  for (let round = 0; round < loopRounds; round++) {
    for (let i = 0; i < values.length; i++) {
      const value = values[i]!;
      hash = (Math.imul(hash, 31) + value) | 0;
      if (value > 1 << 30) counts[value & 1023]! += 1;
      else counts[(value >>> 10) & 1023]! += 2;
    }
  }
  return hash ^ counts[7]!;
}

function bestCpuMs(work: () => unknown): number {
  let best = Number.POSITIVE_INFINITY;
  for (let i = 0; i < repetitions; i++) {
    const before = process.cpuUsage();
    work();
    const { user, system } = process.cpuUsage(before);
    best = Math.min(best, (user + system) / 1000);
  }
  return best;
}
