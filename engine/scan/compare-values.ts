/** What a compared value is; with two halves it tells values of one attribute apart: low and high, of doubles their bits, of texts see {@link LocalTexts}. */
export const comparedKind = { nil: 0, text: 1, int: 2, double: 3, boolean: 4, status: 5, kind: 6 } as const;

/** Attribute and kind of a value are one word, its name: attribute · 8 + kind. */
export function valueName(attribute: number, kind: number): number {
  return (attribute << 3) | kind;
}

/** The attribute of a value of that name. */
export function attributeOfName(name: number): number {
  return name >>> 3;
}

/** The kind of a value of that name. */
export function kindOfName(name: number): number {
  return name & 7;
}

/** The values behind the numbers of one column or list of a row group. Views of WASM memory may be in it: valid until that moves. */
export interface LocalValues {
  /** Added to the attribute of each. */
  readonly attribute: number;
  /** Four words for each number: low (of texts: their number in `texts`), high, name. Undefined: the numbers are those of texts. */
  readonly members: Uint32Array | undefined;
  readonly texts: LocalTexts | undefined;
}

/** Texts by number: text i is `memory` from `base + starts[i] + skip` to `base + starts[i + 1]`. Equal texts have equal hashes. */
export interface LocalTexts {
  readonly memory: Uint8Array;
  readonly base: number;
  readonly starts: Uint32Array;
  readonly skip: number;
  readonly hashes: Uint32Array;
}

/** One value. Texts: `high` is the length, `text` says where they stand. Equal values have equal hashes. */
export interface LocalValue {
  readonly hash: number;
  readonly name: number;
  readonly low: number;
  readonly high: number;
  readonly text: { readonly memory: Uint8Array; readonly at: number };
}

/** The value that stands for a missing one. */
export function nilValue(attribute: number): LocalValue {
  const name = valueName(attribute, comparedKind.nil);
  return { hash: wordHash(name, 0, 0), name, low: 0, high: 0, text: { memory: new Uint8Array(0), at: 0 } };
}

function wordHash(name: number, low: number, high: number): number {
  return mixed(Math.imul(name ^ Math.imul(low, 0x9e3779b1), 0x85ebca6b) ^ Math.imul(high, 0xc2b2ae35));
}

function mixed(word: number): number {
  const hash = Math.imul(word ^ (word >>> 15), 0x27d4eb2f);
  return (hash ^ (hash >>> 13)) >>> 0;
}
