import { AppError } from '#engine/base/errors.ts';
import type { Position, Token, TokenKind } from './tokens.ts';

/** The AppError `bad_request` of a query that cannot be read, with Tempo's `parse error at line L, col C: ` (spec traceql §3.4). */
export function parseError(position: Position, text: string): AppError {
  const place = position.column === 0 ? 'parse error :' : `parse error at line ${position.line}, col ${position.column}:`;
  return new AppError('bad_request', `${place} ${text}`);
}

/**
 * The error for a token that does not fit. Name what would fit only where that is at most four kinds of token and no rule could have
 * ended before: Tempo's messages say nothing otherwise (spec traceql §3.4).
 */
export function unexpected(token: Token, ...expected: readonly TokenKind[]): AppError {
  const list = expected.length === 0 ? '' : `, expecting ${expected.join(' or ')}`;
  return parseError(token, `syntax error: unexpected ${token.kind}${list}`);
}
