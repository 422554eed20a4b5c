import { spansetOperators } from './ast.ts';

/** Level of unary minus among field operators, the same as that of `+` and `-` (spec traceql §2.3). */
export const minusLevel = 3;
/** Level of `!` among field operators. */
export const notLevel = 4;
/** Level of comparisons, and of `nil =` before an operand, among field operators. */
export const comparisonLevel = 2;

const fieldLevels: Readonly<Record<string, number>> = {
  ...{ '&&': 1, '||': 1 },
  ...{ '=': 2, '!=': 2, '<': 2, '<=': 2, '>': 2, '>=': 2, '=~': 2, '!~': 2 },
  ...{ '+': minusLevel, '-': minusLevel },
  ...{ '*': 5, '/': 5, '%': 5 },
  '^': 6,
};
const structural: ReadonlySet<string> = new Set(spansetOperators);

/** How tight an operator between field expressions binds, from 1; 0 for what is none. `&&` and `||` bind alike (spec traceql §2.3). */
export function fieldLevel(operator: string): number {
  return fieldLevels[operator] ?? 0;
}

/** How tight arithmetic between scalar expressions binds, from 3; 0 for what is none (spec traceql §2.3). */
export function scalarLevel(operator: string): number {
  const level = fieldLevel(operator);
  return level >= minusLevel ? level : 0;
}

/** How tight an operator between spansets binds: 1 for `&&` and `||`, 2 for structural ones, 0 for what is none (spec traceql §2.2). */
export function spansetLevel(operator: string): number {
  if (operator === '&&' || operator === '||') return 1;
  return structural.has(operator) ? 2 : 0;
}

/** Only `^` groups from the right: `2 ^ 3 ^ 2` is `2 ^ (3 ^ 2)`. */
export function isRightAssociative(operator: string): boolean {
  return operator === '^';
}
