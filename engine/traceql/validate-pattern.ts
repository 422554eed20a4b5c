import { AppError } from '#engine/base/errors.ts';
import { compileRegexp } from './regexp/regexp.ts';

/** True when the regexp engine compiles the pattern (spec traceql §4.5). */
export function isValidRegexp(pattern: string): boolean {
  try {
    compileRegexp(pattern);
    return true;
  } catch (thrown) {
    if (thrown instanceof AppError && thrown.code === 'bad_request') return false;
    throw thrown;
  }
}
