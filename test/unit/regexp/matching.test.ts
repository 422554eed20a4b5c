import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compileRegexp } from '#engine/traceql/regexp/regexp.ts';

/** Pattern, texts that match as a whole, texts that do not. */
const cases: readonly (readonly [string, readonly string[], readonly string[]])[] = [
  ['', [''], ['a', '\n']],
  ['child', ['child'], ['childB', 'a child', '']],
  ['a|b', ['a', 'b'], ['ab', 'xa', '']],
  ['a.b', ['a\nb', 'axb', 'aéb', 'a😀b'], ['ab', 'axxb']],
  ['(?-s)a.b', ['axb'], ['a\nb']],
  ['^a$', ['a'], ['a\n', 'ba']],
  ['(?m)a$\\n^b', ['a\nb'], ['ab', 'a\n\nb']],
  ['(?m)(^a$\\n?)+', ['a', 'a\na', 'a\n'], ['aa', 'b']],
  ['\\Aa\\z', ['a'], ['a\n']],
  ['a\\zb|c', ['c'], ['ab']],
  ['a^b|a$b', [], ['ab', 'a', 'b']],
  ['\\bfoo\\b.*', ['foo', 'foo bar', 'foo-', 'fooé'], ['foobar', 'foo_']],
  ['.*\\bfoo\\b', ['a foo', 'éfoo', 'foo'], ['afoo', '1foo']],
  ['a\\Bb', ['ab'], ['a b']],
  ['\\b|\\B', [''], ['a']],
  ['(\\b|x)*', ['', 'xx'], ['y']],
  ['(?i)Kelvin', ['kelvin', 'KELVIN', '\u212aelvin'], ['kelvim']],
  ['(?i)straße', ['STRAßE', 'STRA\u1e9eE', '\u017ftraße'], ['strasse']],
  ['(?i)σ', ['σ', 'ς', 'Σ'], ['s']],
  ['(?i)i', ['i', 'I'], ['ı', 'İ']],
  ['(?i)[^k]', ['a', 'x'], ['k', 'K', '\u212a']],
  ['(?i)\\w', ['k', '\u212a', 'ſ'], ['é', '-']],
  ['(?i:a)b', ['ab', 'Ab'], ['aB']],
  ['a(?i)b|c', ['aB', 'C'], ['AB']],
  ['(a(?i)b)c', ['aBc'], ['abC']],
  ['(?i)\\p{Lu}', ['a', 'A', 'é'], ['1']],
  ['\\w+', ['az_09'], ['é', 'a b', '']],
  ['\\s+', [' \t\n\f\r'], ['\v', '\u00a0']],
  ['[[:space:]]+', [' \t\n\v\f\r'], ['\u00a0']],
  ['\\d+', ['0129'], ['٣', '']],
  ['[[:^digit:]]', ['a', 'é'], ['1']],
  ['[^a]', ['b', '\n', '😀'], ['a', '']],
  ['[]a]+', [']a]'], ['[']],
  ['[a\\-z]+', ['a-z'], ['b']],
  ['[^\\x00-\\x{10FFFF}]', [], ['', 'a']],
  ['\\pL+', ['aéß日'], ['a1']],
  ['\\PL+', ['12 '], ['a1']],
  ['\\p{Greek}+', ['αΩ'], ['a']],
  ['\\p{^Greek}', ['a'], ['α']],
  ['[\\p{Han}\\d]+', ['日1'], ['a']],
  ['\\p{ASCII}+', ['abc~'], ['é']],
  ['\\x41\\101\\x{1F600}', ['AA😀'], ['AA']],
  ['\\0\\07', ['\0\x07'], []],
  ['\\Qa.b*\\E+', ['a.b*', 'a.b***'], ['axb']],
  ['a{2,4}', ['aa', 'aaa', 'aaaa'], ['a', 'aaaaa']],
  ['a{2,}', ['aa', 'aaaaaa'], ['a']],
  ['(ab){2}', ['abab'], ['ab', 'ababab']],
  ['a{0}b', ['b'], ['ab']],
  ['(?U)a+b??', ['a', 'aab'], ['b']],
  ['a{,2}', ['a{,2}'], ['a', 'aa']],
  ['(a*)*', ['', 'aaa'], ['b']],
  ['(a*)+b', ['b', 'aab'], ['a']],
  ['(|a){3}', ['', 'a', 'aaa'], ['aaaa']],
  ['.*foo.*', ['foo', 'a\nfoo\nb'], ['fo', 'f oo']],
  ['.+', ['a', '\n', 'é'], ['']],
  ['.{3}.*', ['abc', 'é日😀', 'abcdef'], ['ab', '']],
  ['.*|x', ['', 'x', 'anything'], []],
];

test('matches whole values as RE2 does', () => {
  for (const [pattern, yes, no] of cases) {
    const regexp = compileRegexp(pattern);
    for (const [texts, expected] of [
      [yes, true],
      [no, false],
    ] as const) {
      for (const text of texts) {
        const bytes = Buffer.from(`<${text}>`);
        assert.equal(regexp.matches(bytes, 1, bytes.length - 1), expected, `${pattern} on ${JSON.stringify(text)}`);
      }
    }
  }
});

test('reads a byte that is no UTF-8 as U+FFFD', () => {
  const matches = (pattern: string, ...bytes: number[]) => compileRegexp(pattern).matches(Uint8Array.from(bytes), 0, bytes.length);
  assert.ok(matches('.', 0xff));
  assert.ok(matches('\\x{FFFD}', 0xff));
  assert.ok(matches('\uFFFD', 0xef, 0xbf, 0xbd));
  assert.ok(matches('..', 0xc3, 0x41));
  assert.ok(!matches('.', 0xc3, 0x41));
  assert.ok(matches('...', 0xed, 0xa0, 0x80), 'a surrogate is three bad bytes');
  assert.ok(matches('..', 0xc0, 0x80), 'an overlong form is two');
  assert.ok(matches('...', 0xe2, 0x82, 0x41), 'so is a sequence cut short');
  assert.ok(matches('....', 0xf4, 0x90, 0x80, 0x80), 'and one beyond the last code point');
  assert.ok(matches('[^a]+', 0xe2, 0x82));
  assert.ok(matches('a.*', 0x61, 0x80, 0xbf));
  assert.ok(!matches('[a-z]+', 0x61, 0x80));
  assert.ok(!matches('\\x{D800}', 0xed, 0xa0, 0x80));
});

test('reads only the part of the bytes that it is given', () => {
  const bytes = Buffer.from('xfoo\u00e9');
  assert.ok(compileRegexp('\\bfoo\\b').matches(bytes, 1, 4));
  assert.ok(compileRegexp('foo\uFFFD').matches(bytes, 1, 5), 'half a character is a bad byte');
});

test('finds the literal that every match contains', () => {
  const literal = (pattern: string) => {
    const found = compileRegexp(pattern).requiredLiteral;
    return found && Buffer.from(found).toString();
  };
  assert.equal(literal('.*foo.*'), 'foo');
  assert.equal(literal('ab+cde[xy]fg'), 'bcde');
  assert.equal(literal('(foo|bar)baz'), 'baz');
  assert.equal(literal('foobar|foobaz'), 'fooba');
  assert.equal(literal('(xab|yab)c'), 'abc');
  assert.equal(literal('(ab){3}'), 'ababab');
  assert.equal(literal('(ab){3,}c'), 'abababc');
  assert.equal(literal('(abc)?d'), 'd');
  assert.equal(literal('(abc)*'), undefined);
  assert.equal(literal('a|b'), undefined);
  assert.equal(literal('(?i)foo-1'), '-1');
  assert.equal(literal('(?i)foo'), undefined);
  assert.equal(literal('^/api/.*$'), '/api/');
  assert.equal(literal('héllo.*'), 'héllo');
  assert.equal(literal('a\uFFFDbc'), 'bc');
  assert.equal(literal('\\x{D800}x'), 'x');
  assert.equal(literal('a{20}b'), `${'a'.repeat(16)}b`);
});

test('finds what every match starts with', () => {
  const prefix = (pattern: string) => Buffer.from(compileRegexp(pattern).prefix ?? '').toString();
  assert.equal(prefix('/api/.*'), '/api/');
  assert.equal(prefix('foo|foa'), 'fo');
  assert.equal(prefix('.*a'), '');
});

test('lists the values of a small language', () => {
  const values = (pattern: string) => compileRegexp(pattern).exactLiterals?.map((value) => Buffer.from(value).toString());
  assert.deepEqual(values('a|b|c'), ['a', 'b', 'c']);
  assert.deepEqual(values('^(GET|POST) /x$'), ['GET /x', 'POST /x']);
  assert.deepEqual(values('[ab]?c'), ['c', 'ac', 'bc']);
  assert.deepEqual(values('(?i)ok'), ['OK', 'Ok', 'O\u212a', 'oK', 'ok', 'o\u212a']);
  assert.deepEqual(values('a{1,3}'), ['a', 'aa', 'aaa']);
  assert.deepEqual(values(''), ['']);
  assert.equal(values('a*'), undefined);
  assert.equal(values('\\w\\w'), undefined);
  assert.equal(values('\\bfoo'), undefined);
  assert.equal(values('.'), undefined);
});
