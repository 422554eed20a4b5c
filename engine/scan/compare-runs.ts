import { joinRuns, type RunList } from '#engine/kernels/tally.ts';
import type { Level } from '#engine/vparquet/versions.ts';
import type { CountedSpans } from './counted-spans.ts';
import { putSlots } from './reference-values.ts';
import type { ScanState } from './scan-state.ts';

/** The counted spans as slots of a level. */
export interface Runs extends RunList {
  /** All slots are below this. */
  readonly slotEnd: number;
}

/** Levels that a comparison counts. */
export type ComparedLevel = Exclude<Level, 'event' | 'link'>;

/** The runs of one row group. */
export interface RowGroupRuns {
  /** Those of a level, made once. */
  readonly of: (level: ComparedLevel) => Promise<Runs>;
  /** Spans in each cell. */
  readonly cellTotals: Uint32Array;
}

/** `cells`: of each counted span, below `cellCount`. */
export function createRuns(state: ScanState, { spans }: CountedSpans, cells: Uint32Array, cellCount: number): RowGroupRuns {
  const { group } = state;
  const { kernels } = group;
  const made = new Map<ComparedLevel, Runs>();
  const cellTotals = new Uint32Array(cellCount);
  for (let i = 0; i < cells.length; i++) cellTotals[cells[i]]++;
  const spansAt = putSlots(group, spans);
  const cellsAt = putSlots(group, cells);
  const weights = putSlots(group, new Uint32Array(spans.length).fill(1));
  const ofSpans = { slots: spansAt, cells: cellsAt, weights, count: spans.length, slotEnd: spans[spans.length - 1] + 1 };
  return {
    of: async (level) => {
      if (level === 'span') return ofSpans;
      let runs = made.get(level);
      if (runs === undefined) {
        const joined = joinRuns(kernels, await startsOf(state, level), spansAt, cellsAt, spans.length);
        runs = { ...joined, slotEnd: kernels.u32(joined.slots, joined.count)[joined.count - 1] + 1 };
        made.set(level, runs);
      }
      return runs;
    },
    cellTotals,
  };
}

/** Address of the first span of each slot, with the number of spans behind the last. */
async function startsOf({ structure }: ScanState, level: Exclude<ComparedLevel, 'span'>): Promise<number> {
  const { traceSpans, resourceSpans, scopeSpans } = await structure();
  switch (level) {
    case 'trace':
      return traceSpans;
    case 'resource':
      return resourceSpans;
    case 'scope':
      return scopeSpans;
  }
}
