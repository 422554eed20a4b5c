import { JOINED, RECORD_BYTES } from './record'

/*
 * Picks the commonest values of each attribute and side: group 2 · attribute + side. A group is a heap whose least common value is on top; an entry is its
 * rank (its count, then how early it was met) and, in 64 bits too, its record · 2 + side.
 */

// @ts-ignore: decorator
@inline
function put(at: usize, rank: u64, one: u64): void {
  store<u64>(at, rank)
  store<u64>(at, one, 8)
}

function up(heap: usize, last: usize, rank: u64, one: u64): void {
  let at = last
  while (at > 0) {
    const parent = (at - 1) >> 1
    const other = heap + (parent << 4)
    if (load<u64>(other) <= rank) break
    put(heap + (at << 4), load<u64>(other), load<u64>(other, 8))
    at = parent
  }
  put(heap + (at << 4), rank, one)
}

function down(heap: usize, size: usize, rank: u64, one: u64): void {
  let at: usize = 0
  for (;;) {
    let child = (at << 1) + 1
    if (child >= size) break
    let other = heap + (child << 4)
    if (child + 1 < size && load<u64>(other, 16) < load<u64>(other)) {
      child++
      other += 16
    }
    if (load<u64>(other) >= rank) break
    put(heap + (at << 4), load<u64>(other), load<u64>(other, 8))
    at = child
  }
  put(heap + (at << 4), rank, one)
}

// @ts-ignore: decorator
@inline
function offer(heaps: usize, starts: usize, sizes: usize, group: usize, rank: u64, one: u64): void {
  const start = load<u32>(starts + (group << 2))
  const capacity = load<u32>(starts + (group << 2), 4) - start
  const size = load<u32>(sizes + (group << 2))
  const heap = heaps + (<usize>start << 4)
  if (size < capacity) {
    up(heap, size, rank, one)
    store<u32>(sizes + (group << 2), size + 1)
  } else if (capacity && rank > load<u64>(heap)) {
    down(heap, size, rank, one)
  }
}

/** Offers records to the heaps: that of group i begins at entry `starts[i]`, has room up to `starts[i + 1]` and `sizes[i]` entries. */
export function pickCommonest(records: usize, count: u32, heaps: usize, starts: usize, sizes: usize): void {
  const end = records + <usize>count * RECORD_BYTES
  for (; records < end; records += RECORD_BYTES) {
    const name = load<u32>(records, 4)
    if (name == JOINED) continue
    const group = <usize>(name >> 3) << 1
    const baseline = load<u32>(records, 16)
    const selection = load<u32>(records, 20)
    const early = ~load<u32>(records, 28)
    const one = <u64>records << 1
    if (baseline) offer(heaps, starts, sizes, group, (<u64>baseline << 32) | early, one)
    if (selection) offer(heaps, starts, sizes, group + 1, (<u64>selection << 32) | early, one | 1)
  }
}
