import { OK } from './fault'
import * as page from './page'
import { placeBytes, placeLongs, placeWords } from './place'
import { readAt, readBooleans, readByteArrays, readDoubles, readIds, readInts } from './values'

/*
 * Decoding a whole column: a value for each entry. Kinds differ in how wide a value is and what a null becomes; `decodePage` says so once.
 */
export const IDS: i32 = 0 // u32, null 0xffffffff
export const INTS: i32 = 1 // i64, null 0
export const DOUBLES: i32 = 2 // f64, null 0
export const BYTE_ARRAYS: i32 = 3 // u32 address, u32 length, null (0, 0xffffffff)
export const BOOLEANS: i32 = 4 // u8, null 2

export const NULL_BYTES: u64 = 0xffffffff00000000
export const NULL_BOOLEAN: u32 = 2

let dictionaryCount: u32 = 0
let keepAt: usize = 0

/** Sets what some kinds need: the dictionary's size for ids, and where decompressed pages stay for byte arrays. */
export function openKind(dictionaryEntries: u32, keep: usize): void {
  dictionaryCount = dictionaryEntries
  keepAt = keep
}

/** Opens the values of the current page. Byte arrays point into them, so they are decompressed to where they can stay. */
export function openPageValues(kind: i32): i32 {
  if (kind != BYTE_ARRAYS) return page.openValues(0)
  const opened = page.openValues(keepAt)
  if (opened == OK && page.valuesAt() == keepAt) keepAt += (page.valuesEnd() - keepAt + 79) & ~(<usize>15)
  return opened
}

/** Reads the first `wanted` values, which are open; `readAt` tells where they are: at `dense`, unless they are stored as they are wanted. */
export function readValues(kind: i32, wanted: u32, dense: usize): i32 {
  if (kind == IDS) return readIds(wanted, dictionaryCount, dense)
  if (kind == INTS) return readInts(wanted, dense)
  if (kind == DOUBLES) return readDoubles()
  if (kind == BOOLEANS) return readBooleans(wanted, dense)
  return readByteArrays(wanted, dense)
}

/** Bytes of a value: 1 << this. */
// @ts-ignore: decorator
@inline
export function widthShift(kind: i32): usize {
  return kind == IDS ? 2 : kind == BOOLEANS ? 0 : 3
}

function fillNulls(kind: i32, count: u32, out: usize): void {
  if (kind == IDS) memory.fill(out, 0xff, <usize>count << 2)
  else if (kind == BOOLEANS) memory.fill(out, <u8>NULL_BOOLEAN, count)
  else if (kind == BYTE_ARRAYS) for (let i: u32 = 0; i < count; i++) store<u64>(out + (<usize>i << 3), NULL_BYTES)
  else memory.fill(out, 0, <usize>count << 3)
}

function decodePage(kind: i32, out: usize): i32 {
  const count = page.entryCount()
  const values = page.valueCount()
  if (values == 0) {
    fillNulls(kind, count, out)
    return OK
  }
  const opened = openPageValues(kind)
  if (opened != OK) return opened
  if (values == count) {
    const result = readValues(kind, values, out)
    if (result == OK && readAt() != out) memory.copy(out, readAt(), <usize>count << widthShift(kind))
    return result
  }
  let result = readValues(kind, values, page.denseAt())
  if (result != OK) return result
  const definitions = page.definitionsAt()
  result = page.readDefinitions(definitions)
  if (result != OK) return result
  const max = page.maxDefinition()
  if (kind == IDS) placeWords(definitions, max, count, readAt(), out)
  else if (kind == BOOLEANS) placeBytes(definitions, max, count, readAt(), NULL_BOOLEAN, out)
  else placeLongs(definitions, max, count, readAt(), kind == BYTE_ARRAYS ? NULL_BYTES : 0, out)
  return OK
}

function decodeColumn(kind: i32, pages: usize, pageCount: u32, scratch: usize, out: usize): i32 {
  page.setScratch(scratch)
  for (let i: u32 = 0; i < pageCount; i++) {
    page.openPage(pages + <usize>i * page.PAGE_BYTES)
    const result = decodePage(kind, out)
    if (result != OK) return result
    out += <usize>page.entryCount() << widthShift(kind)
  }
  return OK
}

export function decodeIds(pages: usize, pageCount: u32, dictionaryEntries: u32, scratch: usize, out: usize): i32 {
  openKind(dictionaryEntries, 0)
  return decodeColumn(IDS, pages, pageCount, scratch, out)
}

export function decodeInts(pages: usize, pageCount: u32, scratch: usize, out: usize): i32 {
  return decodeColumn(INTS, pages, pageCount, scratch, out)
}

export function decodeDoubles(pages: usize, pageCount: u32, scratch: usize, out: usize): i32 {
  return decodeColumn(DOUBLES, pages, pageCount, scratch, out)
}

export function decodeBooleans(pages: usize, pageCount: u32, scratch: usize, out: usize): i32 {
  return decodeColumn(BOOLEANS, pages, pageCount, scratch, out)
}

/** `keep` has room for `keptBytes` of all pages. */
export function decodeByteArrays(pages: usize, pageCount: u32, scratch: usize, keep: usize, out: usize): i32 {
  openKind(0, keep)
  return decodeColumn(BYTE_ARRAYS, pages, pageCount, scratch, out)
}

export function decodeRepetitions(pages: usize, pageCount: u32, out: usize): i32 {
  for (let i: u32 = 0; i < pageCount; i++) {
    page.openPage(pages + <usize>i * page.PAGE_BYTES)
    const result = page.readRepetitions(out)
    if (result != OK) return result
    out += page.entryCount()
  }
  return OK
}

export function decodeDefinitions(pages: usize, pageCount: u32, out: usize): i32 {
  for (let i: u32 = 0; i < pageCount; i++) {
    page.openPage(pages + <usize>i * page.PAGE_BYTES)
    const result = page.readDefinitions(out)
    if (result != OK) return result
    out += page.entryCount()
  }
  return OK
}
