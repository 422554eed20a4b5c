import type { ServiceStatsTable } from '#engine/kernels/trace-tables.ts';
import type { FragmentMaker } from './fragments.ts';
import { onColumn, pagesOf } from './row-group.ts';
import type { ScanState } from './scan-state.ts';
import { requiredColumn } from './structure.ts';
import { gatherTexts, nullText } from './texts.ts';

/** Statistics of the shown traces: the table, and u32 × 2 per trace: its range in it. */
export interface ShownServiceStats {
  readonly ranges: number;
  readonly table: ServiceStatsTable;
}

/** Spans and errors per service of the given rows (ascending). Blocks older than vParquet4 have none. */
export async function readServiceStats(state: ScanState, maker: FragmentMaker, rows: Uint32Array): Promise<ShownServiceStats> {
  const { group } = state;
  const { kernels } = group;
  const paths = state.prepared.schema.version.serviceStats;
  const ranges = new Uint32Array(2 * rows.length);
  if (paths === undefined || !group.file.columns.has(paths.name)) {
    return { ranges: putU32(state, ranges), table: { services: 0, spanCounts: 0, errorCounts: 0 } };
  }
  const column = requiredColumn(group, paths.name);
  const pages = await pagesOf(group, column);
  const entries = await onColumn(group, column, () => {
    const count = pages.entryCount;
    const repetitions = kernels.alloc(count);
    kernels.repetitions(pages, repetitions);
    const startsAt = kernels.alloc(4 * (pages.rowCount + 1));
    const total = kernels.starts(repetitions, count, 0, startsAt, pages.rowCount);
    const starts = kernels.u32(startsAt, total + 1);
    const list = new Uint32Array(count);
    let top = 0;
    for (let i = 0; i < rows.length; i++) {
      ranges[2 * i] = top;
      for (let entry = starts[rows[i]]; entry < starts[rows[i] + 1]; entry++) list[top++] = entry;
      ranges[2 * i + 1] = top;
    }
    return list.subarray(0, top);
  });
  const entriesAt = putU32(state, entries);
  const names = await gatherTexts(group, column, entriesAt, entries.length);
  dropEmptyLists(ranges, names);
  maker.names(names);
  return {
    ranges: putU32(state, ranges),
    table: {
      services: putU32(state, names),
      spanCounts: await counts(state, paths.spanCount, entriesAt, entries.length),
      errorCounts: await counts(state, paths.errorCount, entriesAt, entries.length),
    },
  };
}

/** A trace without statistics has one entry that is null. */
function dropEmptyLists(ranges: Uint32Array, pairs: Uint32Array): void {
  for (let i = 0; i < ranges.length; i += 2) {
    if (ranges[i + 1] === ranges[i] + 1 && pairs[2 * ranges[i] + 1] === nullText) ranges[i + 1] = ranges[i];
  }
}

async function counts(state: ScanState, path: string, entries: number, count: number): Promise<number> {
  const { group } = state;
  const column = requiredColumn(group, path);
  const pages = await pagesOf(group, column);
  return onColumn(group, column, () => {
    const at = group.kernels.alloc(8 * count);
    group.kernels.gatherInts(pages, entries, count, at);
    // Counts are below 2^32: the low half of each 64-bit number.
    const halves = group.kernels.u32(at, 2 * count);
    const narrow = new Uint32Array(count);
    for (let i = 0; i < count; i++) narrow[i] = halves[2 * i];
    return putU32(state, narrow);
  });
}

function putU32(state: ScanState, numbers: Uint32Array): number {
  const { kernels } = state.group;
  const at = kernels.alloc(4 * numbers.length);
  kernels.u32(at, numbers.length).set(numbers);
  return at;
}
