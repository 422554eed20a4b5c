import { type CharSet, charSetOf } from './char-set.ts';
import { codePointsWith } from './unicode-property.ts';

/** Groups of code points that are equal under simple case folding; built once, when a pattern first needs more than ASCII. */
type Orbits = { readonly of: ReadonlyMap<number, readonly number[]>; readonly members: readonly number[] };
let orbits: Orbits | undefined;

const asciiEnd = 0x80;
const caseBit = 0x20;
/** The only code points beyond ASCII that fold to ASCII letters: long s and the Kelvin sign. */
const longS = 0x17f;
const kelvin = 0x212a;
/** Dotted capital and dotless small I have no simple folding; JavaScript's case mapping would join them with `i`. */
const unfolded: ReadonlySet<number> = new Set([0x130, 0x131]);

/** The set with all code points that equal a member under simple Unicode case folding (`(?i)`, spec traceql §4.5). */
export function foldedSet(set: CharSet): CharSet {
  const ranges = [...set];
  const last = set.length === 0 ? 0 : set[set.length - 1];
  if (last <= asciiEnd) addAsciiFolds(set, ranges);
  else addFolds(set, ranges);
  return charSetOf(ranges);
}

function addAsciiFolds(set: CharSet, ranges: number[]): void {
  for (let i = 0; i < set.length; i += 2) {
    for (let codePoint = set[i]; codePoint < set[i + 1]; codePoint++) {
      const lower = codePoint | caseBit;
      if (lower < 0x61 || lower > 0x7a) continue;
      const other = codePoint ^ caseBit;
      ranges.push(other, other + 1);
      if (lower === 0x6b) ranges.push(kelvin, kelvin + 1);
      if (lower === 0x73) ranges.push(longS, longS + 1);
    }
  }
}

function addFolds(set: CharSet, ranges: number[]): void {
  orbits ??= buildOrbits();
  const { members } = orbits;
  let at = 0;
  for (let i = 0; i < set.length; i += 2) {
    while (at < members.length && members[at] < set[i]) at++;
    for (; at < members.length && members[at] < set[i + 1]; at++) {
      for (const other of orbits.of.get(members[at])!) ranges.push(other, other + 1);
    }
  }
}

/** Joins each code point with its one-character upper and lower case; the groups that result are those of simple folding. */
function buildOrbits(): Orbits {
  const of = new Map<number, number[]>();
  const cased = codePointsWith('Changes_When_Casemapped');
  for (let i = 0; i < cased.length; i += 2) {
    for (let codePoint = cased[i]; codePoint < cased[i + 1]; codePoint++) {
      if (unfolded.has(codePoint)) continue;
      const text = String.fromCodePoint(codePoint);
      join(of, codePoint, text.toLowerCase());
      join(of, codePoint, text.toUpperCase());
    }
  }
  return { of, members: [...of.keys()].sort((a, b) => a - b) };
}

function join(of: Map<number, number[]>, codePoint: number, mapped: string): void {
  const other = mapped.codePointAt(0)!;
  if (other === codePoint || mapped.length !== String.fromCodePoint(other).length) return;
  const left = of.get(codePoint) ?? [codePoint];
  const right = of.get(other) ?? [other];
  if (left === right) return;
  const group = [...left, ...right];
  for (const member of group) of.set(member, group);
}
