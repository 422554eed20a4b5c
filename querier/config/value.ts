import { parseGoDuration, parsePrometheusDuration } from '#engine/base/duration.ts';
import type { ConfigValue, KeyType } from './schema/key.ts';

/** A text as it stands in a file or on the command line; `quoted` texts are never numbers or booleans. */
export interface ScalarText {
  readonly text: string;
  readonly quoted: boolean;
}

const booleans: Readonly<Record<string, boolean>> = { true: true, false: false, yes: true, no: false, on: true, off: false };
const integer = /^[-+]?(?:0x[0-9a-f]+|0o?[0-7]+|[0-9]+)$/i;
const float = /^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:e[-+]?[0-9]+)?$/i;
const nanosPerMs = 1e6;

const goTypes: Readonly<Record<KeyType, string>> = {
  bool: 'bool',
  int: 'int',
  uint: 'uint',
  float: 'float64',
  string: 'string',
  duration: 'time.Duration',
  promDuration: 'model.Duration',
  timestamp: 'time.Time',
  strings: '[]string',
  any: 'any',
};

/** What Tempo's decoder calls the type, for messages. */
export function typeName(type: KeyType): string {
  return goTypes[type];
}

function integerValue({ text, quoted }: ScalarText): number | undefined {
  const plain = text.replaceAll('_', '');
  if (quoted || !integer.test(plain)) return undefined;
  const digits = plain.replace(/^[-+]/, '');
  const octal = /^0o?[0-7]+$/i.test(digits) && digits.length > 1;
  const size = octal ? Number.parseInt(digits.replace(/^0o?/i, ''), 8) : Number(digits);
  if (!Number.isSafeInteger(size)) return undefined;
  return plain.startsWith('-') ? -size : size;
}

/** Milliseconds of a duration, which Go writes as text or as whole nanoseconds. Throws AppError `bad_request` for a bad text. */
function durationValue(scalar: ScalarText): number {
  const nanos = integerValue(scalar);
  return nanos === undefined ? Number(parseGoDuration(scalar.text)) / nanosPerMs : nanos / nanosPerMs;
}

/**
 * Reads one scalar as a type; undefined where it is of another type. A list on the command line is comma-separated.
 * Throws AppError `bad_request` for a duration that cannot be read.
 */
export function scalarValue(type: KeyType, scalar: ScalarText): ConfigValue | undefined {
  switch (type) {
    case 'bool':
      return scalar.quoted ? undefined : booleans[scalar.text.toLowerCase()];
    case 'int':
      return integerValue(scalar);
    case 'uint': {
      const value = integerValue(scalar);
      return value === undefined || value < 0 ? undefined : value;
    }
    case 'float':
      return !scalar.quoted && float.test(scalar.text) ? Number(scalar.text) : undefined;
    case 'duration':
      return durationValue(scalar);
    case 'promDuration':
      return Number(parsePrometheusDuration(scalar.text)) / nanosPerMs;
    case 'timestamp':
      return Number.isNaN(Date.parse(scalar.text)) ? undefined : scalar.text;
    case 'strings':
      return scalar.text === '' ? [] : scalar.text.split(',');
    default:
      return scalar.text;
  }
}
