import type { BinaryOperator, FieldExpression, Intrinsic } from './ast.ts';

/** What is known of a value before a span is looked at. `dynamic` may turn out to be anything (spec traceql §3.1). */
export type StaticType = 'int' | 'float' | 'duration' | 'string' | 'boolean' | 'status' | 'kind' | 'nil' | 'dynamic';

const intrinsicTypes: Readonly<Record<Intrinsic, StaticType>> = {
  duration: 'duration',
  name: 'string',
  status: 'status',
  statusMessage: 'string',
  kind: 'kind',
  'span:childCount': 'int',
  'span:id': 'string',
  'span:parentID': 'string',
  rootName: 'string',
  rootServiceName: 'string',
  traceDuration: 'duration',
  'trace:id': 'string',
  'event:name': 'string',
  'event:timeSinceStart': 'duration',
  'link:traceID': 'string',
  'link:spanID': 'string',
  // Not checked by Tempo either (spec traceql §1.7).
  'instrumentation:name': 'dynamic',
  'instrumentation:version': 'dynamic',
  nestedSetLeft: 'int',
  nestedSetRight: 'int',
  nestedSetParent: 'int',
  parent: 'nil',
};

/** The static type of an intrinsic (spec traceql §1.7). */
export function intrinsicType(name: Intrinsic): StaticType {
  return intrinsicTypes[name];
}

/** `int`, `float` and `duration`: what arithmetic takes. */
export function isNumeric(type: StaticType): boolean {
  return type === 'int' || type === 'float' || type === 'duration';
}

/** True when operands of these static types may stand together: equal, both numeric, or one unknown or nil (spec traceql §3.2). */
export function typesMatch(left: StaticType, right: StaticType): boolean {
  const open = (type: StaticType) => type === 'dynamic' || type === 'nil';
  return left === right || open(left) || open(right) || (isNumeric(left) && isNumeric(right));
}

/** True for `+ - * / % ^`. */
export function isArithmetic(operator: BinaryOperator): boolean {
  return '+-*/%^'.includes(operator);
}

/** True when an operand of this static type may have the operator (table of spec traceql §3.2). */
export function operatorAllowed(operator: BinaryOperator, type: StaticType): boolean {
  if (type === 'dynamic') return true;
  if (operator === '=' || operator === '!=') return true;
  if (operator === '&&' || operator === '||') return type === 'boolean';
  if (operator === '=~' || operator === '!~') return type === 'string';
  if (isArithmetic(operator)) return isNumeric(type);
  return isNumeric(type) || type === 'string';
}

/** The static type of an operation on operands of these types (spec traceql §3.1). */
export function binaryType(operator: BinaryOperator, left: StaticType, right: StaticType): StaticType {
  if (!isArithmetic(operator)) return 'boolean';
  return left === 'dynamic' ? right : left;
}

/** The static type of an expression inside `{ }` (spec traceql §3.1). */
export function fieldType(expression: FieldExpression): StaticType {
  switch (expression.kind) {
    case 'literal':
      return expression.value.kind;
    case 'attribute':
      return 'dynamic';
    case 'intrinsic':
      return intrinsicType(expression.name);
    case 'exists':
      return 'boolean';
    case 'unary':
      return fieldType(expression.operand);
    case 'binary':
      if (!isArithmetic(expression.operator)) return 'boolean';
      return binaryType(expression.operator, fieldType(expression.left), fieldType(expression.right));
  }
}
