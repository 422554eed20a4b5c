import { NONE, RECORD_BYTES } from './number'

/*
 * Counts numbers in cells. A number that is met often gets a row with all cells, the others a list of the cells that they were met in.
 *
 * What is counted are runs: `weight` spans of one slot that share a cell.
 */

// @ts-ignore: decorator
@inline
function wordAt(at: usize, index: u32): u32 {
  return load<u32>(at + (<usize>index << 2))
}

// @ts-ignore: decorator
@inline
function totalOf(tallies: usize, number: u32): u32 {
  const at = tallies + (<usize>number << 3)
  return load<u32>(at) + load<u32>(at, 4)
}

let listWords: u32 = 0

/** Words of all lists after `countRows` or `sumRows`. */
export function listedWords(): u32 {
  return listWords
}

/** How many of the numbers have tallies of `rowsFrom` or more together, and so get a row. */
export function countRows(tallies: usize, count: u32, rowsFrom: u32): u32 {
  let rows: u32 = 0
  listWords = 0
  for (let number: u32 = 0; number < count; number++) {
    const total = totalOf(tallies, number)
    const hasRow = total >= rowsFrom
    rows += <u32>hasRow
    listWords += hasRow ? 0 : total
  }
  return rows
}

/**
 * Gives each number its row or its list, in order, and fills them from numbered records; `met` becomes all numbers. The lowest bit of a place tells lists.
 */
export function spread(
  records: usize,
  recordsEnd: usize,
  tallies: usize,
  count: u32,
  rowsFrom: u32,
  rowBytes: u32,
  met: usize,
  places: usize,
  rows: usize,
  rowCount: u32,
  lists: usize,
): void {
  memory.fill(rows, 0, <usize>rowCount * rowBytes)
  for (let number: u32 = 0; number < count; number++) {
    const total = totalOf(tallies, number)
    const hasRow = total >= rowsFrom
    store<u32>(met + (<usize>number << 2), number)
    store<u32>(places + (<usize>number << 2), hasRow ? <u32>rows : <u32>lists | 1)
    rows += hasRow ? <usize>rowBytes : 0
    lists += hasRow ? 0 : <usize>total << 2
  }
  for (let record = records; record < recordsEnd; record += RECORD_BYTES) {
    const cell = load<u32>(record, 8)
    const weight = load<u32>(record, 12) >> 4
    const place = places + (<usize>load<u32>(record) << 2)
    const at = load<u32>(place)
    const isListed = at & 1
    if (isListed & <u32>(weight > 1)) {
      let to: usize = at - 1
      for (let i: u32 = 0; i < weight; i++, to += 4) store<u32>(to, cell)
      store<u32>(place, <u32>to | 1)
      continue
    }
    // Without a branch: which numbers are listed cannot be foretold.
    const inRow = isListed - 1
    const to: usize = at - isListed + ((cell << 2) & inRow)
    store<u32>(to, (cell & ~inRow) | ((load<u32>(to) + weight) & inRow))
    store<u32>(place, at + (isListed << 2))
  }
}

/** Counts the ids of slots in a row each; those without an id in the row behind the last. */
export function countIds(
  ids: usize,
  idCount: u32,
  slots: usize,
  cells: usize,
  weights: usize,
  runCount: u32,
  rowBytes: u32,
  rows: usize,
): void {
  memory.fill(rows, 0, (<usize>idCount + 1) * rowBytes)
  for (let run: u32 = 0; run < runCount; run++) {
    const id = min(wordAt(ids, wordAt(slots, run)), idCount)
    const at = rows + <usize>id * rowBytes + (<usize>wordAt(cells, run) << 2)
    store<u32>(at, load<u32>(at) + wordAt(weights, run))
  }
}

// @ts-ignore: decorator
@inline
function sumOf(at: usize, count: u32): u32 {
  const end = at + (<usize>count << 2)
  let sums = i32x4.splat(0)
  for (; at + 16 <= end; at += 16) sums = i32x4.add(sums, v128.load(at))
  let sum = i32x4.extract_lane(sums, 0) + i32x4.extract_lane(sums, 1) + i32x4.extract_lane(sums, 2) + i32x4.extract_lane(sums, 3)
  for (; at < end; at += 4) sum += load<u32>(at)
  return sum
}

/** Writes the tallies of rows with `side` cells on each side: their sums. Returns the number of rows that stay (`countRows`). */
export function sumRows(rows: usize, count: u32, side: u32, rowsFrom: u32, tallies: usize): u32 {
  const half = <usize>side << 2
  for (let number: u32 = 0; number < count; number++) {
    const at = tallies + (<usize>number << 3)
    store<u32>(at, sumOf(rows, side))
    store<u32>(at, sumOf(rows + half, side), 4)
    rows += half << 1
  }
  return countRows(tallies, count, rowsFrom)
}

/** Moves the rows that stay to the front and makes lists of the others. Writes the numbers that were met, and returns how many are. */
export function keepRows(rows: usize, count: u32, rowBytes: u32, rowsFrom: u32, tallies: usize, met: usize, lists: usize): u32 {
  let kept = rows
  let metCount: u32 = 0
  for (let number: u32 = 0; number < count; number++, rows += rowBytes) {
    const total = totalOf(tallies, number)
    if (total == 0) continue
    store<u32>(met + (<usize>metCount << 2), number)
    metCount++
    if (total >= rowsFrom) {
      if (kept != rows) memory.copy(kept, rows, rowBytes)
      kept += rowBytes
      continue
    }
    let left = total
    for (let cell: u32 = 0; left > 0; cell++) {
      const here = wordAt(rows, cell)
      for (let i: u32 = 0; i < here; i++, lists += 4) store<u32>(lists, cell)
      left -= here
    }
  }
  return metCount
}

/** Takes what rows and lists have in each cell from `totals`. */
export function takeCells(rows: usize, rowCount: u32, lists: usize, listed: u32, cellCount: u32, totals: usize): void {
  const end = totals + (<usize>cellCount << 2)
  for (let row: u32 = 0; row < rowCount; row++) {
    let at = totals
    for (; at + 16 <= end; at += 16, rows += 16) v128.store(at, i32x4.sub(v128.load(at), v128.load(rows)))
    for (; at < end; at += 4, rows += 4) store<u32>(at, load<u32>(at) - load<u32>(rows))
  }
  for (let i: u32 = 0; i < listed; i++) {
    const at = totals + (<usize>wordAt(lists, i) << 2)
    store<u32>(at, load<u32>(at) - 1)
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
    // Without a branch where the next slot comes: which span is the last of its slot cannot be foretold. More steps than one are rare.
    const isNext = span >= slotEnd
    slot += <u32>isNext
    slotEnd = wordAt(starts, slot + 1)
    while (span >= slotEnd) slotEnd = wordAt(starts, ++slot + 1)
    const isNew = <u32>isNext | <u32>(here != cell)
    runs += isNew
    weight = isNew ? 1 : weight + 1
    cell = here
    const at = <usize>(runs - 1) << 2
    store<u32>(slots + at, slot)
    store<u32>(cells + at, here)
    store<u32>(weights + at, weight)
  }
  return runs
}
