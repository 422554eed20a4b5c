/** Spans of one slot that share a cell. */
export interface RunTwin {
  readonly slot: number;
  readonly cell: number;
  readonly weight: number;
}

/** Counts of each value by cell, in the order in which values are met; `valuesOf` has the values of each slot. */
export function tallyTwin<Value>(
  valuesOf: readonly (readonly Value[])[],
  runs: readonly RunTwin[],
  cellCount: number,
): Map<Value, number[]> {
  const counts = new Map<Value, number[]>();
  for (const { slot, cell, weight } of runs) {
    for (const value of valuesOf[slot]!) {
      const cells = counts.get(value) ?? new Array<number>(cellCount).fill(0);
      cells[cell]! += weight;
      counts.set(value, cells);
    }
  }
  return counts;
}

/** Neighbouring spans of one slot and cell as runs. */
export function joinRunsTwin(slotOf: readonly number[], cells: readonly number[]): RunTwin[] {
  const runs: RunTwin[] = [];
  slotOf.forEach((slot, i) => {
    const last = runs.at(-1);
    if (last?.slot === slot && last.cell === cells[i]) runs[runs.length - 1] = { ...last, weight: last.weight + 1 };
    else runs.push({ slot, cell: cells[i]!, weight: 1 });
  });
  return runs;
}
