import { lowBits } from './bytes'
import { BOOLEANS, IDS, openKind, openPageValues, readValues, widthShift } from './decode'
import { FIRST_REPETITION, OK, OWNERS } from './fault'
import * as page from './page'
import { readAt } from './values'

/*
 * The values of several columns, of which an entry has one, as one list: a kind (a byte, 0 for none) and a word of 64 bits for each entry.
 */

/** The kind of an entry with several values. */
export const SEVERAL: u8 = 8

let entry: u32 = 0

/** The word of a value of so many bytes, 1 << `width`. */
// @ts-ignore: decorator
@inline
function wordOf(width: usize, values: usize, rank: u32): u64 {
  const from = values + (<usize>rank << width)
  return width == 3 ? load<u64>(from) : width == 2 ? <u64>load<u32>(from) : <u64>load<u8>(from)
}

/** The entries of the current page, of which those with a repetition level above `level` continue the one before. */
// @ts-ignore: decorator
@inline
function putPage(width: usize, values: usize, level: u32, kind: u8, kinds: usize, words: usize, capacity: u32): i32 {
  const count = page.entryCount()
  const nested = page.maxRepetition() > level
  const repetitions = page.repetitionsAt()
  const definitions = page.definitionsAt()
  if (nested) {
    const result = page.readRepetitions(repetitions)
    if (result != OK) return result
    if (entry == 0 && count > 0 && load<u8>(repetitions) > <u8>level) return FIRST_REPETITION
  }
  const result = page.readDefinitions(definitions)
  if (result != OK) return result
  const highest = i8x16.splat(<i8>page.maxDefinition())
  const limit = i8x16.splat(<i8>level)
  let here = entry
  let rank: u32 = 0
  for (let i: u32 = 0; i < count; i += 16) {
    const inside = lowBits(count - i)
    let present = <u32>i8x16.bitmask(i8x16.eq(v128.load(definitions + i), highest)) & inside
    const continued = nested ? <u32>i8x16.bitmask(i8x16.gt_u(v128.load(repetitions + i), limit)) & inside : 0
    const begun = popcnt(inside) - popcnt(continued)
    if (begun > capacity - here) return OWNERS
    const known = v128.load(kinds + here)
    const taken = <u32>i8x16.bitmask(i8x16.ne(known, i8x16.splat(0)))
    if (continued == 0 && (present & taken) == 0) {
      for (; present; present &= present - 1, rank++) {
        const at = here + ctz(present)
        store<u8>(kinds + at, kind)
        store<u64>(words + (<usize>at << 3), wordOf(width, values, rank))
      }
      here += begun
      continue
    }
    for (let k: u32 = 0; (inside >> k) & 1; k++) {
      const isValue = (present >> k) & 1
      if ((continued >> k) & 1) {
        const before = load<u8>(kinds + here - 1)
        if (before == 0 || before == kind) store<u8>(kinds + here - 1, SEVERAL)
      } else {
        if (isValue && load<u8>(kinds + here) == 0) {
          store<u8>(kinds + here, kind)
          store<u64>(words + (<usize>here << 3), wordOf(width, values, rank))
        }
        here++
      }
      rank += isValue
    }
  }
  entry = here
  return OK
}

// @ts-ignore: decorator
@inline
function addColumn(type: i32, pages: usize, pageCount: u32, scratch: usize, level: u32, kind: u8, kinds: usize, words: usize, capacity: u32): i32 {
  page.setScratch(scratch)
  entry = 0
  for (let i: u32 = 0; i < pageCount; i++) {
    page.openPage(pages + <usize>i * page.PAGE_BYTES)
    const valueCount = page.valueCount()
    if (valueCount == 0 && page.maxRepetition() <= level) {
      if (page.entryCount() > capacity - entry) return OWNERS
      entry += page.entryCount()
      continue
    }
    let values: usize = 0
    if (valueCount) {
      let result = openPageValues(type)
      if (result == OK) result = readValues(type, valueCount, page.denseAt())
      if (result != OK) return result
      values = readAt()
    }
    const result = putPage(widthShift(type), values, level, kind, kinds, words, capacity)
    if (result != OK) return result
  }
  return <i32>entry
}

/**
 * Gives each entry that has no kind yet, and has a value in this column, `kind` and that value: an id, 64 bits, or 0 or 1. `type` is one of `decode`. Where
 * entries have several values, told by repetition levels above `level`, their kind becomes `SEVERAL`. Returns the number of entries, at most `capacity`.
 */
export function addTyped(
  type: i32,
  pages: usize,
  pageCount: u32,
  dictionaryEntries: u32,
  scratch: usize,
  level: u32,
  kind: u32,
  kinds: usize,
  words: usize,
  capacity: u32,
): i32 {
  openKind(dictionaryEntries, 0)
  if (type == IDS) return addColumn(IDS, pages, pageCount, scratch, level, <u8>kind, kinds, words, capacity)
  if (type == BOOLEANS) return addColumn(BOOLEANS, pages, pageCount, scratch, level, <u8>kind, kinds, words, capacity)
  return addColumn(type, pages, pageCount, scratch, level, <u8>kind, kinds, words, capacity)
}
