import { membersOf, type NamedClass, perlClass, posixClass } from './ascii-class.ts';
import { foldedSet } from './case-folding.ts';
import { type CharSet, charSetOf, codePointEnd, negated } from './char-set.ts';
import { invalidRegexp, isNext, type PatternReader, readChar, skip } from './reader.ts';
import { unicodeClass } from './unicode-class.ts';

const controlEscapes: ReadonlyMap<string, number> = new Map([
  ['a', 7],
  ['f', 12],
  ['n', 10],
  ['r', 13],
  ['t', 9],
  ['v', 11],
]);
const maxOctalDigits = 3;

/** Reads `[…]`, the reader standing on the bracket. Throws `bad_request` where RE2 does. */
export function parseBracketClass(reader: PatternReader, ignoreCase: boolean): CharSet {
  reader.at++;
  const isNegated = skip(reader, '^');
  const ranges: number[] = [];
  for (let isFirst = true; isFirst || !isNext(reader, ']'); isFirst = false) {
    const named = parsePosixClass(reader, ignoreCase) ?? parseClassEscape(reader, ignoreCase);
    if (named === undefined) addRange(reader, ignoreCase, ranges);
    else for (const bound of named) ranges.push(bound);
  }
  reader.at++;
  const set = charSetOf(ranges);
  return isNegated ? negated(set) : set;
}

/** Reads a class escape (`\d`, `\pL`, `\p{^Greek}` …) if one is next. Throws on an unknown class name. */
export function parseClassEscape(reader: PatternReader, ignoreCase: boolean): CharSet | undefined {
  if (!isNext(reader, '\\')) return undefined;
  const letter = reader.pattern[reader.at + 1] ?? '';
  if (letter === 'p' || letter === 'P') return parseUnicodeEscape(reader, letter, ignoreCase);
  const named = perlClass(letter);
  if (named === undefined) return undefined;
  reader.at += 2;
  return membersOf(folded(named, ignoreCase));
}

/** Reads an escape that stands for one code point, the reader standing on the backslash. Throws on any other escape. */
export function parseCharEscape(reader: PatternReader): number {
  const { pattern, at: start } = reader;
  reader.at++;
  const codePoint = readChar(reader);
  if (codePoint < 0) throw invalidRegexp(pattern, 'trailing backslash at end of expression');
  const char = String.fromCodePoint(codePoint);
  const value = /[0-7]/.test(char) ? parseOctal(reader, char) : char === 'x' ? parseHex(reader) : controlEscapes.get(char);
  if (value !== undefined) return value;
  if (codePoint < 0x80 && !/[0-9A-Za-z]/.test(char)) return codePoint;
  throw invalidRegexp(pattern, `invalid escape sequence: ${pattern.slice(start, reader.at)}`);
}

/** `\1` to `\7` alone would be back-references, which RE2 has not; with another octal digit they are octal. */
function parseOctal(reader: PatternReader, first: string): number | undefined {
  let digits = first;
  while (digits.length < maxOctalDigits && /[0-7]/.test(reader.pattern[reader.at] ?? '')) digits += reader.pattern[reader.at++];
  if (first !== '0' && digits.length === 1) return undefined;
  return Number.parseInt(digits, 8);
}

function parseHex(reader: PatternReader): number | undefined {
  const rest = /\{([0-9A-Fa-f]+)\}|([0-9A-Fa-f]{2})/y;
  rest.lastIndex = reader.at;
  const match = rest.exec(reader.pattern);
  if (match === null) return undefined;
  const value = Number.parseInt(match[1] ?? match[2], 16);
  if (value >= codePointEnd) return undefined;
  reader.at = rest.lastIndex;
  return value;
}

function parseUnicodeEscape(reader: PatternReader, letter: string, ignoreCase: boolean): CharSet {
  const { pattern, at: start } = reader;
  reader.at += 2;
  const first = readChar(reader);
  let name = first < 0 ? '' : String.fromCodePoint(first);
  if (name === '{') {
    const end = pattern.indexOf('}', reader.at);
    if (end < 0) throw invalidRegexp(pattern, `invalid character class range: ${pattern.slice(start)}`);
    name = pattern.slice(reader.at, end);
    reader.at = end + 1;
  }
  const isInverted = name.startsWith('^');
  const set = unicodeClass(isInverted ? name.slice(1) : name);
  if (set === undefined) throw invalidRegexp(pattern, `invalid character class range: ${pattern.slice(start, reader.at)}`);
  return membersOf(folded({ set, isNegated: (letter === 'P') !== isInverted }, ignoreCase));
}

function parsePosixClass(reader: PatternReader, ignoreCase: boolean): CharSet | undefined {
  if (!isNext(reader, '[:')) return undefined;
  const end = reader.pattern.indexOf(':]', reader.at + 2);
  if (end < 0) return undefined;
  const name = reader.pattern.slice(reader.at + 2, end);
  const named = posixClass(name);
  if (named === undefined) throw invalidRegexp(reader.pattern, `invalid character class range: [:${name}:]`);
  reader.at = end + 2;
  return membersOf(folded(named, ignoreCase));
}

function addRange(reader: PatternReader, ignoreCase: boolean, ranges: number[]): void {
  const start = reader.at;
  const low = parseClassChar(reader);
  let high = low;
  if (isNext(reader, '-') && reader.at + 1 < reader.pattern.length && reader.pattern[reader.at + 1] !== ']') {
    reader.at++;
    high = parseClassChar(reader);
    if (high < low) throw invalidRegexp(reader.pattern, `invalid character class range: ${reader.pattern.slice(start, reader.at)}`);
  }
  if (!ignoreCase) ranges.push(low, high + 1);
  else for (const bound of foldedSet([low, high + 1])) ranges.push(bound);
}

function parseClassChar(reader: PatternReader): number {
  if (isNext(reader, '\\')) return parseCharEscape(reader);
  const codePoint = readChar(reader);
  if (codePoint < 0) throw invalidRegexp(reader.pattern, 'missing closing ]');
  return codePoint;
}

function folded(named: NamedClass, ignoreCase: boolean): NamedClass {
  return ignoreCase ? { set: foldedSet(named.set), isNegated: named.isNegated } : named;
}
