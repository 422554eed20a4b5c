import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLexer, nextToken } from '#engine/traceql/lex.ts';
import { readDurationRun, readWord } from '#engine/traceql/lex-run.ts';
import { scanAttributeName } from '#engine/traceql/lex-string.ts';
import type { Token } from '#engine/traceql/tokens.ts';

function tokens(text: string): Token[] {
  const lexer = createLexer(text);
  const list: Token[] = [];
  for (;;) {
    const token = nextToken(lexer);
    list.push(token);
    if (token.kind === '$end') return list;
  }
}

/** `KIND` or `KIND:text` or `KIND:value` of each token but the last. */
function spelled(text: string): string[] {
  return tokens(text)
    .slice(0, -1)
    .map(({ kind, text: word, value }) => {
      if (value !== undefined) return `${kind}:${value}`;
      return (kind === 'IDENTIFIER' || kind === 'STRING') && word !== kind ? `${kind}:${word}` : kind;
    });
}

function problem(text: string): string {
  try {
    tokens(text);
  } catch (thrown) {
    return (thrown as Error).message;
  }
  return '';
}

test('numbers are read as Go reads them', () => {
  assert.deepEqual(spelled('017 1.5 .5 5. 1e3 1.5e-3 0x1p4 1_0.5'), [
    ...['INTEGER:17', 'FLOAT:1.5', 'FLOAT:0.5', 'FLOAT:5', 'FLOAT:1000', 'FLOAT:0.0015', 'FLOAT:16', 'FLOAT:10.5'],
  ]);
  assert.deepEqual(spelled('9223372036854775807'), ['INTEGER:9223372036854775807']);
  assert.deepEqual(spelled('000000000000000000000000777'), ['INTEGER:777']);
  assert.deepEqual(spelled('1.2.3'), ['FLOAT:1.2', 'FLOAT:0.3']);
});

test('numbers that Go refuses give its words, at their start', () => {
  const rows: readonly [string, string][] = [
    ['018', "invalid digit '8' in octal literal"],
    ['0b12', "invalid digit '2' in binary literal"],
    ['0x', 'hexadecimal literal has no digits'],
    ['0x1.8', "hexadecimal mantissa requires a 'p' exponent"],
    ['0b1.1', 'invalid radix point in binary literal'],
    ['1e', 'exponent has no digits'],
    ['1p3', "'p' exponent requires hexadecimal mantissa"],
    ['0b1e3', "'e' exponent requires decimal mantissa"],
    ['1__0', "'_' must separate successive digits"],
    ['1_', "'_' must separate successive digits"],
    ['0x10', 'strconv.Atoi: parsing "0x10": invalid syntax'],
    ['0b11', 'strconv.Atoi: parsing "0b11": invalid syntax'],
    ['1_000', 'strconv.Atoi: parsing "1_000": invalid syntax'],
    ['9223372036854775808', 'strconv.Atoi: parsing "9223372036854775808": value out of range'],
    ['1e400', 'strconv.ParseFloat: parsing "1e400": value out of range'],
  ];
  for (const [text, words] of rows) assert.equal(problem(`{ ${text}`), `parse error at line 1, col 3: ${words}`, text);
});

test('durations are a number and unit letters in either form, or two tokens (spec traceql §1.3)', () => {
  const second = 1_000_000_000n;
  const rows: readonly [string, bigint][] = [
    ['1w2d', 9n * 86_400n * second],
    ['1h30m', 5_400n * second],
    ['1d12h', 36n * 3_600n * second],
    ['1y', 365n * 86_400n * second],
    ['1.5h', 5_400n * second],
    ['30m1h', 5_400n * second],
    ['1s1s', 2n * second],
    ['1ms500us', 1_500_000n],
    ['1µs', 1_000n],
    ['1h1.5m', 3_690n * second],
    ['.5s', 500_000_000n],
    ['5.s', 5n * second],
    ['0s', 0n],
  ];
  for (const [text, nanos] of rows) assert.deepEqual(spelled(text), [`DURATION:${nanos}`], text);
  assert.deepEqual(spelled('1h30'), ['INTEGER:1', 'IDENTIFIER:h30']);
  assert.deepEqual(spelled('1x'), ['INTEGER:1', 'IDENTIFIER:x']);
  assert.deepEqual(spelled('1.5d'), ['FLOAT:1.5', 'IDENTIFIER:d']);
  assert.deepEqual(spelled('300y'), ['INTEGER:300', 'IDENTIFIER:y']);
});

test('strings have the escapes of Go; raw strings have none', () => {
  assert.deepEqual(spelled(String.raw`"a\n\x41\101\u00e9\U0001F680\"\\"`), ['STRING:a\nAAé🚀"\\']);
  assert.deepEqual(spelled(String.raw`"\xc3\xa9"`), ['STRING:é']);
  assert.deepEqual(spelled('`a\\n\r\nb`'), ['STRING:a\\n\nb']);
  assert.deepEqual(spelled("'x'"), ["IDENTIFIER:'x'"]);
  const rows: readonly [string, string][] = [
    [String.raw`"\d"`, 'invalid char escape'],
    [String.raw`"\'"`, 'invalid char escape'],
    [String.raw`"\x4"`, 'invalid char escape'],
    [String.raw`"\400"`, 'invalid syntax'],
    [String.raw`"\ud800"`, 'invalid syntax'],
    ['"a', 'literal not terminated'],
    ['"a\n"', 'literal not terminated'],
    ['`a', 'literal not terminated'],
    ["'ab'", 'invalid char literal'],
    ['/* a', 'comment not terminated'],
    ['a\0', 'invalid character NUL'],
  ];
  for (const [text, words] of rows) assert.equal(problem(` ${text}`), `parse error at line 1, col 2: ${words}`, text);
});

test('operators take the longest match, each beginning of which is one', () => {
  assert.deepEqual(spelled('!>> &<< &~ >>= !== ! > =~~'), ['!>>', '&<<', '&~', '>>', '=', '!=', '=', '!', '>', '=~', '~']);
  assert.deepEqual(spelled('& ; [ #'), ['IDENTIFIER:&', 'IDENTIFIER:;', 'IDENTIFIER:[', 'IDENTIFIER:#']);
});

test('scope words are tokens only right before their dot or colon', () => {
  assert.deepEqual(spelled('span:name span: id'), ['span:', 'name', 'span:', 'id']);
  assert.deepEqual(spelled('span resource:x trace.y'), [
    ...['IDENTIFIER:span', 'IDENTIFIER:resource', 'IDENTIFIER::', 'IDENTIFIER:x', 'IDENTIFIER:trace', '.', 'IDENTIFIER:y', 'END_ATTRIBUTE'],
  ]);
  assert.deepEqual(spelled('parent.span.x parent.spanx'), [
    ...['parent.', 'span.', 'IDENTIFIER:x', 'END_ATTRIBUTE', 'parent.', 'IDENTIFIER:spanx', 'END_ATTRIBUTE'],
  ]);
});

test('attribute names run to a terminating character and may be quoted in part (spec traceql §1.6)', () => {
  const rows: readonly [string, string][] = [
    ['.a-b=1', 'a-b'],
    ['.a*2=1', 'a*2'],
    ['.a^2=1', 'a'],
    ['.a.b.c[0]:d=1', 'a.b.c[0]:d'],
    ['..a=1', '.a'],
    ['.a/*c*/ = 1', 'a/*c*/'],
    ['span.1=1', '1'],
    ['."1"=1', '1'],
    ['span."a b"=1', 'a b'],
    ['.a"b c".d=1', 'ab c.d'],
    ['."a"."b"=1', 'a.b'],
    ['.""=1', ''],
    [String.raw`."a\"\\"=1`, 'a"\\'],
    ['.resource.x=1', 'resource.x'],
    ['.back\\slash=1', 'back\\slash'],
  ];
  for (const [text, name] of rows) {
    const [, word, end] = tokens(text);
    assert.deepEqual([word!.kind, word!.text, end!.kind], ['IDENTIFIER', name, 'END_ATTRIBUTE'], text);
  }
  assert.deepEqual(spelled('.1'), ['FLOAT:0.1']);
  assert.equal(problem(String.raw`{ ."a\n"`), 'parse error at line 0, col 3: invalid escape sequence');
  assert.equal(problem('{ span."a'), 'parse error at line 0, col 3: unexpected EOF, expecting "');
});

test('positions count code points; the line is 0 where more than one scan went into a token (spec traceql §3.4)', () => {
  const places = (text: string) => tokens(text).map(({ line, column }) => `${line}:${column}`);
  assert.deepEqual(places('{ true } <= {'), ['1:1', '1:3', '1:8', '0:10', '1:13', '1:14']);
  assert.deepEqual(places('"🚀" = 1'), ['1:1', '1:5', '1:7', '1:8']);
  assert.deepEqual(places('{\n // c\n  =\n}'), ['1:1', '3:3', '4:1', '4:2']);
  assert.deepEqual(places('. }'), ['1:1', '1:1', '1:3', '1:4']);
  assert.deepEqual(places('span.a'), ['0:1', '0:1', '0:1', '1:7']);
  assert.deepEqual(places(''), ['1:0']);
  assert.deepEqual(places(' '), ['1:2']);
});

function nameOf(text: string): string {
  const scanned = scanAttributeName(text, 0);
  return 'value' in scanned ? scanned.value : '';
}

test('words, units and names are read by the classes of Unicode, whatever ASCII stands around a character', () => {
  const runs: readonly (readonly [RegExp, (text: string) => string])[] = [
    [/[\p{L}_][\p{L}\p{Nd}_]*/uy, (text) => readWord(text, 0)],
    [/[\p{Nd}.nsu\u00b5mhdwy]+/uy, (text) => readDurationRun(text, 0)],
    [/[^\p{White_Space}{}()=~!<>&|^,"]+/uy, nameOf],
  ];
  for (let code = 1; code < 0x30000; code++) {
    const character = String.fromCodePoint(code);
    if (character === '"' || (code >= 0xd800 && code < 0xe000)) continue;
    for (const text of [character, `a${character}1`, `1${character}s`]) {
      for (const [pattern, read] of runs) {
        pattern.lastIndex = 0;
        const expected = pattern.exec(text)?.[0] ?? '';
        if (read(text) !== expected) assert.fail(`${pattern} in ${JSON.stringify(text)}: ${JSON.stringify(read(text))}`);
      }
    }
  }
});
