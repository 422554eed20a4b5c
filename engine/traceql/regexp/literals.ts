import { charCount } from './char-set.ts';
import type { RegexpNode } from './syntax-tree.ts';

/** What every match of a pattern has in common, as text. */
export interface CommonLiterals {
  /** The only text that can match. */
  readonly exact: string | undefined;
  readonly prefix: string;
  readonly suffix: string;
  /** The longest text found that is part of every match. */
  readonly inner: string;
}

const maxLiteralUnits = 4096;
const maxLiterals = 64;
/** Repetitions of a body that are written out to find a longer text. */
const maxJoined = 16;
const replacementChar = 0xfffd;
const none: CommonLiterals = { exact: undefined, prefix: '', suffix: '', inner: '' };

/** The text that every match must contain. */
export function commonLiterals(node: RegexpNode): CommonLiterals {
  switch (node.kind) {
    case 'empty':
    case 'assertion':
      return exactly('');
    case 'chars': {
      const [codePoint] = node.set;
      return charCount(node.set) === 1 && isPlain(codePoint) ? exactly(String.fromCodePoint(codePoint)) : none;
    }
    case 'group':
      return commonLiterals(node.body);
    case 'concat':
      return node.parts.map(commonLiterals).reduce(followedBy);
    case 'alternate':
      return node.parts.map(commonLiterals).reduce(either);
    case 'repeat':
      return repeated(commonLiterals(node.body), node.min, node.max);
  }
}

/**
 * All texts that match, when they are few (64) and the pattern needs no look around to tell; undefined otherwise.
 */
export function exactTexts(node: RegexpNode): readonly string[] | undefined {
  switch (node.kind) {
    case 'empty':
      return [''];
    case 'assertion':
      return undefined;
    case 'chars':
      return membersOf(node.set);
    case 'group':
      return exactTexts(node.body);
    case 'concat':
      return node.parts.reduce<readonly string[] | undefined>((texts, part) => texts && product(texts, exactTexts(part)), ['']);
    case 'alternate':
      return node.parts.reduce<readonly string[] | undefined>((texts, part) => texts && joined(texts, exactTexts(part)), []);
    case 'repeat':
      return repeatedTexts(node.body, node.min, node.max);
  }
}

/** Surrogates match nothing; U+FFFD also matches bytes that are no UTF-8. Neither stands for its own bytes. */
function isPlain(codePoint: number): boolean {
  return codePoint !== replacementChar && (codePoint < 0xd800 || codePoint >= 0xe000);
}

function exactly(text: string): CommonLiterals {
  return { exact: text, prefix: text, suffix: text, inner: text };
}

function followedBy(a: CommonLiterals, b: CommonLiterals): CommonLiterals {
  const isLong = a.inner.length + b.inner.length > maxLiteralUnits;
  const exact = a.exact !== undefined && b.exact !== undefined && !isLong ? a.exact + b.exact : undefined;
  if (exact !== undefined) return exactly(exact);
  return {
    exact,
    prefix: a.exact !== undefined && !isLong ? a.exact + b.prefix : a.prefix,
    suffix: b.exact !== undefined && !isLong ? a.suffix + b.exact : b.suffix,
    inner: longest(longest(a.inner, b.inner), isLong ? '' : a.suffix + b.prefix),
  };
}

function either(a: CommonLiterals, b: CommonLiterals): CommonLiterals {
  if (a.exact !== undefined && a.exact === b.exact) return a;
  const prefix = commonPrefix(a.prefix, b.prefix);
  const suffix = reversed(commonPrefix(reversed(a.suffix), reversed(b.suffix)));
  return { exact: undefined, prefix, suffix, inner: a.inner === b.inner ? a.inner : longest(prefix, suffix) };
}

function repeated(body: CommonLiterals, min: number, max: number): CommonLiterals {
  if (max === 0) return exactly('');
  if (min === 0) return none;
  let result = body;
  let count = 1;
  for (; count < Math.min(min, maxJoined) && result.inner.length < maxLiteralUnits; count++) result = followedBy(result, body);
  // Beyond what was joined, only what starts and ends the repetition is known.
  return count === min && min === max ? result : { ...result, exact: undefined };
}

function longest(a: string, b: string): string {
  return b.length > a.length ? b : a;
}

/** Whole code points only. */
function commonPrefix(a: string, b: string): string {
  let length = 0;
  for (const char of a) {
    if (!b.startsWith(char, length)) break;
    length += char.length;
  }
  return a.slice(0, length);
}

function reversed(text: string): string {
  return [...text].reverse().join('');
}

function membersOf(set: readonly number[]): readonly string[] | undefined {
  if (charCount(set) > maxLiterals) return undefined;
  const members: string[] = [];
  for (let i = 0; i < set.length; i += 2) {
    for (let codePoint = set[i]; codePoint < set[i + 1]; codePoint++) {
      if (!isPlain(codePoint)) return undefined;
      members.push(String.fromCodePoint(codePoint));
    }
  }
  return members;
}

function product(left: readonly string[], right: readonly string[] | undefined): readonly string[] | undefined {
  if (right === undefined || left.length * right.length > maxLiterals) return undefined;
  if (left.some((text) => text.length > maxLiteralUnits)) return undefined;
  return left.flatMap((start) => right.map((end) => start + end));
}

function joined(left: readonly string[], right: readonly string[] | undefined): readonly string[] | undefined {
  if (right === undefined) return undefined;
  const all = [...new Set([...left, ...right])];
  return all.length > maxLiterals ? undefined : all;
}

function repeatedTexts(body: RegexpNode, min: number, max: number): readonly string[] | undefined {
  if (max === 0) return [''];
  if (max > maxLiterals) return undefined;
  const texts = exactTexts(body);
  if (texts === undefined) return undefined;
  let power: readonly string[] | undefined = [''];
  let result: readonly string[] | undefined = min === 0 ? [''] : [];
  for (let count = 1; count <= max && power && result; count++) {
    power = product(power, texts);
    if (count >= min) result = joined(result, power);
  }
  return power && result;
}
