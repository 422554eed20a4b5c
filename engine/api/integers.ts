import { AppError } from '#engine/base/errors.ts';
import { goQuote } from '#engine/base/quote.ts';

/** The Go function whose name an error text carries: 3.0.3 reads most numbers with ParseUint, 2.7.2 with ParseInt and Atoi (spec http-api §10). */
export type IntegerParser = 'ParseUint' | 'ParseInt' | 'Atoi';

interface IntegerRange {
  readonly parser: IntegerParser;
  readonly min: bigint;
  readonly max: bigint;
}

/** Unsigned 32 bits, the texts of ParseUint. */
export const uint32: IntegerRange = { parser: 'ParseUint', min: 0n, max: 2n ** 32n - 1n };
/** Unsigned, up to what a JavaScript number holds exactly; the texts of ParseUint. */
export const uint53: IntegerRange = { parser: 'ParseUint', min: 0n, max: 2n ** 53n - 1n };
/** Signed 32 bits, the texts of ParseInt. */
export const int32: IntegerRange = { parser: 'ParseInt', min: -(2n ** 31n), max: 2n ** 31n - 1n };
/** Go's int as far as a JavaScript number holds it exactly, the texts of Atoi. */
export const goInt: IntegerRange = { parser: 'Atoi', min: -(2n ** 53n) + 1n, max: 2n ** 53n - 1n };
/** Signed 64 bits, the texts of ParseInt; only for {@link parseBigInteger}. */
export const int64: IntegerRange = { parser: 'ParseInt', min: -(2n ** 63n), max: 2n ** 63n - 1n };

/** Reads a decimal number as Go's strconv does. Throws `bad_request` with Go's text, for example `strconv.ParseUint: parsing "x": invalid syntax`. */
export function parseBigInteger(text: string, range: IntegerRange): bigint {
  const problem = (reason: string) => new AppError('bad_request', `strconv.${range.parser}: parsing ${goQuote(text)}: ${reason}`);
  if (!(range.parser === 'ParseUint' ? /^[0-9]+$/ : /^[+-]?[0-9]+$/).test(text)) throw problem('invalid syntax');
  const significant = text.replace(/^[+-]?0*/, '');
  if (significant.length > 20) throw problem('value out of range');
  const value = BigInt(significant || '0') * (text.startsWith('-') ? -1n : 1n);
  if (value < range.min || value > range.max) throw problem('value out of range');
  return value;
}

/** As {@link parseBigInteger}, for ranges that a JavaScript number holds exactly. */
export function parseInteger(text: string, range: IntegerRange): number {
  return Number(parseBigInteger(text, range));
}
