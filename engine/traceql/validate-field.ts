import { AppError } from '#engine/base/errors.ts';
import type { BinaryOperator, FieldExpression, Reference } from './ast.ts';
import { printField, printReference, printStatic } from './print.ts';
import { binaryType, intrinsicType, isNumeric, operatorAllowed, type StaticType, typesMatch } from './static-types.ts';
import { isValidRegexp } from './validate-pattern.ts';

/** A `bad_request` with a text of spec traceql §3.5. */
export function invalid(message: string): AppError {
  return new AppError('bad_request', message);
}

/** Refuses the parent scope and the `parent` intrinsic (spec traceql §1.8, §3.5). */
export function validateReference(reference: Reference): StaticType {
  if (reference.kind === 'attribute') {
    if (reference.parent) throw invalid('parent not yet supported');
    return 'dynamic';
  }
  if (reference.name === 'parent') throw invalid('intrinsic (parent) not yet supported');
  return intrinsicType(reference.name);
}

/** `= nil` is refused for what can never be nil (spec traceql §3.5); `!= nil` is fine everywhere. */
function validateExists(expression: FieldExpression & { readonly kind: 'exists' }): StaticType {
  const { operand, negated } = expression;
  validateField(operand);
  if (negated && operand.kind === 'intrinsic') {
    throw invalid(`${printReference(operand)}=nil is not valid because intrinsics cannot be nil`);
  }
  if (negated && operand.kind === 'attribute' && operand.scope === 'resource' && operand.name === 'service.name') {
    throw invalid('resource.service.name=nil is not valid because resource.service.name cannot be nil');
  }
  return 'boolean';
}

function validateUnary(expression: FieldExpression & { readonly kind: 'unary' }): StaticType {
  const type = validateField(expression.operand);
  const fits = type === 'dynamic' || (expression.operator === '-' ? isNumeric(type) : type === 'boolean');
  if (!fits) throw invalid(`illegal operation for the given type: ${printField(expression)}`);
  return type;
}

/** The checks of an operator between operands of these types; `print` gives the expression for the message (spec traceql §3.2). */
export function validateOperator(operator: BinaryOperator, left: StaticType, right: StaticType, print: () => string): void {
  if (!typesMatch(left, right)) throw invalid(`binary operations must operate on the same type: ${print()}`);
  if (!operatorAllowed(operator, left) || !operatorAllowed(operator, right)) {
    throw invalid(`illegal operation for the given types: ${print()}`);
  }
}

function validatePattern(right: FieldExpression): void {
  if (right.kind !== 'literal' || right.value.kind !== 'string') throw invalid(`invalid type for =~ or !~: ${printField(right)}`);
  if (!isValidRegexp(right.value.value)) throw invalid(`invalid regex: ${printStatic(right.value)}`);
}

/** Operands before operators, from the left; goes down the left side without recursion, since chains may be long. */
function validateBinary(expression: FieldExpression & { readonly kind: 'binary' }): StaticType {
  const spine: (FieldExpression & { readonly kind: 'binary' })[] = [];
  let first: FieldExpression = expression;
  for (; first.kind === 'binary'; first = first.left) spine.push(first);
  let type = validateField(first);
  for (const operation of spine.reverse()) {
    const { operator, right } = operation;
    const rightType = validateField(right);
    validateOperator(operator, type, rightType, () => printField(operation));
    if (operator === '=~' || operator === '!~') validatePattern(right);
    type = binaryType(operator, type, rightType);
  }
  return type;
}

/** Validates a field expression and gives its static type. Throws `bad_request` with the texts of spec traceql §3.5. */
export function validateField(expression: FieldExpression): StaticType {
  switch (expression.kind) {
    case 'literal':
      return expression.value.kind;
    case 'attribute':
    case 'intrinsic':
      return validateReference(expression);
    case 'exists':
      return validateExists(expression);
    case 'unary':
      return validateUnary(expression);
    case 'binary':
      return validateBinary(expression);
  }
}

/** True when an attribute or intrinsic stands anywhere in the expression. */
export function referencesSpan(expression: FieldExpression): boolean {
  const rest: FieldExpression[] = [expression];
  for (let next = rest.pop(); next !== undefined; next = rest.pop()) {
    if (next.kind === 'attribute' || next.kind === 'intrinsic') return true;
    if (next.kind === 'binary') rest.push(next.left, next.right);
    else if (next.kind !== 'literal') rest.push(next.operand);
  }
  return false;
}
