import { countOnes } from './byte-map'
import { anyHighBit, fillBytes } from './bytes'
import { compareDoubles, compareInts } from './compare'
import { ID_RANGE, OK } from './fault'
import { findId, lookUpIds } from './hybrid'
import * as page from './page'
import { placeBytes } from './place'
import { MAX_WORD_BITS } from './unpack'
import { idBits, readAt, readBooleans, readDoubles, readIds, readInts } from './values'

/*
 * Matching a whole column: a byte for each entry, 0 for nulls. Each kernel answers the values of a page densely, then puts them on their entries.
 */

/** Marks table entries that are no ids: what is looked up there shows that an id was out of range. */
const NO_ID: u8 = 0x80

let table: usize = 0
let tableBits: u32 = 0
let tableIds: u32 = 0
/** The only hit, where there is just one; NO_SINGLE else. */
let singleHit: u32 = 0
const NO_SINGLE: u32 = <u32>-1

/** Copies a hit table to `at` and fills it up to a power of two, so that packed ids need no check of their own. Returns the bytes it takes. */
export function openHits(hits: usize, count: u32, at: usize): usize {
  table = at
  tableIds = count
  tableBits = count > 1 ? 32 - clz(count - 1) : 0
  const size: usize = <usize>1 << tableBits
  memory.copy(at, hits, count)
  memory.fill(at + count, NO_ID, size - count)
  singleHit = countOnes(at, count) == 1 ? firstOne(at) : NO_SINGLE
  return (size + 79) & ~(<usize>15)
}

/** Index of the first byte that is not 0; there is one. */
function firstOne(at: usize): u32 {
  let i: u32 = 0
  while (!v128.any_true(v128.load(at + i))) i += 16
  return i + ctz(i8x16.bitmask(i8x16.ne(v128.load(at + i), i8x16.splat(0))))
}

/** Writes the hit byte of every value (nulls left out) of the current page, whose values are open. */
export function lookUpValues(out: usize): i32 {
  const count = page.valueCount()
  const bits = idBits()
  if (bits < 0) return bits
  if (singleHit != NO_SINGLE && bits > 0 && <u32>bits <= MAX_WORD_BITS) {
    return findId(page.valuesAt() + 1, page.valuesEnd(), bits, count, singleHit, tableIds, out)
  }
  if (<u32>bits <= tableBits) {
    const result = lookUpIds(page.valuesAt() + 1, page.valuesEnd(), bits, count, table, tableBits, out)
    if (result != OK) return result
    return tableIds == <u32>1 << tableBits || !anyHighBit(out, count) ? OK : ID_RANGE
  }
  // Wider ids than the dictionary needs: decoded and checked one by one. They go through `dense`, which is wide enough for them.
  const dense = page.denseAt()
  const result = readIds(count, tableIds, dense)
  if (result != OK) return result
  for (let i: u32 = 0; i < count; i++) store<u8>(out + i, load<u8>(table + load<u32>(dense + (<usize>i << 2))))
  return OK
}

/** Puts the dense bytes at `values` on the entries of the current page. */
function placeMatches(values: usize, out: usize): i32 {
  const definitions = page.definitionsAt()
  const result = page.readDefinitions(definitions)
  if (result == OK) placeBytes(definitions, page.maxDefinition(), page.entryCount(), values, 0, out)
  return result
}

/** The hit bytes of all entries of the current page. */
export function lookUpEntries(out: usize): i32 {
  const opened = page.openValues(0)
  if (opened != OK) return opened
  const hasNulls = page.valueCount() != page.entryCount()
  const dense = hasNulls ? page.denseAt() : out
  const result = lookUpValues(dense)
  return result == OK && hasNulls ? placeMatches(dense, out) : result
}

export function matchIds(pages: usize, pageCount: u32, hits: usize, dictionaryCount: u32, scratch: usize, out: usize): i32 {
  page.setScratch(scratch + openHits(hits, dictionaryCount, scratch))
  for (let i: u32 = 0; i < pageCount; i++) {
    page.openPage(pages + <usize>i * page.PAGE_BYTES)
    const count = page.entryCount()
    if (page.valueCount() == 0) memory.fill(out, 0, count)
    else {
      const result = lookUpEntries(out)
      if (result != OK) return result
    }
    out += count
  }
  return OK
}

function matchIntPage(comparison: i32, literal: i64, dense: usize): i32 {
  const count = page.valueCount()
  const result = readInts(count, page.denseAt())
  if (result == OK) compareInts(readAt(), count, comparison, literal, dense)
  return result
}

function matchDoublePage(comparison: i32, literal: f64, dense: usize): i32 {
  const result = readDoubles()
  if (result == OK) compareDoubles(readAt(), page.valueCount(), comparison, literal, dense)
  return result
}

/** `satisfied` as for `matchBooleans`. */
function matchBooleanPage(satisfied: u32, dense: usize): i32 {
  const count = page.valueCount()
  const result = readBooleans(count, dense)
  if (result != OK) return result
  const whenTrue = i8x16.splat(<i8>(satisfied & 1))
  const whenFalse = i8x16.splat(<i8>(satisfied >> 1))
  for (let i: u32 = 0; i < count; i += 16) {
    const isTrue = i8x16.ne(v128.load(dense + i), i8x16.splat(0))
    v128.store(dense + i, v128.bitselect(whenTrue, whenFalse, isTrue))
  }
  return OK
}

const INTS: i32 = 0
const DOUBLES: i32 = 1
const BOOLEANS: i32 = 2

// @ts-ignore: decorator
@inline
function matchColumn(kind: i32, pages: usize, pageCount: u32, comparison: i32, long: i64, double: f64, scratch: usize, out: usize): i32 {
  page.setScratch(scratch)
  for (let i: u32 = 0; i < pageCount; i++) {
    page.openPage(pages + <usize>i * page.PAGE_BYTES)
    const count = page.entryCount()
    const values = page.valueCount()
    if (values == 0) memory.fill(out, 0, count)
    else {
      let result = page.openValues(0)
      if (result != OK) return result
      const dense = values == count ? out : page.denseAt()
      if (kind == INTS) result = matchIntPage(comparison, long, dense)
      else if (kind == DOUBLES) result = matchDoublePage(comparison, double, dense)
      else result = matchBooleanPage(comparison, dense)
      if (result == OK && values != count) result = placeMatches(dense, out)
      if (result != OK) return result
    }
    out += count
  }
  return OK
}

export function matchInts(pages: usize, pageCount: u32, comparison: i32, literal: i64, scratch: usize, out: usize): i32 {
  return matchColumn(INTS, pages, pageCount, comparison, literal, 0, scratch, out)
}

export function matchDoubles(pages: usize, pageCount: u32, comparison: i32, literal: f64, scratch: usize, out: usize): i32 {
  return matchColumn(DOUBLES, pages, pageCount, comparison, 0, literal, scratch, out)
}

/** `satisfied`: bit 0 when true satisfies the comparison, bit 1 when false does. */
export function matchBooleans(pages: usize, pageCount: u32, satisfied: u32, scratch: usize, out: usize): i32 {
  return matchColumn(BOOLEANS, pages, pageCount, satisfied, 0, 0, scratch, out)
}

export function matchPresent(pages: usize, pageCount: u32, scratch: usize, out: usize): i32 {
  page.setScratch(scratch)
  for (let i: u32 = 0; i < pageCount; i++) {
    page.openPage(pages + <usize>i * page.PAGE_BYTES)
    const count = page.entryCount()
    const values = page.valueCount()
    if (values == 0 || values == count) fillBytes(out, <u8>(values != 0), count)
    else {
      const result = page.readDefinitions(out)
      if (result != OK) return result
      const highest = i8x16.splat(<i8>page.maxDefinition())
      const one = i8x16.splat(1)
      for (let k: u32 = 0; k < count; k += 16) v128.store(out + k, v128.and(i8x16.eq(v128.load(out + k), highest), one))
    }
    out += count
  }
  return OK
}
