import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compileRegexp } from '#engine/traceql/regexp/regexp.ts';

/** A piece of a pattern that RE2 and JavaScript spell alike, and a way to make a text that it probably matches. */
interface Piece {
  readonly source: string;
  readonly sample: () => string;
}

const patternCount = 1500;
const textsPerPattern = 24;
const alphabet = ['a', 'b', 'A', 'B', 'k', 's', '1', '_', '-', ' ', '\n', 'é', 'É', 'σ', 'ς', '日', '😀', 'ß'];
const classes = [
  '[ab]',
  '[^ab]',
  '[a-z]',
  '[^\\d\\s]',
  '\\d',
  '\\D',
  '\\w',
  '\\W',
  '\\s',
  '\\S',
  '\\p{L}',
  '\\P{Lu}',
  '[é-日]',
  '[\\p{Lu}1]',
  '.',
  '[^\\n]',
];
/** With i and u, JavaScript negates these before it folds case; RE2 folds first. */
const foldedEarly: readonly string[] = ['\\W', '\\P{Lu}'];
const assertions = ['\\b', '\\B', '^', '$'];
const quantifiers: readonly (readonly [string, number, number])[] = [
  ['*', 0, 3],
  ['+', 1, 3],
  ['?', 0, 1],
  ['*?', 0, 2],
  ['{2}', 2, 2],
  ['{1,3}', 1, 3],
  ['{2,}', 2, 4],
  ['{0,2}?', 0, 2],
];

/** Numbers in [0, 1), the same for the same seed (mulberry32). */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function makePieces(random: () => number, ignoreCase: boolean) {
  const usable = classes.filter((name) => !ignoreCase || !foldedEarly.includes(name));
  const below = (count: number) => Math.floor(random() * count);
  const pick = <T>(items: readonly T[]): T => items[below(items.length)];
  const text = (length: number) => Array.from({ length }, () => pick(alphabet)).join('');

  function atom(depth: number): Piece {
    const choice = below(10);
    if (choice < 4 || (depth === 0 && choice > 6)) {
      const char = pick(alphabet);
      return { source: char === '-' ? '-' : char, sample: () => char };
    }
    if (choice < 6) return { source: pick(usable), sample: () => pick(alphabet) };
    if (choice < 7) return { source: `(?:${pick(assertions)})`, sample: () => '' };
    const body = piece(depth - 1);
    return { source: `(${pick(['', '?:'])}${body.source})`, sample: body.sample };
  }

  function quantified(depth: number): Piece {
    const body = atom(depth);
    if (below(3) > 0) return body;
    const [mark, min, max] = pick(quantifiers);
    return {
      source: `${body.source}${mark}`,
      sample: () => Array.from({ length: min + below(max - min + 1) }, body.sample).join(''),
    };
  }

  function piece(depth: number): Piece {
    const branches = Array.from({ length: 1 + (below(3) === 0 ? below(3) : 0) }, () =>
      Array.from({ length: below(4) }, () => quantified(depth)),
    );
    return {
      source: branches.map((parts) => parts.map((part) => part.source).join('')).join('|'),
      sample: () =>
        pick(branches)
          .map((part) => part.sample())
          .join(''),
    };
  }

  /** Half made from the pattern, of these some with one character changed; half at random. */
  function textFor(from: Piece): string {
    if (below(2) === 0) return text(below(7));
    const chars = [...from.sample()];
    if (below(3) === 0 && chars.length > 0) chars[below(chars.length)] = pick(alphabet);
    return chars.join('').slice(0, 24);
  }

  return { piece, textFor };
}

test('agrees with JavaScript where the dialects agree', () => {
  const random = randomFrom(20_260_110);
  const makers = [false, true].map((ignoreCase) => makePieces(random, ignoreCase));
  let pairs = 0;
  let matches = 0;
  for (let i = 0; i < patternCount; i++) {
    const ignoreCase = random() < 0.25;
    const multiLine = random() < 0.2;
    const { piece, textFor } = makers[Number(ignoreCase)];
    const made = piece(3);
    const reference = new RegExp(`^(?:${made.source})$`, `us${ignoreCase ? 'i' : ''}`);
    // With m the outer anchors would match at lines: sticky and look-ahead keep them to the whole text.
    const oracle = multiLine ? new RegExp(`(?:${made.source})(?![^])`, `usmy${ignoreCase ? 'i' : ''}`) : reference;
    const regexp = compileRegexp(`${ignoreCase ? '(?i)' : ''}${multiLine ? '(?m)' : ''}${made.source}`);
    for (let j = 0; j < textsPerPattern; j++) {
      const text = textFor(made);
      if (!text.isWellFormed()) continue;
      const bytes = Buffer.from(text);
      oracle.lastIndex = 0;
      const expected = oracle.test(text);
      const context = `${oracle} on ${JSON.stringify(text)}`;
      assert.equal(regexp.matches(bytes, 0, bytes.length), expected, context);
      pairs++;
      if (!expected) continue;
      matches++;
      if (regexp.requiredLiteral) assert.ok(bytes.includes(Buffer.from(regexp.requiredLiteral)), `required literal: ${context}`);
      if (regexp.prefix) assert.ok(bytes.subarray(0, regexp.prefix.length).equals(regexp.prefix), `prefix: ${context}`);
      if (regexp.exactLiterals)
        assert.ok(
          regexp.exactLiterals.some((value) => bytes.equals(value)),
          `exact literals: ${context}`,
        );
    }
    for (const value of regexp.exactLiterals ?? []) {
      oracle.lastIndex = 0;
      assert.ok(oracle.test(Buffer.from(value).toString()), `${oracle} lists ${value}`);
    }
  }
  assert.ok(pairs > 20_000, `${pairs} pairs`);
  assert.ok(matches > pairs / 5, `only ${matches} of ${pairs} match`);
});

test('folds case as JavaScript does, for every code point with case', () => {
  const scalars = Array.from({ length: 0x1e944 }, (_, codePoint) => codePoint).filter(
    (codePoint) => codePoint < 0xd800 || codePoint >= 0xe000,
  );
  const cased = scalars.filter((codePoint) => /\p{Changes_When_Casemapped}/u.test(String.fromCodePoint(codePoint)));
  assert.ok(cased.length > 2500);
  for (const codePoint of cased) {
    const char = String.fromCodePoint(codePoint);
    const regexp = compileRegexp(`(?i)${char}`);
    const reference = new RegExp(`^${char}$`, 'iu');
    for (const other of [
      char,
      char.toLowerCase(),
      char.toUpperCase(),
      char.toLowerCase().toUpperCase(),
      char.toUpperCase().toLowerCase(),
    ]) {
      const bytes = Buffer.from(other);
      assert.equal(regexp.matches(bytes, 0, bytes.length), reference.test(other), `(?i)${char} on ${other}`);
    }
  }
});
