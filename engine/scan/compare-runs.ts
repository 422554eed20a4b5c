import type { Level } from '#engine/vparquet/versions.ts';
import type { CountedSpans } from './counted-spans.ts';
import type { ScanState } from './scan-state.ts';

/** The counted spans as slots of a level: run i stands for `weights[i]` neighbouring spans of that slot that share a cell. */
export interface Runs {
  readonly slots: Uint32Array;
  readonly cells: Uint32Array;
  readonly weights: Uint32Array;
}

/** Runs of each level of one row group, made once. */
export type RunsOf = (level: Exclude<Level, 'event' | 'link'>) => Promise<Runs>;

/** `cells`: of each counted span. */
export function createRuns(state: ScanState, { spans }: CountedSpans, cells: Uint32Array): RunsOf {
  const made = new Map<Level, Runs>();
  return async (level) => {
    let runs = made.get(level);
    if (runs === undefined) {
      runs =
        level === 'span'
          ? { slots: spans, cells, weights: new Uint32Array(spans.length).fill(1) }
          : mergeRuns(await startsOf(state, level), spans, cells);
      made.set(level, runs);
    }
    return runs;
  };
}

/** First span of each slot, with the number of spans behind the last. */
async function startsOf({ structure, group }: ScanState, level: Exclude<Level, 'event' | 'link' | 'span'>): Promise<Uint32Array> {
  const { traceSpans, traceCount, resourceSpans, resourceCount, scopeSpans, scopeCount } = await structure();
  switch (level) {
    case 'trace':
      return group.kernels.u32(traceSpans, traceCount + 1);
    case 'resource':
      return group.kernels.u32(resourceSpans, resourceCount + 1);
    case 'scope':
      return group.kernels.u32(scopeSpans, scopeCount + 1);
  }
}

function mergeRuns(starts: Uint32Array, spans: Uint32Array, ofSpans: Uint32Array): Runs {
  const slots = new Uint32Array(spans.length);
  const cells = new Uint32Array(spans.length);
  const weights = new Uint32Array(spans.length);
  let run = -1;
  let slot = 0;
  for (let i = 0; i < spans.length; i++) {
    while (starts[slot + 1] <= spans[i]) slot++;
    if (run < 0 || slots[run] !== slot || cells[run] !== ofSpans[i]) {
      run++;
      slots[run] = slot;
      cells[run] = ofSpans[i];
    }
    weights[run]++;
  }
  return { slots: slots.subarray(0, run + 1), cells: cells.subarray(0, run + 1), weights: weights.subarray(0, run + 1) };
}
