import { AppError } from '#engine/base/errors.ts';

/** What a compared value is; with two halves it tells values of one attribute apart: see {@link ComparePairs}. */
export const comparedKind = { nil: 0, text: 1, int: 2, double: 3, boolean: 4, status: 5, kind: 6 } as const;

/** Pairs of an attribute and a value, numbered from 0. A value is a kind and two halves: of a text its number, of doubles their bits. */
export interface ComparePairs {
  readonly count: () => number;
  readonly pairOf: (attribute: number, kind: number, low: number, high: number) => number;
  /** The pair of a text by its number. */
  readonly pairOfText: (attribute: number, text: number) => number;
  readonly attributeOf: (pair: number) => number;
  readonly kindOf: (pair: number) => number;
  readonly lowOf: (pair: number) => number;
  readonly highOf: (pair: number) => number;
}

const maxPairs = 2 ** 24;
/** Attribute and kind are one word: attribute · 8 + kind. */
const kindBits = 3;

/** No pairs yet. */
export function createComparePairs(): ComparePairs {
  // Attribute and kind, low half, high half of each pair.
  let parts = new Uint32Array(3 << 10);
  // Open addressing: a pair plus 1, 0 where free. Pairs of texts with their first attribute are not in it, but beside the text.
  let slots = new Uint32Array(1 << 12);
  let hashed = 0;
  let count = 0;
  // Most texts belong to one attribute: that pair plus 1, by the text's number; 0 for none.
  let pairOfFirst = new Uint32Array(1 << 10);

  const rehash = (): void => {
    const old = slots;
    slots = new Uint32Array(2 * slots.length);
    const mask = slots.length - 1;
    for (const entry of old) {
      if (entry === 0) continue;
      const at = 3 * (entry - 1);
      let slot = hashOf(parts[at], parts[at + 1], parts[at + 2]) & mask;
      while (slots[slot] !== 0) slot = (slot + 1) & mask;
      slots[slot] = entry;
    }
  };
  const add = (name: number, low: number, high: number): number => {
    if (count === maxPairs) throw new AppError('resource_exhausted', `more than ${maxPairs} attribute values to compare; narrow the query`);
    if (3 * count === parts.length) parts = grown(parts, 2 * parts.length);
    parts[3 * count] = name;
    parts[3 * count + 1] = low;
    parts[3 * count + 2] = high;
    return count++;
  };
  const find = (name: number, low: number, high: number): number => {
    const mask = slots.length - 1;
    let slot = hashOf(name, low, high) & mask;
    for (; slots[slot] !== 0; slot = (slot + 1) & mask) {
      const at = 3 * (slots[slot] - 1);
      if (parts[at] === name && parts[at + 1] === low && parts[at + 2] === high) return slots[slot] - 1;
    }
    const pair = add(name, low, high);
    slots[slot] = pair + 1;
    if (2 * ++hashed > slots.length) rehash();
    return pair;
  };
  const pairOfText = (attribute: number, text: number): number => {
    if (text >= pairOfFirst.length) pairOfFirst = grown(pairOfFirst, Math.max(text + 1, 2 * pairOfFirst.length));
    const name = (attribute << kindBits) | comparedKind.text;
    const first = pairOfFirst[text] - 1;
    if (first >= 0) return parts[3 * first] === name ? first : find(name, text, 0);
    const pair = add(name, text, 0);
    pairOfFirst[text] = pair + 1;
    return pair;
  };
  return {
    count: () => count,
    pairOf: (attribute, kind, low, high) =>
      kind === comparedKind.text ? pairOfText(attribute, low) : find((attribute << kindBits) | kind, low >>> 0, high >>> 0),
    pairOfText,
    attributeOf: (pair) => parts[3 * pair] >>> kindBits,
    kindOf: (pair) => parts[3 * pair] & (2 ** kindBits - 1),
    lowOf: (pair) => parts[3 * pair + 1],
    highOf: (pair) => parts[3 * pair + 2],
  };
}

function hashOf(name: number, low: number, high: number): number {
  let hash = Math.imul(name ^ Math.imul(low, 0x9e3779b1), 0x85ebca6b) ^ Math.imul(high, 0xc2b2ae35);
  hash = Math.imul(hash ^ (hash >>> 15), 0x27d4eb2f);
  return hash ^ (hash >>> 13);
}

function grown(numbers: Uint32Array, length: number): Uint32Array<ArrayBuffer> {
  const larger = new Uint32Array(length);
  larger.set(numbers);
  return larger;
}
