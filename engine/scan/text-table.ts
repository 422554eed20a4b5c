import { AppError } from '#engine/base/errors.ts';
import type { LocalTexts } from './compare-values.ts';

/** Distinct texts, numbered from 0: kept as bytes, so that texts that nobody shows never become strings. */
export interface TextTable {
  readonly count: () => number;
  /** The number of `memory[at]` to `memory[at + length - 1]`; equal texts come with equal hashes. Throws `resource_exhausted` beyond 1 GiB of texts. */
  readonly intern: (memory: Uint8Array, at: number, length: number, hash: number) => number;
  /** The texts so far. */
  readonly texts: () => LocalTexts;
}

const maxBytes = 2 ** 30;
/** Longer texts are copied by the runtime: a call costs as much as so many bytes. */
const fewBytes = 64;

/** An empty {@link TextTable}. */
export function createTextTable(): TextTable {
  let bytes = new Uint8Array(1 << 16);
  // Where each text starts; one more than there are texts.
  let starts = new Uint32Array(1 << 10);
  let hashes = new Uint32Array(1 << 10);
  // Open addressing: a number plus 1, 0 where free.
  let slots = new Uint32Array(1 << 12);
  let count = 0;

  const equals = (id: number, memory: Uint8Array, at: number, length: number): boolean => {
    const start = starts[id];
    if (starts[id + 1] - start !== length) return false;
    for (let i = 0; i < length; i++) if (bytes[start + i] !== memory[at + i]) return false;
    return true;
  };
  const rehash = (): void => {
    slots = new Uint32Array(2 * slots.length);
    const mask = slots.length - 1;
    for (let id = 0; id < count; id++) {
      let slot = hashes[id] & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = id + 1;
    }
  };
  const add = (memory: Uint8Array, at: number, length: number, hash: number): number => {
    const start = starts[count];
    const end = start + length;
    if (end > maxBytes) throw new AppError('resource_exhausted', 'the attribute values to compare are too many; narrow the query');
    if (end > bytes.length) bytes = copied(bytes, new Uint8Array(Math.max(end, 2 * bytes.length)));
    if (count + 2 > starts.length) {
      starts = copied(starts, new Uint32Array(2 * starts.length));
      hashes = copied(hashes, new Uint32Array(2 * hashes.length));
    }
    if (length > fewBytes) bytes.set(memory.subarray(at, at + length), start);
    else for (let i = 0; i < length; i++) bytes[start + i] = memory[at + i];
    hashes[count] = hash;
    starts[++count] = end;
    if (2 * count > slots.length) rehash();
    return count - 1;
  };
  return {
    count: () => count,
    intern: (memory, at, length, hash) => {
      const mask = slots.length - 1;
      let slot = hash & mask;
      for (; slots[slot] !== 0; slot = (slot + 1) & mask) {
        const id = slots[slot] - 1;
        if (hashes[id] === hash && equals(id, memory, at, length)) return id;
      }
      slots[slot] = count + 1;
      return add(memory, at, length, hash);
    },
    texts: () => ({ memory: bytes, base: 0, starts, skip: 0, hashes }),
  };
}

function copied<Numbers extends Uint8Array | Uint32Array>(from: Numbers, to: Numbers): Numbers {
  to.set(from);
  return to;
}
