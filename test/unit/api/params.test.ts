import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseFlexibleTime } from '#engine/api/date-range.ts';
import {
  dedicatedColumnsFromMeta,
  dedicatedColumnsToMeta,
  parseDedicatedColumnsParameter,
  printDedicatedColumnsParameter,
} from '#engine/api/dedicated-columns.ts';
import { escapeForm, parseForm } from '#engine/api/form.ts';
import { int32, parseInteger, uint32 } from '#engine/api/integers.ts';
import { parseLogfmt, printLogfmt } from '#engine/api/logfmt.ts';
import { errorCodeOfStatus, wireStatuses } from '#engine/api/status.ts';
import { errorCodes } from '#engine/base/errors.ts';
import { goQuote } from '#engine/base/quote.ts';

test('query strings are decoded as Go decodes them', () => {
  const form = parseForm('a=1&a=2&b=%7B+x%3D%22%C3%A9%22+%7D&bad=%zz&c%20d=e=f&;=1&g&=h&i=%ff%41&j=é+%2B&&k=100%');
  assert.deepEqual(
    [...form],
    [
      ['a', '1'],
      ['b', '{ x="é" }'],
      ['c d', 'e=f'],
      ['g', ''],
      ['', 'h'],
      ['i', '\ufffdA'],
      ['j', 'é +'],
    ],
  );
  assert.equal(escapeForm("{ a='b' } ~*(é)!"), '%7B+a%3D%27b%27+%7D+~%2A%28%C3%A9%29%21');
});

test('integers have the ranges and texts of strconv', () => {
  assert.equal(parseInteger('007', uint32), 7);
  assert.equal(parseInteger('-7', int32), -7);
  assert.equal(parseInteger('+7', int32), 7);
  const cases: [string, typeof int32, string][] = [
    ['+7', uint32, 'strconv.ParseUint: parsing "+7": invalid syntax'],
    ['', uint32, 'strconv.ParseUint: parsing "": invalid syntax'],
    ['1_0', uint32, 'strconv.ParseUint: parsing "1_0": invalid syntax'],
    ['4294967296', uint32, 'strconv.ParseUint: parsing "4294967296": value out of range'],
    ['2147483648', int32, 'strconv.ParseInt: parsing "2147483648": value out of range'],
    ['"\n', int32, 'strconv.ParseInt: parsing "\\"\\n": invalid syntax'],
  ];
  for (const [text, range, message] of cases) assert.throws(() => parseInteger(text, range), { code: 'bad_request', message });
  assert.throws(() => parseInteger('9'.repeat(100_000), uint32), { message: /value out of range$/ });
});

test('texts are quoted as Go quotes them', () => {
  assert.equal(goQuote('a"b\\\n\u0001\u007fé\u200b😀\u{e0001}'), '"a\\"b\\\\\\n\\x01\\x7fé\\u200b😀\\U000e0001"');
});

test('logfmt is read with its errors in place', () => {
  assert.deepEqual(
    [...parseLogfmt('a=b c="d e" f= g h="\\"\\u00e9\\n\\\'"')],
    [
      ['a', 'b'],
      ['c', 'd e'],
      ['f', ''],
      ['g', ''],
      ['h', '"é\n\''],
    ],
  );
  const cases: [string, string][] = [
    ['a=b a=c', 'tag a has been set twice'],
    ['"x', "unexpected '\"' at pos 1"],
    ['a="b', 'unterminated quoted value at pos 5'],
    ['a==b', "unexpected '=' at pos 3"],
    ['=b', "unexpected '=' at pos 1"],
    ['é=a"', "unexpected '\"' at pos 5"],
    ['a="\\x"', 'invalid quoted value at pos 7'],
    ['a="\u0001\\n"', 'invalid quoted value at pos 8'],
  ];
  for (const [text, message] of cases) assert.throws(() => parseLogfmt(text), { code: 'bad_request', message }, text);
  const tags = new Map([
    ['a', ''],
    ['b', ' x"\\ü\n'],
    ['c', 'plain'],
  ]);
  assert.deepEqual(parseLogfmt(printLogfmt(tags)), tags);
});

test('points in time come in four spellings', () => {
  const expected = 1_768_046_400_000_000_000n;
  for (const text of ['1768046400', '1768046400000000000', '1768046400.0', '2026-01-10T12:00:00Z', '2026-01-10T13:00:00+01:00']) {
    assert.equal(parseFlexibleTime(text), expected, text);
  }
  assert.equal(parseFlexibleTime('2026-01-10T12:00:00.5Z'), expected + 500_000_000n);
  assert.equal(parseFlexibleTime('1768046400.123456789'), expected + 123_456_789n);
  assert.throws(() => parseFlexibleTime('abc'), { message: 'strconv.ParseInt: parsing "abc": invalid syntax' });
  assert.throws(() => parseFlexibleTime('2026-13-45T99:00:00Z'), { code: 'bad_request' });
});

test('dedicated columns have two spellings', () => {
  const meta = [
    { s: 'resource', n: 'r.s1' },
    { n: 's.s1' },
    { n: 's.i1', t: 'int' },
    { n: 's.blob', o: ['blob'] },
    { s: 'event', n: 'e.s1' },
  ];
  const columns = dedicatedColumnsFromMeta(meta);
  assert.deepEqual(dedicatedColumnsToMeta(columns), meta);
  const text = printDedicatedColumnsParameter(columns);
  assert.equal(
    text,
    '[{"scope":1,"name":"r.s1"},{"name":"s.s1"},{"name":"s.i1","type":1},{"name":"s.blob","options":2},{"scope":2,"name":"e.s1"}]',
  );
  assert.deepEqual(parseDedicatedColumnsParameter(text), columns);
  assert.deepEqual(dedicatedColumnsFromMeta(undefined), []);
  assert.deepEqual(parseDedicatedColumnsParameter('null'), []);
  assert.throws(() => dedicatedColumnsFromMeta([{ n: 'x', s: 'trace' }]), { message: "unsupported dedicated column scope 'trace'" });
  assert.throws(() => parseDedicatedColumnsParameter(''), { message: "invalid dedicatedColumns '': unexpected end of JSON input" });
  assert.throws(() => parseDedicatedColumnsParameter('x'), {
    message: "invalid dedicatedColumns 'x': invalid character 'x' looking for beginning of value",
  });
});

test('every error has a status', () => {
  for (const code of errorCodes) {
    const { http, grpc } = wireStatuses[code];
    assert.ok(http >= 400 && http < 600 && grpc > 0 && grpc <= 16, code);
  }
  assert.deepEqual(wireStatuses.bad_request, { http: 400, grpc: 3 });
  assert.equal(errorCodeOfStatus(404), 'not_found');
  assert.equal(errorCodeOfStatus(418), 'bad_request');
  assert.equal(errorCodeOfStatus(502), 'internal');
});
