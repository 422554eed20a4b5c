import { type CharSet, charSetOf } from './char-set.ts';

const planes = 17;
const planeSize = 0x10000;
const surrogatesStart = 0xd800;
const surrogatesEnd = 0xe000;

/**
 * The code points that JavaScript's `\p{property}` matches, surrogates excluded (no valid text holds one). Asks the runtime's own Unicode tables, so
 * that the bundle carries none: a scan of all code points, some 20 ms, only for patterns that name a class.
 */
export function codePointsWith(property: string): CharSet {
  const pattern = new RegExp(`\\p{${property}}+`, 'gu');
  const ranges: number[] = [];
  for (let plane = 0; plane < planes; plane++) {
    const base = plane * planeSize;
    if (plane === 0) {
      addRuns(pattern, 0, surrogatesStart, ranges);
      addRuns(pattern, surrogatesEnd, planeSize, ranges);
    } else addRuns(pattern, base, base + planeSize, ranges);
  }
  return charSetOf(ranges);
}

function addRuns(pattern: RegExp, start: number, end: number, ranges: number[]): void {
  const text = textOf(start, end);
  const unitsPerChar = start >= planeSize ? 2 : 1;
  for (const run of text.matchAll(pattern)) {
    const first = start + run.index / unitsPerChar;
    ranges.push(first, first + run[0].length / unitsPerChar);
  }
}

/** The code points of a range that lies inside one plane, as text. */
function textOf(start: number, end: number): string {
  const isAstral = start >= planeSize;
  const units = new Uint16Array((end - start) * (isAstral ? 2 : 1));
  for (let codePoint = start, at = 0; codePoint < end; codePoint++) {
    if (isAstral) {
      const offset = codePoint - planeSize;
      units[at++] = 0xd800 | (offset >> 10);
      units[at++] = 0xdc00 | (offset & 0x3ff);
    } else units[at++] = codePoint;
  }
  return new TextDecoder('utf-16le', { ignoreBOM: true }).decode(units);
}
