/** Spans of one slot that share a cell. */
export interface RunTwin {
  readonly slot: number;
  readonly cell: number;
  readonly weight: number;
}

/** Counts of each number by cell, in the order in which numbers are met; `numbersOf` has the numbers of each slot. */
export function tallyTwin(numbersOf: readonly (readonly number[])[], runs: readonly RunTwin[], cellCount: number): Map<number, number[]> {
  const counts = new Map<number, number[]>();
  for (const { slot, cell, weight } of runs) {
    for (const number of numbersOf[slot]!) {
      const cells = counts.get(number) ?? new Array<number>(cellCount).fill(0);
      cells[cell]! += weight;
      counts.set(number, cells);
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
