import type { ArithmeticOperator, BinaryOperator, ComparisonOperator, FieldExpression, Static } from './ast.ts';
import { compileRegexp } from './regexp/regexp.ts';
import { isArithmetic, operatorAllowed, typesMatch } from './static-types.ts';
import { compareStatics, computeStatics, negateStatic } from './static-values.ts';
import { isValidRegexp } from './validate-pattern.ts';

function booleanLiteral(value: boolean): FieldExpression {
  return { kind: 'literal', value: { kind: 'boolean', value } };
}

/** Whether a constant text matches a constant pattern; a pattern that does not compile is left to the validation. */
function foldPattern(operator: '=~' | '!~', left: Static, right: Static): Static | undefined {
  if (left.kind !== 'string' || right.kind !== 'string' || !isValidRegexp(right.value)) return undefined;
  const text = Buffer.from(left.value);
  return { kind: 'boolean', value: compileRegexp(right.value).matches(text, 0, text.length) === (operator === '=~') };
}

/** The value of an operation on constants; undefined when it does not validate or fails: it stays as written (spec traceql §3.1). */
function foldStatics(operator: BinaryOperator, left: Static, right: Static): Static | undefined {
  if (!typesMatch(left.kind, right.kind)) return undefined;
  if (!operatorAllowed(operator, left.kind) || !operatorAllowed(operator, right.kind)) return undefined;
  if (isArithmetic(operator)) {
    const result = computeStatics(operator as ArithmeticOperator, left, right);
    return 'problem' in result ? undefined : result;
  }
  if (operator === '&&' || operator === '||') {
    if (left.kind !== 'boolean' || right.kind !== 'boolean') return undefined;
    return { kind: 'boolean', value: operator === '&&' ? left.value && right.value : left.value || right.value };
  }
  if (operator === '=~' || operator === '!~') return foldPattern(operator, left, right);
  return { kind: 'boolean', value: compareStatics(operator as ComparisonOperator, left, right) };
}

/** An operation, or its value when both operands are constants and it can be computed. */
export function foldBinary(operator: BinaryOperator, left: FieldExpression, right: FieldExpression): FieldExpression {
  const value = left.kind === 'literal' && right.kind === 'literal' ? foldStatics(operator, left.value, right.value) : undefined;
  return value === undefined ? { kind: 'binary', operator, left, right } : { kind: 'literal', value };
}

/** `-x` or `!x`, or its value when x is a constant of a fitting type. */
export function foldUnary(operator: '-' | '!', operand: FieldExpression): FieldExpression {
  if (operand.kind === 'literal') {
    const { value } = operand;
    if (operator === '!' && value.kind === 'boolean') return booleanLiteral(!value.value);
    const negated = operator === '-' ? negateStatic(value) : undefined;
    if (negated !== undefined) return { kind: 'literal', value: negated };
  }
  return { kind: 'unary', operator, operand };
}

/** `x != nil` (negated: `x = nil`), or its value when x is a constant: constants are never nil. */
export function foldExists(negated: boolean, operand: FieldExpression): FieldExpression {
  return operand.kind === 'literal' ? booleanLiteral(!negated) : { kind: 'exists', negated, operand };
}
