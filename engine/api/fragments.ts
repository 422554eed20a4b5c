import { isUtf8 } from 'node:buffer';
import type { AttributeValue } from './attribute-value.ts';
import { bytesField, varint } from './protobuf-wire.ts';
import type { AnswerFormat } from './search-answer.ts';

/**
 * Fragments: bytes of names and attributes in the format of the answer, made once per distinct value and then only copied
 * (`engine/kernels/trace-tables.ts`). JSON follows spec http-api §2.3, protobuf OTLP's KeyValue.
 */

const utf8Encoder = new TextEncoder();
const utf8Decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/** 0: the byte stands for itself in a JSON string; 1: it needs an escape; 2: it is part of a character beyond ASCII. As Go, `<`, `>` and `&` are escaped. */
const byteKinds = Uint8Array.from({ length: 256 }, (_, byte) => {
  if (byte >= 0x80) return 2;
  return byte < 0x20 || byte === 0x7f || '"\\<>&'.includes(String.fromCharCode(byte)) ? 1 : 0;
});

const shortEscapes: Readonly<Record<number, string>> = { 8: '\\b', 12: '\\f', 34: '\\"', 92: '\\\\', 10: '\\n', 13: '\\r', 9: '\\t' };

function escapeOf(byte: number): string {
  return shortEscapes[byte] ?? `\\u${byte.toString(16).padStart(4, '0')}`;
}

/** The same bytes where they are UTF-8, else with U+FFFD for what is not: strict protobuf and JSON readers would refuse the whole answer. */
function validUtf8(bytes: Uint8Array): Uint8Array {
  return isUtf8(bytes) ? bytes : utf8Encoder.encode(utf8Decoder.decode(bytes));
}

/** The inside of a JSON string for some UTF-8; the very same array where nothing needs an escape. Bytes that are no UTF-8 become U+FFFD. */
function escapeJson(utf8: Uint8Array): Uint8Array {
  let kinds = 0;
  for (let index = 0; index < utf8.length; index++) kinds |= byteKinds[utf8[index]!]!;
  if (kinds === 0) return utf8;
  const valid = validUtf8(utf8);
  if ((kinds & 1) === 0) return valid;
  const pieces: Uint8Array[] = [];
  let from = 0;
  for (let index = 0; index < valid.length; index++) {
    if (byteKinds[valid[index]!] !== 1) continue;
    pieces.push(valid.subarray(from, index), utf8Encoder.encode(escapeOf(valid[index]!)));
    from = index + 1;
  }
  pieces.push(valid.subarray(from));
  return Buffer.concat(pieces);
}

/**
 * The fragment of a name. May be the very bytes given. Bytes that are no UTF-8 become U+FFFD.
 * A text with U+0000 to U+001F, a quote and the like is longer afterwards, at most six times.
 */
export function nameFragment(format: AnswerFormat, utf8: Uint8Array): Uint8Array {
  return format === 'json' ? escapeJson(utf8) : validUtf8(utf8);
}

/** The fragment of an attribute. An empty key is left out, as proto3 has it; values are kept even when they are zero. */
export function attributeFragment(format: AnswerFormat, key: string, value: AttributeValue): Uint8Array {
  if (format === 'json') return utf8Encoder.encode(attributeJson(key, value));
  const keyField = key === '' ? [] : [bytesField(1, utf8Encoder.encode(key))];
  return Buffer.concat([...keyField, bytesField(2, protobufValue(value))]);
}

/** The JSON of an attribute. */
export function attributeJson(key: string, value: AttributeValue): string {
  return `{${key === '' ? '' : `"key":${quoteJson(key)},`}"value":${jsonValue(value)}}`;
}

/** As {@link attributeFragment} for a string value, from the UTF-8 of key and value: what dictionaries hold. */
export function stringAttributeFragment(format: AnswerFormat, key: Uint8Array, value: Uint8Array): Uint8Array {
  if (format === 'json') {
    const start = key.length === 0 ? Buffer.from('{"value":{"stringValue":"') : jsonStringStart(key);
    return Buffer.concat([start, escapeJson(value), jsonStringEnd]);
  }
  const keyField = key.length === 0 ? [] : [bytesField(1, validUtf8(key))];
  return Buffer.concat([...keyField, bytesField(2, bytesField(1, validUtf8(value)))]);
}

const jsonKeyStart = Buffer.from('{"key":"');
const jsonValueStart = Buffer.from('","value":{"stringValue":"');
const jsonStringEnd = Buffer.from('"}}');

function jsonStringStart(key: Uint8Array): Uint8Array {
  return Buffer.concat([jsonKeyStart, escapeJson(key), jsonValueStart]);
}

/** Characters that stand for themselves. */
const plainText = /^[ !#-%'-;=?-[\]-~]*$/;

/** A JSON string with its quotes, escaped as in {@link nameFragment}. Lone surrogates become U+FFFD. */
export function quoteJson(text: string): string {
  if (plainText.test(text)) return `"${text}"`;
  return JSON.stringify(text.toWellFormed()).replace(/[<>&\u007f]/g, (character) => escapeOf(character.charCodeAt(0)));
}

/** A double as proto3 JSON has it: shortest digits, `"NaN"`, `"Infinity"` and `"-Infinity"` as strings. */
export function jsonDouble(value: number): string {
  if (!Number.isFinite(value)) return `"${value}"`;
  return Object.is(value, -0) ? '-0' : String(value);
}

function jsonValue(value: AttributeValue): string {
  switch (value.type) {
    case 'string':
      return `{"stringValue":${quoteJson(value.value)}}`;
    case 'int':
      return `{"intValue":"${value.value}"}`;
    case 'double':
      return `{"doubleValue":${jsonDouble(value.value)}}`;
    case 'boolean':
      return `{"boolValue":${value.value}}`;
    case 'array':
      return `{"arrayValue":{${value.values.length === 0 ? '' : `"values":[${value.values.map(jsonValue).join(',')}]`}}}`;
  }
}

function protobufValue(value: AttributeValue): Uint8Array {
  switch (value.type) {
    case 'string':
      return bytesField(1, utf8Encoder.encode(value.value));
    case 'int':
      return Buffer.from([0x18, ...varint(BigInt.asUintN(64, value.value))]);
    case 'double': {
      const bytes = Buffer.alloc(9);
      bytes[0] = 0x21;
      bytes.writeDoubleLE(value.value, 1);
      return bytes;
    }
    case 'boolean':
      return Buffer.from([0x10, value.value ? 1 : 0]);
    case 'array':
      return bytesField(5, Buffer.concat(value.values.map((item) => bytesField(1, protobufValue(item)))));
  }
}
