/** A set of code points: ascending, disjoint, non-adjacent ranges as `[start, end, start, end, …)`, ends exclusive. */
export type CharSet = readonly number[];

/** One past the last code point. */
export const codePointEnd = 0x110000;

/** Every code point. */
export const anyChar: CharSet = [0, codePointEnd];

/** The set of one code point. */
export function singleChar(codePoint: number): CharSet {
  return [codePoint, codePoint + 1];
}

/** The set of all the ranges, which may overlap and stand in any order (`[start, end, …)`). */
export function charSetOf(ranges: readonly number[]): CharSet {
  const pairs: [number, number][] = [];
  for (let i = 0; i < ranges.length; i += 2) pairs.push([ranges[i], ranges[i + 1]]);
  pairs.sort((a, b) => a[0] - b[0]);
  const result: number[] = [];
  for (const [start, end] of pairs) {
    if (result.length > 0 && start <= result[result.length - 1]) {
      if (end > result[result.length - 1]) result[result.length - 1] = end;
    } else result.push(start, end);
  }
  return result;
}

/** All code points that are not in the set. */
export function negated(set: CharSet): CharSet {
  const result: number[] = [];
  let from = 0;
  for (let i = 0; i < set.length; i += 2) {
    if (set[i] > from) result.push(from, set[i]);
    from = set[i + 1];
  }
  if (from < codePointEnd) result.push(from, codePointEnd);
  return result;
}

/** Whether the set holds the code point. */
export function hasChar(set: CharSet, codePoint: number): boolean {
  let low = 0;
  let high = set.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (set[middle] <= codePoint) low = middle + 1;
    else high = middle;
  }
  return low % 2 === 1;
}

/** Number of code points in the set. */
export function charCount(set: CharSet): number {
  let count = 0;
  for (let i = 0; i < set.length; i += 2) count += set[i + 1] - set[i];
  return count;
}
