import type { Comparison, Dictionary, Kernels } from '#engine/kernels/kernels.ts';
import type { Predicate } from '#engine/traceql/plan.ts';
import { compileRegexp, type Regexp } from '#engine/traceql/regexp/regexp.ts';
import type { Meaning } from '#engine/vparquet/sources.ts';

/** A predicate on texts, ready to run: on a dictionary once per entry, or on single values. */
export type StringPredicate =
  | { readonly kind: 'compare'; readonly operator: Comparison; readonly literal: Uint8Array }
  | { readonly kind: 'regex'; readonly negated: boolean; readonly regexp: Regexp }
  | { readonly kind: 'any' };

/** Prepares a plan's predicate for string columns; undefined when no string satisfies it. Regular expressions compile here. */
export function stringPredicate(predicate: Predicate): StringPredicate | undefined {
  switch (predicate.kind) {
    case 'string':
      return { kind: 'compare', operator: predicate.operator, literal: new TextEncoder().encode(predicate.value) };
    case 'regex':
      return { kind: 'regex', negated: predicate.negated, regexp: compileRegexp(predicate.pattern) };
    case 'present':
      return { kind: 'any' };
    default:
      return undefined;
  }
}

/** A hit table of a dictionary: one byte per entry, and how many are 1. */
export interface HitTable {
  readonly hits: number;
  readonly hitCount: number;
}

/** Evaluates a predicate once per dictionary entry. */
export function matchDictionaryEntries(kernels: Kernels, dictionary: Dictionary, predicate: StringPredicate): HitTable {
  const hits = kernels.alloc(dictionary.count);
  if (predicate.kind === 'any') {
    kernels.u8(hits, dictionary.count).fill(1);
    return { hits, hitCount: dictionary.count };
  }
  if (predicate.kind === 'regex') return { hits, hitCount: matchRegexp(kernels, dictionary, predicate.regexp, predicate.negated, hits) };
  if (predicate.operator !== '=')
    return { hits, hitCount: kernels.compareDictionary(dictionary, predicate.operator, predicate.literal, hits) };
  return { hits, hitCount: setEntries(kernels, dictionary, [predicate.literal], hits) };
}

/** True when one text, the bytes `[start, end)`, satisfies a predicate. */
export function matchesText(predicate: StringPredicate, bytes: Uint8Array, start: number, end: number): boolean {
  switch (predicate.kind) {
    case 'any':
      return true;
    case 'regex':
      return predicate.regexp.matches(bytes, start, end) !== predicate.negated;
    case 'compare':
      return holds(predicate.operator, compareBytes(bytes, start, end, predicate.literal));
  }
}

/** Whether an order (negative, 0, positive) satisfies a comparison. */
export function holds(operator: Comparison, order: number): boolean {
  switch (operator) {
    case '=':
      return order === 0;
    case '!=':
      return order !== 0;
    case '<':
      return order < 0;
    case '<=':
      return order <= 0;
    case '>':
      return order > 0;
    case '>=':
      return order >= 0;
  }
}

/**
 * A predicate on the printed form of ids as one on that text. `=` and `!=` take a literal with or without leading zeros: the printed form has
 * 16 digits for spans and none in front for traces (spec traceql §4.9).
 */
export function idPredicate(predicate: StringPredicate, meaning: Meaning): StringPredicate {
  if (predicate.kind !== 'compare' || (predicate.operator !== '=' && predicate.operator !== '!=')) return predicate;
  const text = new TextDecoder().decode(predicate.literal);
  if (!/^[0-9a-f]+$/.test(text)) return predicate;
  const printed = meaning === 'spanId' ? text.padStart(16, '0') : text.replace(/^0+(?=.)/, '');
  return { ...predicate, literal: new TextEncoder().encode(printed) };
}

const hexDigits = new TextEncoder().encode('0123456789abcdef');

/** Prints an id into `out` as TraceQL shows it and returns `[start, length]` of the text in `out`, which holds 32 bytes. */
export function printId(
  bytes: Uint8Array,
  start: number,
  length: number,
  meaning: Meaning,
  out: Uint8Array,
): { readonly start: number; readonly end: number } {
  const digits = meaning === 'spanId' ? 16 : 32;
  out.fill(hexDigits[0], 0, digits);
  for (let i = 0; i < length && 2 * i < digits; i++) {
    const byte = bytes[start + i];
    const at = digits - 2 * (length - i);
    if (at < 0) continue;
    out[at] = hexDigits[byte >> 4];
    out[at + 1] = hexDigits[byte & 15];
  }
  if (meaning === 'spanId') return { start: 0, end: digits };
  let first = 0;
  while (first < digits - 1 && out[first] === hexDigits[0]) first++;
  return { start: first, end: digits };
}

/** The printed form of an id by itself. */
export function printedId(bytes: Uint8Array, meaning: Meaning): Uint8Array {
  const out = new Uint8Array(32);
  const { start, end } = printId(bytes, 0, bytes.length, meaning, out);
  return out.subarray(start, end);
}

function compareBytes(bytes: Uint8Array, start: number, end: number, literal: Uint8Array): number {
  const length = end - start;
  const common = Math.min(length, literal.length);
  for (let i = 0; i < common; i++) {
    const difference = bytes[start + i] - literal[i];
    if (difference !== 0) return difference;
  }
  return length - literal.length;
}

function setEntries(kernels: Kernels, dictionary: Dictionary, literals: readonly Uint8Array[], hits: number): number {
  const found = literals.map((literal) => kernels.findInDictionary(dictionary, literal)).filter((id) => id >= 0);
  const table = kernels.u8(hits, dictionary.count);
  table.fill(0);
  for (const id of found) table[id] = 1;
  return new Set(found).size;
}

function matchRegexp(kernels: Kernels, dictionary: Dictionary, regexp: Regexp, negated: boolean, hits: number): number {
  let hitCount = regexp.exactLiterals
    ? setEntries(kernels, dictionary, regexp.exactLiterals, hits)
    : searchRegexp(kernels, dictionary, regexp, hits);
  if (negated) {
    const table = kernels.u8(hits, dictionary.count);
    for (let i = 0; i < table.length; i++) table[i] ^= 1;
    hitCount = dictionary.count - hitCount;
  }
  return hitCount;
}

/** Looks for the literal that every match must contain first: one pass over the whole dictionary, and the engine runs only where it stands. */
function searchRegexp(kernels: Kernels, dictionary: Dictionary, regexp: Regexp, hits: number): number {
  const bytes = kernels.u8(dictionary.at, dictionary.sizeBytes);
  const offsets = kernels.u32(dictionary.offsets, dictionary.count + 1);
  const table = kernels.u8(hits, dictionary.count);
  table.fill(0);
  let hitCount = 0;
  const literal = regexp.requiredLiteral;
  if (literal === undefined) {
    for (let id = 0; id < dictionary.count; id++)
      if ((table[id] = Number(regexp.matches(bytes, offsets[id] + 4, offsets[id + 1])))) hitCount++;
    return hitCount;
  }
  const haystack = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  let from = 0;
  let id = 0;
  while (id < dictionary.count) {
    const at = haystack.indexOf(literal, from);
    if (at < 0) break;
    id = entryAt(offsets, id, dictionary.count, at);
    const start = offsets[id] + 4;
    const end = offsets[id + 1];
    if (at < start || at + literal.length > end) {
      from = at + 1; // it ran across a length prefix
      continue;
    }
    if (regexp.matches(bytes, start, end)) {
      table[id] = 1;
      hitCount++;
    }
    from = end;
    id++;
  }
  return hitCount;
}

/** The entry whose bytes, length prefix included, hold the offset. */
function entryAt(offsets: Uint32Array, from: number, count: number, at: number): number {
  let low = from;
  let high = count - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (offsets[middle] <= at) low = middle;
    else high = middle - 1;
  }
  return low;
}
