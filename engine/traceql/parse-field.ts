import type { BinaryOperator, FieldExpression } from './ast.ts';
import { foldBinary, foldExists, foldUnary } from './fold.ts';
import { parseReference } from './parse-reference.ts';
import { parseStatic } from './parse-static.ts';
import { accept, advance, expectSilently, grown, nested, type Parser } from './parser.ts';
import { comparisonLevel, fieldLevel, isRightAssociative, minusLevel, notLevel } from './precedence.ts';
import { unexpected } from './syntax-error.ts';
import type { TokenKind } from './tokens.ts';

function isNilComparison(kind: TokenKind): boolean {
  return kind === '=' || kind === '!=';
}

/** What follows the word `nil` where an operand stands: `=` or `!=` and an operand, which may be nil again (spec traceql §2.4). */
function parseNilComparison(parser: Parser): FieldExpression {
  if (!isNilComparison(parser.token.kind)) throw unexpected(parser.token, '=', '!=');
  const negated = advance(parser).kind === '=';
  if (accept(parser, 'nil')) {
    if (!isNilComparison(parser.token.kind)) return { kind: 'literal', value: { kind: 'boolean', value: false } };
    const again = nested(parser, () => parseNilComparison(parser));
    return grown(parser, foldExists(negated, again), again);
  }
  const operand = nested(parser, () => parseFieldExpression(parser, comparisonLevel + 1));
  return grown(parser, foldExists(negated, operand), operand);
}

function parseUnary(parser: Parser, operator: '-' | '!'): FieldExpression {
  advance(parser);
  const level = operator === '-' ? minusLevel : notLevel;
  const operand = nested(parser, () => parseFieldExpression(parser, level + 1));
  return grown(parser, foldUnary(operator, operand), operand);
}

function parseOperand(parser: Parser): FieldExpression {
  const { kind } = parser.token;
  if (kind === '-' || kind === '!') return parseUnary(parser, kind);
  if (accept(parser, 'nil')) return parseNilComparison(parser);
  if (accept(parser, '(')) {
    const inner = nested(parser, () => parseFieldExpression(parser));
    expectSilently(parser, ')');
    return inner;
  }
  const reference = parseReference(parser);
  if (reference !== undefined) return reference;
  const value = parseStatic(parser);
  if (value === undefined) throw unexpected(parser.token);
  return { kind: 'literal', value };
}

/** A field expression whose operators bind at least as tight as `level`; constants are folded (spec traceql §2.3, §2.4, §3.1). */
export function parseFieldExpression(parser: Parser, level = 1): FieldExpression {
  let left = parseOperand(parser);
  for (;;) {
    const operatorLevel = fieldLevel(parser.token.kind);
    if (operatorLevel === 0 || operatorLevel < level) return left;
    const operator = advance(parser).kind as BinaryOperator;
    let right: FieldExpression;
    if (isNilComparison(operator) && accept(parser, 'nil')) {
      if (!isNilComparison(parser.token.kind)) {
        left = grown(parser, foldExists(operator === '=', left), left);
        continue;
      }
      right = parseNilComparison(parser);
    } else {
      const tighter = isRightAssociative(operator) ? operatorLevel : operatorLevel + 1;
      right = nested(parser, () => parseFieldExpression(parser, tighter));
    }
    left = grown(parser, foldBinary(operator, left, right), left, right);
  }
}
