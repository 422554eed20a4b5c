import type { Aggregate, ArithmeticOperator, ComparisonOperator, ScalarExpression, Stage } from './ast.ts';
import { parseFieldExpression } from './parse-field.ts';
import { parseNumber, parseNumberAfterMinus } from './parse-static.ts';
import { accept, advance, climb, expect, expectSilently, nested, type OperatorFamily, type Parser } from './parser.ts';
import { scalarLevel } from './precedence.ts';
import { negateStatic } from './static-values.ts';
import { unexpected } from './syntax-error.ts';
import type { TokenKind } from './tokens.ts';

const comparisons: ReadonlySet<TokenKind> = new Set(['=', '!=', '<', '<=', '>', '>=']);
const aggregates: ReadonlySet<TokenKind> = new Set(['count', 'min', 'max', 'avg', 'sum']);
const starts: ReadonlySet<TokenKind> = new Set([...aggregates, 'INTEGER', 'FLOAT', 'DURATION', '-']);

/** True for `count`, `min`, `max`, `avg` and `sum`. */
export function beginsAggregate(kind: TokenKind): boolean {
  return aggregates.has(kind);
}

/** True for what may begin a scalar expression, parentheses apart. */
export function beginsScalar(kind: TokenKind): boolean {
  return starts.has(kind);
}

/** The comparison operator that the next token is, stepping on; undefined when it is none (patterns do not compare scalars). */
export function acceptComparison(parser: Parser): ComparisonOperator | undefined {
  return comparisons.has(parser.token.kind) ? (advance(parser).kind as ComparisonOperator) : undefined;
}

/** `count()` or `min(expression)` and the like (spec traceql §2.1). */
export function parseAggregate(parser: Parser): Aggregate {
  const name = advance(parser).kind as Aggregate['function'];
  expect(parser, '(');
  if (name === 'count') {
    expect(parser, ')');
    return { kind: 'aggregate', function: name };
  }
  const operand = parseFieldExpression(parser);
  expectSilently(parser, ')');
  return { kind: 'aggregate', function: name, operand };
}

/** An aggregate, a number with or without a minus, or a scalar expression in parentheses. */
export function parseScalarOperand(parser: Parser): ScalarExpression {
  if (beginsAggregate(parser.token.kind)) return parseAggregate(parser);
  if (accept(parser, '-')) return { kind: 'literal', value: negateStatic(parseNumberAfterMinus(parser))! };
  if (accept(parser, '(')) {
    const inner = nested(parser, () => continueScalar(parser, parseScalarOperand(parser)));
    expectSilently(parser, ')');
    return inner;
  }
  const value = parseNumber(parser);
  if (value === undefined) throw unexpected(parser.token);
  return { kind: 'literal', value };
}

/** The operators of scalar arithmetic over any kind of operand (spec traceql §2.3, last sentence). */
export function scalarFamily(operand: (parser: Parser) => ScalarExpression): OperatorFamily<ScalarExpression> {
  return {
    level: scalarLevel,
    operand,
    combine: (operator, left, right) => ({ kind: 'scalarOperation', operator: operator as ArithmeticOperator, left, right }),
  };
}

const expressionFamily = scalarFamily(parseScalarOperand);

/** Takes the arithmetic after a first operand. */
export function continueScalar(parser: Parser, first: ScalarExpression): ScalarExpression {
  return climb(parser, expressionFamily, first);
}

/** The comparison that must follow a scalar expression at the beginning of a stage. */
export function parseScalarFilter(parser: Parser, left: ScalarExpression): Stage {
  const operator = acceptComparison(parser);
  if (operator === undefined) throw unexpected(parser.token);
  return { kind: 'scalarFilter', operator, left, right: continueScalar(parser, parseScalarOperand(parser)) };
}
