import { lowBits } from './bytes'
import { BOOLEANS, BYTE_ARRAYS, DOUBLES, IDS, INTS, NULL_BOOLEAN, NULL_BYTES, openKind, openPageValues, readValues, widthShift } from './decode'
import { ENTRY_LIST, OK } from './fault'
import * as page from './page'
import { haveOneLength, readAt, sharedPair } from './values'

/*
 * Decoding the entries of an ascending list of u32. Pages that hold none are not touched; of the others, values are read up to the last one wanted.
 */
const NO_RANK: u32 = 0xffffffff

/** How many entries of the list, from `from` on, lie in the current page; negative when the list does not ascend or goes beneath the page. */
function entriesInPage(entries: usize, from: u32, count: u32): i32 {
  const first = page.firstEntry()
  const end = <u64>first + <u64>page.entryCount()
  let previous: i64 = <i64>first - 1
  let k = from
  for (; k < count; k++) {
    const entry: i64 = load<u32>(entries + (<usize>k << 2))
    if (<u64>entry >= end) break
    if (entry <= previous) return ENTRY_LIST
    previous = entry
  }
  return <i32>(k - from)
}

/** Writes the index among the page's values for each wanted entry, NO_RANK for nulls. Returns how many values are needed. */
function rankEntries(entries: usize, count: u32, definitions: usize, ranks: usize): u32 {
  const highest = i8x16.splat(<i8>page.maxDefinition())
  const first = page.firstEntry()
  let block: u32 = 0
  let before: u32 = 0
  let needed: u32 = 0
  for (let k: u32 = 0; k < count; k++) {
    const entry = load<u32>(entries + (<usize>k << 2)) - first
    while (block + 16 <= entry) {
      before += popcnt(i8x16.bitmask(i8x16.eq(v128.load(definitions + block), highest)))
      block += 16
    }
    const bits = <u32>i8x16.bitmask(i8x16.eq(v128.load(definitions + block), highest))
    const rank = before + popcnt(bits & lowBits(entry - block))
    const isValue = (bits >> (entry - block)) & 1
    store<u32>(ranks + (<usize>k << 2), isValue ? rank : NO_RANK)
    if (isValue) needed = rank + 1
  }
  return needed
}

/** The same for a page without nulls: an entry is its own index. */
function rankAll(entries: usize, count: u32, ranks: usize): u32 {
  const first = page.firstEntry()
  for (let k: usize = 0; k < <usize>count << 2; k += 4) store<u32>(ranks + k, load<u32>(entries + k) - first)
  return load<u32>(ranks + (<usize>(count - 1) << 2)) + 1
}

// @ts-ignore: decorator
@inline
function pick(kind: i32, values: usize, ranks: usize, count: u32, out: usize): void {
  for (let k: u32 = 0; k < count; k++) {
    const rank = load<u32>(ranks + (<usize>k << 2))
    const isNull = rank == NO_RANK
    const from = values + (<usize>rank << widthShift(kind))
    const to = out + (<usize>k << widthShift(kind))
    if (kind == IDS) store<u32>(to, isNull ? <u32>-1 : load<u32>(from))
    else if (kind == BOOLEANS) store<u8>(to, isNull ? <u8>NULL_BOOLEAN : load<u8>(from))
    else store<u64>(to, isNull ? (kind == BYTE_ARRAYS ? NULL_BYTES : 0) : load<u64>(from))
  }
}

function pickShared(ranks: usize, count: u32, out: usize): void {
  for (let k: u32 = 0; k < count; k++) {
    const rank = load<u32>(ranks + (<usize>k << 2))
    store<u64>(out + (<usize>k << 3), rank == NO_RANK ? NULL_BYTES : sharedPair(rank))
  }
}

// @ts-ignore: decorator
@inline
function gatherPage(kind: i32, entries: usize, count: u32, out: usize): i32 {
  const ranks = page.ranksAt()
  let needed: u32
  if (page.valueCount() == page.entryCount()) needed = rankAll(entries, count, ranks)
  else {
    const definitions = page.definitionsAt()
    const result = page.readDefinitions(definitions)
    if (result != OK) return result
    needed = rankEntries(entries, count, definitions, ranks)
  }
  let values: usize = 0
  if (needed > 0) {
    let result = openPageValues(kind)
    if (result == OK && kind == BYTE_ARRAYS) {
      const same = haveOneLength()
      if (same == 1) {
        pickShared(ranks, count, out)
        return OK
      }
      result = same
    }
    if (result == OK) result = readValues(kind, needed, page.denseAt())
    if (result != OK) return result
    values = readAt()
  }
  pick(kind, values, ranks, count, out)
  return OK
}

// @ts-ignore: decorator
@inline
function gather(kind: i32, pages: usize, pageCount: u32, entries: usize, count: u32, scratch: usize, out: usize): i32 {
  page.setScratch(scratch)
  let done: u32 = 0
  for (let i: u32 = 0; i < pageCount && done < count; i++) {
    page.openPage(pages + <usize>i * page.PAGE_BYTES)
    const here = entriesInPage(entries, done, count)
    if (here < 0) return here
    if (here == 0) continue
    const result = gatherPage(kind, entries + (<usize>done << 2), here, out)
    if (result != OK) return result
    out += <usize>here << widthShift(kind)
    done += here
  }
  return done == count ? OK : ENTRY_LIST
}

export function gatherIds(pages: usize, pageCount: u32, dictionaryEntries: u32, entries: usize, count: u32, scratch: usize, out: usize): i32 {
  openKind(dictionaryEntries, 0)
  return gather(IDS, pages, pageCount, entries, count, scratch, out)
}

export function gatherInts(pages: usize, pageCount: u32, entries: usize, count: u32, scratch: usize, out: usize): i32 {
  return gather(INTS, pages, pageCount, entries, count, scratch, out)
}

export function gatherDoubles(pages: usize, pageCount: u32, entries: usize, count: u32, scratch: usize, out: usize): i32 {
  return gather(DOUBLES, pages, pageCount, entries, count, scratch, out)
}

export function gatherBooleans(pages: usize, pageCount: u32, entries: usize, count: u32, scratch: usize, out: usize): i32 {
  return gather(BOOLEANS, pages, pageCount, entries, count, scratch, out)
}

/** `keep` has room for `keptBytes` of the same entries. */
export function gatherByteArrays(pages: usize, pageCount: u32, entries: usize, count: u32, scratch: usize, keep: usize, out: usize): i32 {
  openKind(0, keep)
  return gather(BYTE_ARRAYS, pages, pageCount, entries, count, scratch, out)
}

/** Bytes that the decompressed pages of these entries take (`entries` = 0: of all pages), slack included. */
export function keptBytes(pages: usize, pageCount: u32, entries: usize, count: u32): f64 {
  let total: f64 = 0
  let k: u32 = 0
  for (let i: u32 = 0; i < pageCount; i++) {
    const record = pages + <usize>i * page.PAGE_BYTES
    const size = page.inflatedBytes(record)
    if (entries) {
      const end = <u64>load<u32>(record, 48) + <u64>load<u32>(record, 36)
      const before = k
      while (k < count && <u64>load<u32>(entries + (<usize>k << 2)) < end) k++
      if (k == before) continue
    }
    if (size) total += <f64>size + 80
  }
  return total
}
