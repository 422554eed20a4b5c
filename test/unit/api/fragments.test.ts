import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AttributeValue } from '#engine/api/attribute-value.ts';
import { attributeFragment, nameFragment, stringAttributeFragment } from '#engine/api/fragments.ts';

const utf8 = (text: string) => new TextEncoder().encode(text);
const text = (bytes: Uint8Array) => Buffer.from(bytes).toString();

test('a plain name is its own fragment', () => {
  const name = utf8('GET /api');
  assert.equal(nameFragment('json', name), name);
  assert.equal(nameFragment('protobuf', utf8('"')).length, 1);
});

test('names are escaped for JSON as Go escapes them', () => {
  assert.equal(text(nameFragment('json', utf8('a"b\\c\nd<e>&\u0001é\u007f'))), 'a\\"b\\\\c\\nd\\u003ce\\u003e\\u0026\\u0001é\\u007f');
  for (const name of ['', 'ü', '\u0000\u001f"\\', '😀<b>', 'a\tb\r']) {
    assert.equal(JSON.parse(`"${text(nameFragment('json', utf8(name)))}"`), name);
  }
});

test('bytes that are no UTF-8 become U+FFFD', () => {
  assert.equal(text(nameFragment('protobuf', Uint8Array.of(0xff, 0x62))), '\ufffdb');
  assert.equal(text(nameFragment('json', utf8('\ufeffa'))), '\ufeffa');
  assert.equal(text(nameFragment('json', Uint8Array.of(0x61, 0xff, 0x62, 0x22))), 'a\ufffdb\\"');
});

const values: readonly { readonly value: AttributeValue; readonly json: unknown; readonly hex: string }[] = [
  { value: { type: 'string', value: '' }, json: { stringValue: '' }, hex: '0a00' },
  { value: { type: 'string', value: 'é<' }, json: { stringValue: 'é<' }, hex: '0a03c3a93c' },
  { value: { type: 'int', value: 0n }, json: { intValue: '0' }, hex: '1800' },
  { value: { type: 'int', value: -1n }, json: { intValue: '-1' }, hex: '18ffffffffffffffffff01' },
  { value: { type: 'int', value: 300n }, json: { intValue: '300' }, hex: '18ac02' },
  { value: { type: 'double', value: 1.5 }, json: { doubleValue: 1.5 }, hex: '21000000000000f83f' },
  { value: { type: 'double', value: Number.NaN }, json: { doubleValue: 'NaN' }, hex: '21000000000000f87f' },
  { value: { type: 'double', value: -Infinity }, json: { doubleValue: '-Infinity' }, hex: '21000000000000f0ff' },
  { value: { type: 'double', value: -0 }, json: { doubleValue: -0 }, hex: '210000000000000080' },
  { value: { type: 'boolean', value: false }, json: { boolValue: false }, hex: '1000' },
  { value: { type: 'boolean', value: true }, json: { boolValue: true }, hex: '1001' },
  { value: { type: 'array', values: [] }, json: { arrayValue: {} }, hex: '2a00' },
  {
    value: {
      type: 'array',
      values: [
        { type: 'int', value: 1n },
        { type: 'string', value: 'b' },
      ],
    },
    json: { arrayValue: { values: [{ intValue: '1' }, { stringValue: 'b' }] } },
    hex: '2a090a0218010a030a0162',
  },
];

test('attributes are whole JSON objects', () => {
  for (const { value, json } of values) {
    assert.deepEqual(JSON.parse(text(attributeFragment('json', 'k"', value))), { key: 'k"', value: json });
  }
  assert.deepEqual(JSON.parse(text(attributeFragment('json', '', { type: 'boolean', value: false }))), { value: { boolValue: false } });
});

test('attributes are whole KeyValue messages', () => {
  for (const { value, hex } of values) {
    const length = (hex.length / 2).toString(16).padStart(2, '0');
    assert.equal(Buffer.from(attributeFragment('protobuf', 'ab', value)).toString('hex'), `0a02616212${length}${hex}`);
  }
});

test('string attributes from bytes are the same fragments', () => {
  for (const format of ['json', 'protobuf'] as const) {
    for (const key of ['', 'k', 'schlüssel<']) {
      const expected = attributeFragment(format, key, { type: 'string', value: 'w"ert' });
      assert.deepEqual(Buffer.from(stringAttributeFragment(format, utf8(key), utf8('w"ert'))), Buffer.from(expected));
    }
  }
});
