import type { ServiceStatsTable } from '#engine/kernels/trace-tables.ts';
import type { FragmentMaker } from './fragments.ts';
import { dictionaryOf, onColumn, pagesOf } from './row-group.ts';
import type { ScanState } from './scan-state.ts';
import { requiredColumn } from './structure.ts';

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
  const pairs = await serviceNames(state, paths.name, entriesAt, entries.length);
  dropEmptyLists(ranges, pairs);
  const names = new Uint32Array(2 * entries.length);
  for (let i = 0; i < entries.length; i++) {
    if (pairs[2 * i + 1] === 0xffffffff) continue;
    const fragment = maker.name(pairs[2 * i], pairs[2 * i + 1]);
    names[2 * i] = fragment.at;
    names[2 * i + 1] = fragment.length;
  }
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
    if (ranges[i + 1] === ranges[i] + 1 && pairs[2 * ranges[i] + 1] === 0xffffffff) ranges[i + 1] = ranges[i];
  }
}

/** (address, length) of each entry's service name. */
async function serviceNames(state: ScanState, path: string, entries: number, count: number): Promise<Uint32Array> {
  const { group } = state;
  const { kernels } = group;
  const column = requiredColumn(group, path);
  const dictionary = await dictionaryOf(group, column);
  const pages = await pagesOf(group, column);
  return onColumn(group, column, () => {
    if (dictionary === undefined) {
      const at = kernels.alloc(8 * count);
      kernels.gatherByteArrays(pages, entries, count, at);
      return kernels.u32(at, 2 * count).slice();
    }
    const idsAt = kernels.alloc(4 * count);
    kernels.gatherIds(pages, dictionary.count, entries, count, idsAt);
    const ids = kernels.u32(idsAt, count);
    const offsets = kernels.u32(dictionary.offsets, dictionary.count + 1);
    const pairs = new Uint32Array(2 * count);
    for (let i = 0; i < count; i++) {
      const id = ids[i];
      pairs[2 * i] = id === 0xffffffff ? 0 : dictionary.at + offsets[id] + 4;
      pairs[2 * i + 1] = id === 0xffffffff ? 0xffffffff : offsets[id + 1] - offsets[id] - 4;
    }
    return pairs;
  });
}

async function counts(state: ScanState, path: string, entries: number, count: number): Promise<number> {
  const { group } = state;
  const column = requiredColumn(group, path);
  const pages = await pagesOf(group, column);
  return onColumn(group, column, () => {
    const at = group.kernels.alloc(8 * count);
    group.kernels.gatherInts(pages, entries, count, at);
    const wide = group.kernels.i64(at, count);
    return putU32(
      state,
      Uint32Array.from(wide, (value) => Number(value)),
    );
  });
}

function putU32(state: ScanState, numbers: Uint32Array): number {
  const { kernels } = state.group;
  const at = kernels.alloc(4 * numbers.length);
  kernels.u32(at, numbers.length).set(numbers);
  return at;
}
