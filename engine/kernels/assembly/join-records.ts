import { ELSEWHERE, JOINED, RECORD_BYTES, TEXT } from './record'

/* Finds equal records: their hashes are dealt out to buckets whose tables fit into the processor's cache. */

/** Counts each record for its attribute, and its cells in the attribute's row of `cellCount` words. */
export function addRecordCells(records: usize, count: u32, cellCount: u32, rows: usize, recordCounts: usize): void {
  const end = records + <usize>count * RECORD_BYTES
  for (; records < end; records += RECORD_BYTES) {
    const attribute = <usize>(load<u32>(records, 4) >> 3)
    const counted = recordCounts + (attribute << 2)
    store<u32>(counted, load<u32>(counted) + 1)
    const list = load<u32>(records, 24)
    if (list & ELSEWHERE) continue
    const row = rows + ((attribute * cellCount) << 2)
    let cell: usize = list
    const cellEnd = cell + (<usize>(load<u32>(records, 16) + load<u32>(records, 20)) << 2)
    for (; cell < cellEnd; cell += 4) {
      const at = row + (<usize>load<u32>(cell) << 2)
      store<u32>(at, load<u32>(at) + 1)
    }
  }
}

/** Adds to `counts` how many hashes belong to each bucket: that of the bits from `shift` on. */
export function countBuckets(hashes: usize, count: u32, shift: u32, counts: usize): void {
  for (let i: u32 = 0; i < count; i++) {
    const at = counts + (<usize>(load<u32>(hashes + (<usize>i << 2)) >> shift) << 2)
    store<u32>(at, load<u32>(at) + 1)
  }
}

/** Writes (hash, address of the record) pairs to the places of their buckets, which move on. */
export function dealRecords(hashes: usize, records: usize, count: u32, shift: u32, places: usize): void {
  for (let i: u32 = 0; i < count; i++) {
    const hash = load<u32>(hashes + (<usize>i << 2))
    const place = places + (<usize>(hash >> shift) << 2)
    const at = load<u32>(place)
    store<u64>(at, (<u64>(records + i * RECORD_BYTES) << 32) | hash)
    store<u32>(place, at + 8)
  }
}

// @ts-ignore: decorator
@inline
function areEqualTexts(a: usize, b: usize, length: u32): bool {
  const end = a + length
  for (; a + 8 <= end; a += 8, b += 8) if (load<u64>(a) != load<u64>(b)) return false
  if (a == end) return true
  return ((load<u64>(a) ^ load<u64>(b)) << ((8 - <u64>(end - a)) << 3)) == 0
}

function areEqual(a: usize, b: usize): bool {
  const name = load<u32>(a, 4)
  if (name != load<u32>(b, 4) || load<u32>(a, 12) != load<u32>(b, 12)) return false
  if ((name & 7) != TEXT) return load<u32>(a, 8) == load<u32>(b, 8)
  return areEqualTexts(load<u32>(a, 8), load<u32>(b, 8), load<u32>(a, 12))
}

/** The first gets the counts of both, and begins a chain of the others. */
function join(first: usize, more: usize): void {
  store<u32>(first, load<u32>(first, 16) + load<u32>(more, 16), 16)
  store<u32>(first, load<u32>(first, 20) + load<u32>(more, 20), 20)
  store<u32>(first, min(load<u32>(first, 28), load<u32>(more, 28)), 28)
  store<u32>(more, load<u32>(first))
  store<u32>(first, <u32>more)
  store<u32>(more, JOINED, 4)
}

/** Joins equal records. Pairs of bucket i end at `ends[i]`, where the next begins; `table` has room for two to four slots of 8 bytes for each pair of the largest. */
export function joinRecords(pairs: usize, ends: usize, bucketCount: u32, table: usize): void {
  let pair = pairs
  for (let bucket: u32 = 0; bucket < bucketCount; bucket++) {
    const end = <usize>load<u32>(ends + (<usize>bucket << 2))
    let size: usize = 2
    while (size << 2 < end - pair) size <<= 1
    memory.fill(table, 0, size << 3)
    for (; pair < end; pair += 8) {
      const hash = load<u32>(pair)
      const record = load<u32>(pair, 4)
      for (let slot = <usize>hash & (size - 1); ; slot = (slot + 1) & (size - 1)) {
        const at = table + (slot << 3)
        const first = load<u32>(at, 4)
        if (first == 0) {
          store<u64>(at, load<u64>(pair))
          break
        }
        if (load<u32>(at) != hash || !areEqual(first, record)) continue
        join(first, record)
        break
      }
    }
  }
}
