import { createLexer, type Lexer, nextToken } from './lex.ts';
import { isRightAssociative } from './precedence.ts';
import { parseError, unexpected } from './syntax-error.ts';
import type { Token, TokenKind } from './tokens.ts';

/** How deep parentheses and prefix operators may nest. Reading is recursive; Tempo has no such limit. */
export const maxNesting = 500;

/**
 * How high a tree of operators may become, so that code that walks one recursively does not exhaust the stack. `a || b || c …` grows by
 * one with each operator.
 */
export const maxTreeHeight = 2500;

/** A query being parsed: one token of lookahead. */
export interface Parser {
  readonly lexer: Lexer;
  token: Token;
  nesting: number;
  /** Heights of the operator trees built so far; what is not in it has height 0. */
  readonly heights: WeakMap<object, number>;
}

/** Starts parsing; reads the first token. */
export function createParser(text: string): Parser {
  const lexer = createLexer(text);
  return { lexer, token: nextToken(lexer), nesting: 0, heights: new WeakMap() };
}

/** Moves to the next token and returns the one left behind. */
export function advance(parser: Parser): Token {
  const { token } = parser;
  parser.token = nextToken(parser.lexer);
  return token;
}

/** True, and a step on, when the next token is of that kind. */
export function accept(parser: Parser, kind: TokenKind): boolean {
  if (parser.token.kind !== kind) return false;
  advance(parser);
  return true;
}

/** A token of that kind or a syntax error. */
export function expect(parser: Parser, kind: TokenKind): Token {
  if (parser.token.kind !== kind) throw unexpected(parser.token, kind);
  return advance(parser);
}

/** As {@link expect} where so many kinds of token are possible that the message names none. */
export function expectSilently(parser: Parser, kind: TokenKind): Token {
  if (parser.token.kind !== kind) throw unexpected(parser.token);
  return advance(parser);
}

/** Runs a step one nesting level deeper; a clear `bad_request` beyond {@link maxNesting}. */
export function nested<Result>(parser: Parser, step: () => Result): Result {
  if (parser.nesting >= maxNesting) throw parseError(parser.token, `the query nests deeper than ${maxNesting} levels; simplify it`);
  parser.nesting++;
  const result = step();
  parser.nesting--;
  return result;
}

/** Records the height of a new tree over its operands (0 for a folded constant); a clear `bad_request` beyond {@link maxTreeHeight}. */
export function grown<Node extends { readonly kind: string }>(parser: Parser, node: Node, ...operands: readonly object[]): Node {
  if (node.kind === 'literal') return node;
  let height = 0;
  for (const operand of operands) height = Math.max(height, 1 + (parser.heights.get(operand) ?? 0));
  if (height > maxTreeHeight) throw parseError(parser.token, `the query chains more than ${maxTreeHeight} operators; shorten it`);
  parser.heights.set(node, height);
  return node;
}

/** What {@link climb} needs to know of a family of binary operators. */
export interface OperatorFamily<Node extends { readonly kind: string }> {
  /** How tight the operator binds, from 1; 0 when the token is none of the family. */
  readonly level: (kind: TokenKind) => number;
  readonly operand: (parser: Parser) => Node;
  readonly combine: (operator: TokenKind, left: Node, right: Node) => Node;
}

/** Precedence climbing: takes all operators that bind at least as tight as `level` (spec traceql §2.2, §2.3). */
export function climb<Node extends { readonly kind: string }>(parser: Parser, family: OperatorFamily<Node>, first: Node, level = 1): Node {
  let left = first;
  for (;;) {
    const operatorLevel = family.level(parser.token.kind);
    if (operatorLevel === 0 || operatorLevel < level) return left;
    const operator = advance(parser).kind;
    const tighter = isRightAssociative(operator) ? operatorLevel : operatorLevel + 1;
    const right = nested(parser, () => climb(parser, family, family.operand(parser), tighter));
    left = grown(parser, family.combine(operator, left, right), left, right);
  }
}
