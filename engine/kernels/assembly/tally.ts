import { NONE } from './number'

/*
 * Counts numbers in cells in two passes. The first tallies how often each number is met; then one that is met often gets a row with all cells, the
 * others a list of the cells that they were met in; the second pass fills rows and lists.
 *
 * What is counted are runs: `weight` spans of one slot that share a cell. A slot has one number, or those of the entries
 * `[starts[slot], starts[slot + 1])`.
 */

// @ts-ignore: decorator
@inline
function wordAt(at: usize, index: u32): u32 {
  return load<u32>(at + (<usize>index << 2))
}

/**
 * Adds to `tallies` (two words for each number: cells below `side`, and the others) and to `cellTotals` the weights of what is met, and lists the
 * numbers in the order in which they are met. Returns how many are. `starts` 0: one number for each slot.
 */
export function tally(
  numbers: usize,
  numberCount: u32,
  starts: usize,
  slots: usize,
  cells: usize,
  weights: usize,
  runCount: u32,
  side: u32,
  tallies: usize,
  met: usize,
  cellTotals: usize,
): u32 {
  memory.fill(tallies, 0, <usize>numberCount << 3)
  memory.fill(cellTotals, 0, <usize>side << 3)
  let metCount: u32 = 0
  for (let run: u32 = 0; run < runCount; run++) {
    const slot = wordAt(slots, run)
    let entry = slot
    let end = slot + 1
    if (starts) {
      entry = wordAt(starts, slot)
      end = wordAt(starts, slot + 1)
    }
    const weight = wordAt(weights, run)
    const cell = wordAt(cells, run)
    const shift: u64 = cell >= side ? 32 : 0
    let total: u32 = 0
    for (; entry < end; entry++) {
      const number = wordAt(numbers, entry)
      if (number == NONE) continue
      const at = tallies + (<usize>number << 3)
      const known = load<u64>(at)
      if (known == 0) {
        store<u32>(met + (<usize>metCount << 2), number)
        metCount++
      }
      store<u64>(at, known + (<u64>weight << shift))
      total += weight
    }
    if (total) {
      const at = cellTotals + (<usize>cell << 2)
      store<u32>(at, load<u32>(at) + total)
    }
  }
  return metCount
}

let listWords: u32 = 0

/** Words of all lists after `countRows`. */
export function listedWords(): u32 {
  return listWords
}

/** How many of the numbers that were met have tallies of `rowsFrom` or more together, and so get a row. */
export function countRows(tallies: usize, met: usize, metCount: u32, rowsFrom: u32): u32 {
  let rows: u32 = 0
  listWords = 0
  for (let i: u32 = 0; i < metCount; i++) {
    const at = tallies + (<usize>wordAt(met, i) << 3)
    const total = load<u32>(at) + load<u32>(at, 4)
    if (total >= rowsFrom) rows++
    else listWords += total
  }
  return rows
}

/** Gives each number that was met its row or its list, in the order of `met`, and fills them. The lowest bit of a place tells lists. */
export function spread(
  numbers: usize,
  starts: usize,
  slots: usize,
  cells: usize,
  weights: usize,
  runCount: u32,
  tallies: usize,
  met: usize,
  metCount: u32,
  rowsFrom: u32,
  rowBytes: u32,
  places: usize,
  rows: usize,
  rowCount: u32,
  lists: usize,
): void {
  memory.fill(rows, 0, <usize>rowCount * rowBytes)
  for (let i: u32 = 0; i < metCount; i++) {
    const number = wordAt(met, i)
    const at = tallies + (<usize>number << 3)
    const total = load<u32>(at) + load<u32>(at, 4)
    const place = places + (<usize>number << 2)
    if (total >= rowsFrom) {
      store<u32>(place, <u32>rows)
      rows += rowBytes
    } else {
      store<u32>(place, <u32>lists | 1)
      lists += <usize>total << 2
    }
  }
  for (let run: u32 = 0; run < runCount; run++) {
    const slot = wordAt(slots, run)
    let entry = slot
    let end = slot + 1
    if (starts) {
      entry = wordAt(starts, slot)
      end = wordAt(starts, slot + 1)
    }
    const weight = wordAt(weights, run)
    const cell = wordAt(cells, run)
    const cellBytes = <usize>cell << 2
    for (; entry < end; entry++) {
      const number = wordAt(numbers, entry)
      if (number == NONE) continue
      const place = places + (<usize>number << 2)
      const at = load<u32>(place)
      if (at & 1) {
        let to: usize = at - 1
        for (let i: u32 = 0; i < weight; i++, to += 4) store<u32>(to, cell)
        store<u32>(place, <u32>to | 1)
      } else {
        const to = <usize>at + cellBytes
        store<u32>(to, load<u32>(to) + weight)
      }
    }
  }
}

/** Joins neighbouring spans of one slot and cell to runs; slot s has the spans `[starts[s], starts[s + 1])`. Returns the number of runs. */
export function joinRuns(
  starts: usize,
  spans: usize,
  ofSpans: usize,
  spanCount: u32,
  slots: usize,
  cells: usize,
  weights: usize,
): u32 {
  let runs: u32 = 0
  let slot: u32 = 0
  let slotEnd = spanCount ? wordAt(starts, 1) : 0
  let cell = NONE
  let weight: u32 = 0
  for (let i: u32 = 0; i < spanCount; i++) {
    const span = wordAt(spans, i)
    const here = wordAt(ofSpans, i)
    if (span >= slotEnd) {
      while (span >= slotEnd) slotEnd = wordAt(starts, ++slot + 1)
      cell = NONE
    }
    if (here == cell) {
      weight++
    } else {
      const at = <usize>runs << 2
      store<u32>(slots + at, slot)
      store<u32>(cells + at, here)
      cell = here
      weight = 1
      runs++
    }
    store<u32>(weights + (<usize>(runs - 1) << 2), weight)
  }
  return runs
}
