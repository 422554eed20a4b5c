import { kindNames, type Static, statusNames } from './ast.ts';
import { advance, type Parser } from './parser.ts';
import { parseError, unexpected } from './syntax-error.ts';
import type { Token, TokenKind } from './tokens.ts';

const words: ReadonlyMap<string, Static> = new Map<string, Static>([
  ['true', { kind: 'boolean', value: true }],
  ['false', { kind: 'boolean', value: false }],
  ...statusNames.map((name, code): [string, Static] => [name, { kind: 'status', code }]),
  ...kindNames.map((name, code): [string, Static] => [name, { kind: 'kind', code }]),
]);

/** Words of field expressions and hints only; elsewhere they are words like any other (spec traceql §1.2, §13.3). */
const limits: ReadonlyMap<string, bigint> = new Map([
  ['minInt', -(2n ** 63n)],
  ['maxInt', 2n ** 63n - 1n],
]);

function numberOf(token: Token): Static | undefined {
  if (token.kind === 'INTEGER') return { kind: 'int', value: token.value as bigint };
  if (token.kind === 'FLOAT') return { kind: 'float', value: token.value as number };
  if (token.kind === 'DURATION') return { kind: 'duration', nanos: token.value as bigint };
  return undefined;
}

/** INTEGER, FLOAT or DURATION; undefined, without a step, when the next token is none. */
export function parseNumber(parser: Parser): Static | undefined {
  const value = numberOf(parser.token);
  if (value !== undefined) advance(parser);
  return value;
}

/** What follows a minus where only numbers may: its number, without the sign. */
export function parseNumberAfterMinus(parser: Parser): Static {
  const value = parseNumber(parser);
  if (value === undefined) throw unexpected(parser.token, 'INTEGER', 'FLOAT', 'DURATION');
  return value;
}

/**
 * A constant without sign; undefined, without a step, when the next token begins none. An unknown word is
 * `unknown identifier: <word>` (spec traceql §1.2).
 */
export function parseStatic(parser: Parser): Static | undefined {
  const { kind, text } = parser.token as { kind: TokenKind; text: string };
  const number = parseNumber(parser);
  if (number !== undefined) return number;
  if (kind === 'IDENTIFIER') {
    const limit = limits.get(text);
    if (limit === undefined) throw parseError(parser.token, `unknown identifier: ${text}`);
    advance(parser);
    return { kind: 'int', value: limit };
  }
  const value: Static | undefined = kind === 'STRING' ? { kind: 'string', value: text } : words.get(kind);
  if (value !== undefined) advance(parser);
  return value;
}
