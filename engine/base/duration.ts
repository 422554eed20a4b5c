import { AppError } from './errors.ts';
import { goQuote } from './quote.ts';

/** Nanoseconds in each unit that a Go duration may have. */
const goUnits: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1_000n,
  '\u00b5s': 1_000n, // micro sign
  '\u03bcs': 1_000n, // Greek mu
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n,
};

const second = goUnits.s!;
const day = 24n * goUnits.h!;
const maxNanos = 2n ** 63n - 1n;
const maxInt64Tenth = maxNanos / 10n;

const goAmount = /^([0-9]*)(\.[0-9]*)?/;
const goUnit = /^[^.0-9]*/;

/** Quotes like Go's time package: bytes outside printable ASCII as `\xNN`. */
function quoteForTime(text: string): string {
  let quoted = '"';
  for (const character of text) {
    if (character >= ' ' && character <= '\u007f') quoted += character === '"' || character === '\\' ? `\\${character}` : character;
    else for (const byte of Buffer.from(character)) quoted += `\\x${byte.toString(16).padStart(2, '0')}`;
  }
  return `${quoted}"`;
}

/** The nanoseconds of `.digits` of a unit: digits past the int64 range are dropped, the rest is scaled in floating point, as Go does. */
function fractionNanos(digits: string, unit: bigint): bigint {
  let value = 0n;
  let scale = 1;
  for (const digit of digits) {
    if (value > maxInt64Tenth) break;
    value = value * 10n + BigInt(digit);
    scale *= 10;
  }
  return value === 0n ? 0n : BigInt(Math.trunc(Number(value) * (Number(unit) / scale)));
}

/**
 * Nanoseconds of a Go duration: `300ms`, `1.5s`, `1h2m`, `-2us`. Throws `bad_request` with Go's texts, for example
 * `time: missing unit in duration "10"` (spec http-api §2.2, traceql §1.3).
 */
export function parseGoDuration(text: string): bigint {
  const invalid = () => new AppError('bad_request', `time: invalid duration ${quoteForTime(text)}`);
  const negative = text.startsWith('-');
  let rest = negative || text.startsWith('+') ? text.slice(1) : text;
  if (rest === '0') return 0n;
  if (rest === '') throw invalid();
  const limit = negative ? maxNanos + 1n : maxNanos;
  let total = 0n;
  while (rest !== '') {
    const [amount, whole, fraction] = goAmount.exec(rest)!;
    if (amount === '' || amount === '.' || whole!.length > 4096) throw invalid();
    rest = rest.slice(amount.length);
    const name = goUnit.exec(rest)![0];
    if (name === '') throw new AppError('bad_request', `time: missing unit in duration ${quoteForTime(text)}`);
    rest = rest.slice(name.length);
    if (!Object.hasOwn(goUnits, name)) {
      throw new AppError('bad_request', `time: unknown unit ${quoteForTime(name)} in duration ${quoteForTime(text)}`);
    }
    const unit = goUnits[name]!;
    total += BigInt(whole || '0') * unit + fractionNanos(fraction?.slice(1) ?? '', unit);
    if (total > limit) throw invalid();
  }
  return negative ? -total : total;
}

/** A number of thousandth parts without trailing zeros: `1500` of `1000` is `1.5`. */
function printFraction(value: bigint, unit: bigint): string {
  const fraction = (value % unit)
    .toString()
    .padStart(unit.toString().length - 1, '0')
    .replace(/0+$/, '');
  return fraction === '' ? `${value / unit}` : `${value / unit}.${fraction}`;
}

/** Prints nanoseconds as Go does: `1h30m0s`, `500ms`, `1.5ms`, `2µs`, `7ns`, `0s` (spec traceql §1.3). */
export function printGoDuration(nanos: bigint): string {
  if (nanos === 0n) return '0s';
  const sign = nanos < 0n ? '-' : '';
  const size = nanos < 0n ? -nanos : nanos;
  if (size < 1_000n) return `${sign}${size}ns`;
  if (size < 1_000_000n) return `${sign}${printFraction(size, 1_000n)}\u00b5s`;
  if (size < second) return `${sign}${printFraction(size, 1_000_000n)}ms`;
  const minutes = size / (60n * second);
  const seconds = `${printFraction(size % (60n * second), second)}s`;
  if (minutes === 0n) return sign + seconds;
  return minutes < 60n ? `${sign}${minutes}m${seconds}` : `${sign}${minutes / 60n}h${minutes % 60n}m${seconds}`;
}

const prometheusForm = /^(?:([0-9]+)y)?(?:([0-9]+)w)?(?:([0-9]+)d)?(?:([0-9]+)h)?(?:([0-9]+)m)?(?:([0-9]+)s)?(?:([0-9]+)ms)?$/;
const prometheusUnits = [365n * day, 7n * day, day, 3600n * second, 60n * second, second, 1_000_000n];

/**
 * Nanoseconds of a Prometheus duration: whole amounts of `y w d h m s ms` in this order, or `0`. Throws `bad_request`:
 * `empty duration string`, `not a valid duration string: "abc"`, `duration out of range` (spec http-api §2.2, traceql §1.3).
 */
export function parsePrometheusDuration(text: string): bigint {
  if (text === '0') return 0n;
  if (text === '') throw new AppError('bad_request', 'empty duration string');
  const match = text.length <= 4096 ? prometheusForm.exec(text) : null;
  if (match === null) throw new AppError('bad_request', `not a valid duration string: ${goQuote(text)}`);
  let total = 0n;
  for (const [index, unit] of prometheusUnits.entries()) total += BigInt(match[index + 1] ?? '0') * unit;
  if (total > maxNanos) throw new AppError('bad_request', 'duration out of range');
  return total;
}
