import assert from 'node:assert/strict';
import type { Verdict } from './cases.ts';
import { deviations } from './deviations.ts';

const shownFailures = 15;

/**
 * Fails unless at least `minimum` cases passed (so that a selection cannot shrink unseen), all others are known deviations, and no known
 * deviation passes. Prints the counts either way.
 */
export function assertConformance(group: string, verdicts: readonly Verdict[], minimum: number): void {
  const failed = verdicts.filter(({ differences }) => differences.length > 0);
  const passed = verdicts.length - failed.length;
  const unexpected = failed.filter(({ recorded }) => !Object.hasOwn(deviations, recorded.id));
  const mended = verdicts.filter(({ recorded, differences }) => differences.length === 0 && Object.hasOwn(deviations, recorded.id));
  console.log(`${group}: ${passed} of ${verdicts.length} cases pass, ${failed.length - unexpected.length} known deviations`);
  const shown = unexpected.slice(0, shownFailures).map(describeFailure).join('\n');
  assert.equal(unexpected.length, 0, `${unexpected.length} of ${verdicts.length} cases of ${group} fail, among them:\n${shown}`);
  assert.deepEqual(
    mended.map(({ recorded }) => recorded.id),
    [],
    'these pass: take them out of test/conformance/deviations.ts',
  );
  assert.ok(passed >= minimum, `${passed} cases of ${group} pass, at least ${minimum} are expected: did the selection shrink?`);
}

function describeFailure({ recorded, differences }: Verdict): string {
  const more = differences.length > 5 ? [`… ${differences.length - 5} more`] : [];
  const path = readable(recorded.path);
  return [`${recorded.id} (tenant ${recorded.tenant}) ${recorded.method} ${path}`, ...differences.slice(0, 5), ...more].join('\n    ');
}

function readable(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}
