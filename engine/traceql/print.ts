import { printGoDuration } from '#engine/base/duration.ts';
import { goQuote } from '#engine/base/quote.ts';
import { type AttributeReference, type FieldExpression, kindNames, type Reference, type Static, statusNames } from './ast.ts';
import { endsName } from './lex-string.ts';
import { fieldLevel, isRightAssociative } from './precedence.ts';

/**
 * `message`: as Tempo shows expressions in errors, labels and `by(…)` keys (spec traceql §3.3); not always readable as a query again.
 * `query`: text that parses to the same tree.
 */
export type PrintStyle = 'message' | 'query';

const minInt64 = -(2n ** 63n);
/** From a million on Go's shortest form has an exponent. */
const exponentFrom = 6;

/** A double in Go's shortest form: `1.5`, `1e+06`, `1.08e+13`, `NaN`, `+Inf` (spec traceql §3.3). */
export function printDouble(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf';
  if (value === 0) return Object.is(value, -0) ? '-0' : '0';
  const [mantissa, power] = value.toExponential().split('e') as [string, string];
  const exponent = Number(power);
  if (exponent >= -4 && exponent < exponentFrom) return String(value); // JavaScript writes no exponent in this range
  return `${mantissa}e${exponent < 0 ? '-' : '+'}${String(Math.abs(exponent)).padStart(2, '0')}`;
}

function printFloat(value: number, style: PrintStyle): string {
  if (style === 'query') {
    if (Number.isNaN(value)) return '(0.0 / 0.0)';
    if (!Number.isFinite(value)) return value > 0 ? '(1.0 / 0.0)' : '(-1.0 / 0.0)';
  }
  const text = printDouble(value);
  return /^-?[0-9]+$/.test(text) ? `${text}.0` : text;
}

function printString(value: string, style: PrintStyle): string {
  return style === 'message' || !/[`\r\0]/.test(value) ? `\`${value}\`` : goQuote(value);
}

/** A constant (spec traceql §3.3). */
export function printStatic(value: Static, style: PrintStyle = 'message'): string {
  switch (value.kind) {
    case 'nil':
      return 'nil';
    case 'int':
      return style === 'query' && value.value === minInt64 ? 'minInt' : String(value.value);
    case 'float':
      return printFloat(value.value, style);
    case 'string':
      return printString(value.value, style);
    case 'boolean':
      return String(value.value);
    case 'duration':
      return printGoDuration(value.nanos);
    case 'status':
      return statusNames[value.code] ?? `status(${value.code})`;
    case 'kind':
      return kindNames[value.code] ?? `kind(${value.code})`;
  }
}

function printName(attribute: AttributeReference, style: PrintStyle): string {
  const { name, scope, parent } = attribute;
  if (style === 'message') return endsName(name) ? `"${name}"` : name;
  const misread = scope === 'none' && (parent ? /^(span|resource)\./.test(name) : /^[0-9]/.test(name));
  const plain = name !== '' && !name.includes('"') && !endsName(name) && !misread;
  return plain ? name : `"${name.replace(/["\\]/g, '\\$&')}"`;
}

/** An attribute with its scope, unscoped ones with a leading dot, or an intrinsic by its canonical name (spec traceql §3.3). */
export function printReference(reference: Reference, style: PrintStyle = 'message'): string {
  if (reference.kind === 'intrinsic') return reference.name;
  const scope = reference.scope === 'none' ? '' : reference.scope;
  return `${reference.parent ? 'parent.' : ''}${scope}${reference.parent && scope === '' ? '' : '.'}${printName(reference, style)}`;
}

function isPlain(expression: FieldExpression): boolean {
  return expression.kind === 'literal' || expression.kind === 'attribute' || expression.kind === 'intrinsic';
}

function printOperand(expression: FieldExpression, style: PrintStyle): string {
  const text = printField(expression, style);
  return isPlain(expression) ? text : `(${text})`;
}

/** The operand of `-` or `!`. Queries do without parentheses between prefix operators, lest nesting doubles each time. */
function printUnaryOperand(expression: FieldExpression, style: PrintStyle): string {
  if (style === 'query' && expression.kind === 'unary') return printField(expression, style);
  return printOperand(expression, style);
}

/** An operation; walks down the left side without recursion, for long chains of one operator. */
function printBinary(expression: FieldExpression & { readonly kind: 'binary' }, style: PrintStyle): string {
  const spine: (FieldExpression & { readonly kind: 'binary' })[] = [];
  let first: FieldExpression = expression;
  for (; first.kind === 'binary'; first = first.left) spine.push(first);
  let text = printChainedOperand(first, style);
  let below: string | undefined;
  for (const [index, { operator, right }] of spine.reverse().entries()) {
    const bare = style === 'query' && below !== undefined && fieldLevel(below) === fieldLevel(operator) && !isRightAssociative(operator);
    if (below !== undefined && !bare) text = `(${text})`;
    text += ` ${operator} `;
    if (style === 'query' && isRightAssociative(operator) && right.kind === 'binary' && right.operator === operator) {
      text += printField(right, style);
    } else text += index === spine.length - 1 ? printOperand(right, style) : printChainedOperand(right, style);
    below = operator;
  }
  return text;
}

/** An operand with an operator behind it. A minus would take in what binds tighter: -5 * x is -(5 * x). */
function printChainedOperand(expression: FieldExpression, style: PrintStyle): string {
  const text = printOperand(expression, style);
  return style === 'query' && text.startsWith('-') ? `(${text})` : text;
}

/** A field expression (spec traceql §3.3). Recursive along right sides and prefix operators only. */
export function printField(expression: FieldExpression, style: PrintStyle = 'message'): string {
  switch (expression.kind) {
    case 'literal':
      return printStatic(expression.value, style);
    case 'attribute':
    case 'intrinsic':
      return printReference(expression, style);
    case 'unary':
      return expression.operator + printUnaryOperand(expression.operand, style);
    case 'exists':
      return `${printOperand(expression.operand, style)} ${expression.negated ? '=' : '!='} nil`;
    case 'binary':
      return printBinary(expression, style);
  }
}
