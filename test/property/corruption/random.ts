/** Repeatable chance: the same seed gives the same numbers on every machine. */
export interface SeededRandom {
  /** A whole number in `[0, end)`. */
  readonly below: (end: number) => number;
  /** One of the list. */
  readonly pick: <Member>(list: readonly Member[]) => Member;
}

/** The finish of murmur3: neighbouring seeds start far apart, so that their streams do not overlap. */
function scatter(seed: number): number {
  let mixed = seed | 0;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}

/** Starts at a seed (a whole number); the mixing is that of splitmix32. */
export function seededRandom(seed: number): SeededRandom {
  let state = scatter(seed + 1);
  const next = (): number => {
    state = (state + 0x9e3779b9) | 0;
    let mixed = state ^ (state >>> 16);
    mixed = Math.imul(mixed, 0x21f0aaad);
    mixed ^= mixed >>> 15;
    mixed = Math.imul(mixed, 0x735a2d97);
    return (mixed ^ (mixed >>> 15)) >>> 0;
  };
  const below = (end: number): number => Math.floor((next() / 2 ** 32) * end);
  return { below, pick: (list) => list[below(list.length)]! };
}
