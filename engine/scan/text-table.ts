import { AppError } from '#engine/base/errors.ts';

/** Distinct texts, numbered from 0: kept as bytes, so that texts that nobody shows never become strings. */
export interface TextTable {
  readonly count: () => number;
  /** The number of `memory[at]` to `memory[at + length - 1]`; equal texts come with equal hashes. Throws `resource_exhausted` beyond 1 GiB of texts. */
  readonly intern: (memory: Uint8Array, at: number, length: number, hash: number) => number;
  readonly text: (id: number) => string;
}

const maxBytes = 2 ** 30;
/** Longer texts are copied by the runtime: a call costs as much as so many bytes. */
const fewBytes = 64;

/** An empty {@link TextTable}. */
export function createTextTable(): TextTable {
  let bytes = new Uint8Array(1 << 16);
  // Where each text starts; one more than there are texts.
  let starts = new Uint32Array(1 << 10);
  // Open addressing: hash, and a number plus 1, 0 where free.
  let slots = new Uint32Array(1 << 13);
  let count = 0;

  const equals = (id: number, memory: Uint8Array, at: number, length: number): boolean => {
    const start = starts[id];
    if (starts[id + 1] - start !== length) return false;
    for (let i = 0; i < length; i++) if (bytes[start + i] !== memory[at + i]) return false;
    return true;
  };
  const grow = (): void => {
    const old = slots;
    slots = new Uint32Array(4 * old.length);
    const mask = slots.length - 2;
    for (let from = 0; from < old.length; from += 2) {
      if (old[from + 1] === 0) continue;
      let slot = (2 * old[from]) & mask;
      while (slots[slot + 1] !== 0) slot = (slot + 2) & mask;
      slots[slot] = old[from];
      slots[slot + 1] = old[from + 1];
    }
  };
  const add = (memory: Uint8Array, at: number, length: number): number => {
    const start = starts[count];
    const end = start + length;
    if (end > maxBytes) throw new AppError('resource_exhausted', 'the attribute values to compare are too many; narrow the query');
    if (end > bytes.length) bytes = copied(bytes, new Uint8Array(Math.max(end, 2 * bytes.length)));
    if (count + 2 > starts.length) starts = copied(starts, new Uint32Array(2 * starts.length));
    if (length > fewBytes) bytes.set(memory.subarray(at, at + length), start);
    else for (let i = 0; i < length; i++) bytes[start + i] = memory[at + i];
    starts[++count] = end;
    if (4 * count > slots.length) grow();
    return count - 1;
  };
  return {
    count: () => count,
    intern: (memory, at, length, hash) => {
      const mask = slots.length - 2;
      let slot = (2 * hash) & mask;
      for (; slots[slot + 1] !== 0; slot = (slot + 2) & mask) {
        if (slots[slot] === hash && equals(slots[slot + 1] - 1, memory, at, length)) return slots[slot + 1] - 1;
      }
      slots[slot] = hash;
      slots[slot + 1] = count + 1;
      return add(memory, at, length);
    },
    text: (id) => Buffer.from(bytes.buffer, starts[id], starts[id + 1] - starts[id]).toString('utf8'),
  };
}

function copied<Numbers extends Uint8Array | Uint32Array>(from: Numbers, to: Numbers): Numbers {
  to.set(from);
  return to;
}
