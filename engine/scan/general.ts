import { AppError } from '#engine/base/errors.ts';
import type { FieldExpression } from '#engine/traceql/ast.ts';
import type { Mask } from './masks.ts';
import type { ScanState } from './scan-state.ts';

/** Evaluates an expression on values. */
export async function evaluateGeneral(_state: ScanState, _expression: FieldExpression, _within: Mask): Promise<Mask> {
  throw new AppError('unimplemented', 'general expressions');
}
