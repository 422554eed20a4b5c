import { lowBits } from './bytes'
import { openKind, openPageValues, readValues, widthShift } from './decode'
import { FIRST_REPETITION, OK, OWNERS } from './fault'
import * as page from './page'
import { readAt } from './values'

/*
 * The values of several columns, of which an entry has one, as one list: a kind (a byte, 0 for none) and a word of 64 bits for each entry.
 */

/** The kind of an entry with several values. */
export const SEVERAL: u8 = 8

let entry: u32 = 0
let valuesFrom: usize = 0
let valuesType: i32 = 0
let ownKind: u8 = 0

// @ts-ignore: decorator
@inline
function put(kinds: usize, words: usize, at: u32, rank: u32): void {
  if (load<u8>(kinds + at)) return
  store<u8>(kinds + at, ownKind)
  const from = valuesFrom + (<usize>rank << widthShift(valuesType))
  const width = widthShift(valuesType)
  const word: u64 = width == 3 ? load<u64>(from) : width == 2 ? <u64>load<u32>(from) : <u64>load<u8>(from)
  store<u64>(words + (<usize>at << 3), word)
}

/** The entries of the current page, of which those with a repetition level above `level` continue the one before. */
// @ts-ignore: decorator
@inline
function putPage(count: u32, level: u32, kinds: usize, words: usize, capacity: u32): i32 {
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
  let rank: u32 = 0
  for (let i: u32 = 0; i < count; i += 16) {
    const inside = lowBits(count - i)
    let present = <u32>i8x16.bitmask(i8x16.eq(v128.load(definitions + i), highest)) & inside
    const continued = nested ? <u32>i8x16.bitmask(i8x16.gt_u(v128.load(repetitions + i), limit)) & inside : 0
    const begun = popcnt(inside) - popcnt(continued)
    if (begun > capacity - entry) return OWNERS
    if (continued == 0) {
      for (; present; present &= present - 1) put(kinds, words, entry + ctz(present), rank++)
      entry += begun
      continue
    }
    for (let k: u32 = 0; (inside >> k) & 1; k++) {
      const isValue = (present >> k) & 1
      if ((continued >> k) & 1) {
        const known = load<u8>(kinds + entry - 1)
        if (known == 0 || known == ownKind) store<u8>(kinds + entry - 1, SEVERAL)
      } else {
        if (isValue) put(kinds, words, entry, rank)
        entry++
      }
      rank += isValue
    }
  }
  return OK
}

// @ts-ignore: decorator
@inline
function addColumn(type: i32, pages: usize, pageCount: u32, scratch: usize, level: u32, kinds: usize, words: usize, capacity: u32): i32 {
  page.setScratch(scratch)
  valuesType = type
  entry = 0
  for (let i: u32 = 0; i < pageCount; i++) {
    page.openPage(pages + <usize>i * page.PAGE_BYTES)
    const count = page.entryCount()
    const values = page.valueCount()
    if (values == 0 && page.maxRepetition() <= level) {
      if (count > capacity - entry) return OWNERS
      entry += count
      continue
    }
    if (values) {
      let result = openPageValues(type)
      if (result == OK) result = readValues(type, values, page.denseAt())
      if (result != OK) return result
      valuesFrom = readAt()
    }
    const result = putPage(count, level, kinds, words, capacity)
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
  ownKind = <u8>kind
  return addColumn(type, pages, pageCount, scratch, level, kinds, words, capacity)
}
