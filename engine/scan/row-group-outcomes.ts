import { printTest } from '#engine/traceql/print-plan.ts';
import type { LookedIn, ScanEvent, ScanObserver } from './observe.ts';
import type { PreparedTest } from './scan-state.ts';

/** A place where nothing can satisfy a test in a row group: none of the `entries` entries of a column's dictionary, keys or values does. */
export interface NoHit {
  readonly column: string;
  readonly lookedIn: LookedIn;
  readonly entries: number;
}

/** A test that holds nowhere in a row group, and where it was looked for. Without places: each part occurs, but never together. */
export interface FailedTest {
  readonly test: string;
  readonly noHits: readonly NoHit[];
}

/**
 * What became of a row group. `ruledOut`: a test that had to hold does not hold anywhere. `noMatch`: tests hold, but not on the same spans or traces.
 * `outOfRange`: spans match, in traces outside the time range only. `notReached`: the limit was reached before.
 */
export interface RowGroupOutcome {
  readonly outcome: 'matched' | 'ruledOut' | 'noMatch' | 'outOfRange' | 'notReached';
  /** Traces that the windows had, in order. */
  readonly windows: readonly number[];
  /** Traces found. */
  readonly traces: number;
  /** Of the last window; also where other tests made up for them. */
  readonly failedTests: readonly FailedTest[];
}

interface Progress {
  readonly windows: number[];
  traces: number;
  outOfRange: boolean;
  readonly failed: Map<number, readonly NoHit[]>;
}

/** Collects what a scan's observer is told. */
export interface OutcomeCollector {
  readonly observe: ScanObserver;
  /** Of a row group of the scan, also where the scan has not reached it. */
  readonly outcomeOf: (rowGroup: number) => RowGroupOutcome;
}

/** Creates a collector for one scan with these tests. */
export function collectOutcomes(tests: readonly PreparedTest[]): OutcomeCollector {
  const groups = new Map<number, Progress>();
  let current: Progress | undefined;
  let noHits: NoHit[] = [];

  const endTest = (progress: Progress, { test, ruledOut }: ScanEvent & { readonly kind: 'testEnded' }): void => {
    const places = tests[test].groups.reduce((sum, { sources }) => sum + sources.length, 0);
    if (ruledOut || (places > 0 && noHits.length >= places)) progress.failed.set(test, noHits);
    noHits = [];
  };
  const observe = (event: ScanEvent): void => {
    if (event.kind === 'window') current = startWindow(groups, event.rowGroup, event.rows);
    if (current === undefined) return;
    switch (event.kind) {
      case 'testStarted':
        noHits = [];
        return;
      case 'noHit':
        noHits.push({ column: event.column, lookedIn: event.lookedIn, entries: event.entries });
        return;
      case 'testEnded':
        endTest(current, event);
        return;
      case 'outOfRange':
        current.outOfRange = true;
        return;
      case 'windowEnded':
        current.traces += event.traces;
    }
  };
  return { observe, outcomeOf: (rowGroup) => outcome(tests, groups.get(rowGroup)) };
}

function startWindow(groups: Map<number, Progress>, rowGroup: number, rows: number): Progress {
  const earlier = groups.get(rowGroup);
  const progress = { windows: [...(earlier?.windows ?? []), rows], traces: earlier?.traces ?? 0, outOfRange: false, failed: new Map() };
  groups.set(rowGroup, progress);
  return progress;
}

function outcome(tests: readonly PreparedTest[], progress: Progress | undefined): RowGroupOutcome {
  if (progress === undefined) return { outcome: 'notReached', windows: [], traces: 0, failedTests: [] };
  const { windows, traces, outOfRange, failed } = progress;
  const failedTests = [...failed].map(([test, noHits]) => ({ test: printTest(tests[test].test), noHits }));
  const without = outOfRange ? 'outOfRange' : failedTests.length > 0 ? 'ruledOut' : 'noMatch';
  return { outcome: traces > 0 ? 'matched' : without, windows, traces, failedTests };
}
