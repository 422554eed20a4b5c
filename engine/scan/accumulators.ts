import { addCompensated } from '#engine/api/metrics-combiner.ts';
import { AppError } from '#engine/base/errors.ts';
import type { MeasureKind } from '#engine/traceql/plan-metrics.ts';
import { noGroup } from './metric-groups.ts';

/** What a job keeps per group and interval, in columns `[group][interval]`. */
export interface Accumulator {
  /** Takes spans of one row group: group, interval and, unless spans are only counted, the argument's value (NaN: none). Groups are below `groupCount`. */
  readonly add: (groupCount: number, groups: Uint32Array, intervals: Uint32Array, values: Float64Array | undefined) => void;
  /** A group's values, NaN where there is none, or undefined where it has none at all; beside means the numbers of values. */
  readonly result: (group: number) => { readonly values: Float64Array; readonly weights?: Float64Array } | undefined;
}

/** Cells of one job: a bound for its memory. */
const maxCells = 2 ** 25;

/** A growing table of doubles. */
function createCells(intervalCount: number, initial: number) {
  let cells = new Float64Array(0);
  return {
    /** The cells, with room for that many groups. */
    for: (groupCount: number): Float64Array => {
      const wanted = groupCount * intervalCount;
      if (wanted <= cells.length) return cells;
      if (wanted > maxCells) {
        throw new AppError(
          'resource_exhausted',
          `${groupCount} series of ${intervalCount} samples are too many for one job; use a larger step`,
        );
      }
      const larger = new Float64Array(Math.min(maxCells, Math.max(wanted, 2 * cells.length)));
      larger.set(cells);
      if (initial !== 0) larger.fill(initial, cells.length);
      cells = larger;
      return cells;
    },
    of: (group: number): Float64Array => cells.subarray(group * intervalCount, (group + 1) * intervalCount),
  };
}

/** An accumulator for a measure over that many intervals. */
export function createAccumulator(measure: Exclude<MeasureKind, 'compare'>, intervalCount: number): Accumulator {
  switch (measure) {
    case 'count':
    case 'histogram':
      return createCounts(intervalCount);
    case 'min':
    case 'max':
      return createExtremes(intervalCount, measure === 'max');
    case 'sum':
    case 'avg':
      return createSums(intervalCount, measure === 'avg');
  }
}

function createCounts(intervalCount: number): Accumulator {
  const cells = createCells(intervalCount, 0);
  return {
    add: (groupCount, groups, intervals) => {
      const counts = cells.for(groupCount);
      if (groupCount === 1) return countRuns(counts, groups, intervals);
      for (let i = 0; i < groups.length; i++) if (groups[i] !== noGroup) counts[groups[i] * intervalCount + intervals[i]]++;
    },
    result: (group) => ({ values: cells.of(group) }),
  };
}

/** Of one group neighbours mostly share a cell: they are added together. */
function countRuns(counts: Float64Array, groups: Uint32Array, intervals: Uint32Array): void {
  let cell = 0;
  let run = 0;
  for (let i = 0; i < groups.length; i++) {
    if (groups[i] === noGroup) continue;
    const here = intervals[i];
    if (here !== cell) {
      counts[cell] += run;
      cell = here;
      run = 0;
    }
    run++;
  }
  counts[cell] += run;
}

function createExtremes(intervalCount: number, largest: boolean): Accumulator {
  const cells = createCells(intervalCount, Number.NaN);
  return {
    add: (groupCount, groups, intervals, values) => {
      const extremes = cells.for(groupCount);
      for (let i = 0; i < groups.length; i++) {
        const value = values![i];
        if (Number.isNaN(value)) continue;
        const at = groups[i] * intervalCount + intervals[i];
        const known = extremes[at];
        if (largest ? !(known >= value) : !(known <= value)) extremes[at] = value;
      }
    },
    result: (group) => {
      const values = cells.of(group);
      return values.every(Number.isNaN) ? undefined : { values };
    },
  };
}

/** Sums of the values that there are. A mean leaves out infinite ones, as Tempo does; a sum with both infinities is none. */
function createSums(intervalCount: number, mean: boolean): Accumulator {
  const sumCells = createCells(intervalCount, 0);
  const lostCells = createCells(intervalCount, 0);
  const countCells = createCells(intervalCount, 0);
  return {
    add: (groupCount, groups, intervals, values) => {
      const sums = sumCells.for(groupCount);
      const lost = lostCells.for(groupCount);
      const counts = countCells.for(groupCount);
      for (let i = 0; i < groups.length; i++) {
        const value = values![i];
        if (mean ? !Number.isFinite(value) : Number.isNaN(value)) continue;
        const at = groups[i] * intervalCount + intervals[i];
        addCompensated(sums, lost, at, value);
        counts[at]++;
      }
    },
    result: (group) => {
      const sums = sumCells.of(group);
      const lost = lostCells.of(group);
      const weights = countCells.of(group);
      const values = sums.map((sum, i) => (weights[i] === 0 ? Number.NaN : (sum + lost[i]) / (mean ? weights[i] : 1)));
      if (values.every(Number.isNaN)) return undefined;
      return mean ? { values, weights } : { values };
    },
  };
}
