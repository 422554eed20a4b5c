import { RECORD_BYTES, TEXT } from './record'

/*
 * Writes the values that a column of a row group has a few times down as records. Their hashes stand in a list of their own, because what looks for equal
 * values reads nothing else of most of them.
 */

let textBytes: u64 = 0
let topName: u32 = 0

/** Bytes that the texts of the last `writeRecords` take together; all ones where that does not fit. */
export function recordTextBytes(): u32 {
  return textBytes > 0xfffffffe ? 0xffffffff : <u32>textBytes
}

/** The largest name of the last `writeRecords`. */
export function topRecordName(): u32 {
  return topName
}

// @ts-ignore: decorator
@inline
function mixed(word: u32): u32 {
  const hash = (word ^ (word >> 15)) * 0x27d4eb2f
  return hash ^ (hash >> 13)
}

// @ts-ignore: decorator
@inline
function put(at: usize, next: u32, name: u32, low: u32, high: u32, sides: u64, cells: u32, order: u32): void {
  store<u32>(at, next)
  store<u32>(at, name, 4)
  store<u32>(at, low, 8)
  store<u32>(at, high, 12)
  store<u64>(at, sides, 16)
  store<u32>(at, cells, 24)
  store<u32>(at, order, 28)
}

/**
 * Writes hash and record of each number that was met less often than `rowsFrom`; those of the others go to `often`, and have their hash in place of the next
 * record. `members` has four words for each number: low (of texts: their id), high, name less `name`; 0: numbers are ids of texts. Until `writeTexts`, low
 * halves of rare texts are ids. Cells of the records stand behind each other from `cells` on. `order`: of the first number.
 */
export function writeRecords(
  met: usize,
  metCount: u32,
  tallies: usize,
  rowsFrom: u32,
  members: usize,
  name: u32,
  base: usize,
  starts: usize,
  skip: u32,
  textHashes: usize,
  cells: u32,
  order: u32,
  hashes: usize,
  records: usize,
  often: usize,
): void {
  textBytes = 0
  topName = 0
  for (let i: u32 = 0; i < metCount; i++) {
    const number = load<u32>(met + (<usize>i << 2))
    const tally = tallies + (<usize>number << 3)
    const total = load<u32>(tally) + load<u32>(tally, 4)
    let own = name
    let low = number
    let high: u32 = 0
    if (members) {
      const member = members + (<usize>number << 4)
      low = load<u32>(member)
      high = load<u32>(member, 4)
      own += load<u32>(member, 8)
    }
    let hash: u32
    if ((own & 7) == TEXT) {
      const start = starts + (<usize>low << 2)
      high = load<u32>(start, 4) - load<u32>(start) - skip
      hash = load<u32>(textHashes + (<usize>low << 2)) ^ (own * 0x9e3779b1)
    } else {
      hash = ((own ^ (low * 0x9e3779b1)) * 0x85ebca6b) ^ (high * 0xc2b2ae35)
    }
    if (total >= rowsFrom) {
      if ((own & 7) == TEXT) low = <u32>base + load<u32>(starts + (<usize>low << 2)) + skip
      put(often, mixed(hash), own, low, high, load<u64>(tally), 0, order + i)
      often += RECORD_BYTES
      continue
    }
    store<u32>(hashes, mixed(hash))
    hashes += 4
    put(records, 0, own, low, high, load<u64>(tally), cells, order + i)
    records += RECORD_BYTES
    cells += total << 2
    if ((own & 7) == TEXT) textBytes += high
    if (own > topName) topName = own
  }
}

/** Copies the texts of records behind each other; `target` is where the first will stand at last. Reads and writes up to 15 bytes more. */
export function writeTexts(records: usize, count: u32, base: usize, starts: usize, skip: u32, out: usize, target: u32): void {
  const end = records + <usize>count * RECORD_BYTES
  for (; records < end; records += RECORD_BYTES) {
    if ((load<u32>(records, 4) & 7) != TEXT) continue
    const length = load<u32>(records, 12)
    const from = base + load<u32>(starts + (<usize>load<u32>(records, 8) << 2)) + skip
    for (let i: usize = 0; i < length; i += 16) v128.store(out + i, v128.load(from + i))
    store<u32>(records, target, 8)
    out += length
    target += length
  }
}
