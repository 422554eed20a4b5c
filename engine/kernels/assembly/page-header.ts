import {
  OK,
  PAGE_BEYOND_CHUNK,
  PAGE_ENTRIES,
  PAGE_INFLATED,
  PAGE_KIND,
  PAGE_LEVELS,
  PAGE_NUMBER,
  PAGE_V1,
  setFaultDetail,
  setFaultPage,
  THRIFT_BROKEN,
} from './fault'
import { PAGE_BYTES, scratchOfPage } from './page'
import * as thrift from './thrift'

/** Page types of parquet. */
const DATA_PAGE: i32 = 0
const INDEX_PAGE: i32 = 1
const DICTIONARY_PAGE: i32 = 2
const DATA_PAGE_V2: i32 = 3

/** A page of Tempo's writers holds 256 KiB of values and levels; 64 times that many entries are no page. */
const MAX_ENTRIES: i32 = 1 << 24
/** Snappy makes at most 64 bytes of 3. */
const SNAPPY_RATIO: u64 = 22
const SNAPPY_CODEC: u32 = 1

// The header read last. All are reset for each page: a field that a header lacks must not be that of the page before.
let pageType: i32 = 0
let plainSize: i32 = 0
let storedSize: i32 = 0
let crc: i32 = 0
let hasCrc: bool = false
let entries: i32 = 0
let nulls: i32 = 0
let rows: i32 = 0
let encoding: i32 = 0
let definitionBytes: i32 = 0
let repetitionBytes: i32 = 0
let compressed: bool = true

// Totals of the pages walked last.
let totalEntries: f64 = 0
let totalNulls: f64 = 0
let totalRows: f64 = 0
let scratchBytes: usize = 0
/** Body of the dictionary page read last. */
let dictionaryAt: usize = 0

export function walkedEntries(): f64 {
  return totalEntries
}

export function walkedNulls(): f64 {
  return totalNulls
}

export function walkedRows(): f64 {
  return totalRows
}

export function walkedScratch(): usize {
  return scratchBytes
}

export function dictionaryBody(): usize {
  return dictionaryAt
}

export function dictionaryStored(): i32 {
  return storedSize
}

export function dictionaryPlain(): i32 {
  return plainSize
}

export function dictionaryEntries(): i32 {
  return entries
}

export function dictionaryHasCrc(): bool {
  return hasCrc
}

export function dictionaryCrc(): i32 {
  return crc
}

// @ts-ignore: decorator
@inline
function number(type: u32): i32 {
  const value = thrift.integer(type)
  // What does not fit becomes -1, which no check lets pass.
  return value < <i64>i32.MIN_VALUE || value > <i64>i32.MAX_VALUE ? -1 : <i32>value
}

/** DataPageHeader and DictionaryPageHeader: 1 values, 2 encoding. */
function readPlainHeader(): void {
  let id: i32 = 0
  for (;;) {
    const type = thrift.nextField(id)
    if (type == 0) return
    id = thrift.fieldId()
    if (id == 1) entries = number(type)
    else if (id == 2) encoding = number(type)
    else thrift.skip(type)
  }
}

function readV2Header(): void {
  let id: i32 = 0
  for (;;) {
    const type = thrift.nextField(id)
    if (type == 0) return
    id = thrift.fieldId()
    if (id == 1) entries = number(type)
    else if (id == 2) nulls = number(type)
    else if (id == 3) rows = number(type)
    else if (id == 4) encoding = number(type)
    else if (id == 5) definitionBytes = number(type)
    else if (id == 6) repetitionBytes = number(type)
    else if (id == 7) compressed = type == thrift.TRUE
    else thrift.skip(type)
  }
}

/** Reads a page header and returns the address of the body, which lies before `end`; 0 when the header is damaged. */
function readHeader(at: usize, end: usize): usize {
  thrift.open(at, end)
  pageType = -1
  plainSize = -1
  storedSize = -1
  hasCrc = false
  crc = 0
  entries = -1
  nulls = 0
  rows = 0
  encoding = -1
  definitionBytes = 0
  repetitionBytes = 0
  compressed = true
  let id: i32 = 0
  for (;;) {
    const type = thrift.nextField(id)
    if (type == 0) break
    id = thrift.fieldId()
    if (id == 1) pageType = number(type)
    else if (id == 2) plainSize = number(type)
    else if (id == 3) storedSize = number(type)
    else if (id == 4) {
      crc = number(type)
      hasCrc = true
    } else if ((id == 5 || id == 7) && type == thrift.STRUCT) readPlainHeader()
    else if (id == 8 && type == thrift.STRUCT) readV2Header()
    else thrift.skip(type)
  }
  return thrift.isBroken() ? 0 : thrift.position()
}

/** Checks the numbers of the data page read last. */
function checkDataPage(codec: u32): i32 {
  if (definitionBytes < 0 || repetitionBytes < 0 || encoding < 0 || rows < 0) return PAGE_NUMBER
  if (entries < 0 || entries > MAX_ENTRIES || nulls < 0 || nulls > entries || rows > entries) return PAGE_ENTRIES
  const levels = <i64>definitionBytes + <i64>repetitionBytes
  if (levels > <i64>storedSize || levels > <i64>plainSize) return PAGE_LEVELS
  if (codec == SNAPPY_CODEC && <u64>(plainSize - <i32>levels) > <u64>(storedSize - <i32>levels) * SNAPPY_RATIO + 64) return PAGE_INFLATED
  return OK
}

function writeRecord(record: usize, body: usize, codec: u32, columnShape: u32, page: u32): void {
  const levels = <u32>(definitionBytes + repetitionBytes)
  const effective: u32 = compressed ? codec : 0
  const storedValues = <u32>storedSize - levels
  store<u32>(record, <u32>body)
  store<u32>(record, <u32>storedSize, 4)
  store<u32>(record, <u32>repetitionBytes, 8)
  store<u32>(record, <u32>definitionBytes, 12)
  store<u32>(record, <u32>body + levels, 16)
  store<u32>(record, storedValues, 20)
  store<u32>(record, effective ? <u32>plainSize - levels : storedValues, 24)
  store<u32>(record, effective, 28)
  store<u32>(record, <u32>encoding, 32)
  store<u32>(record, <u32>entries, 36)
  store<u32>(record, <u32>nulls, 40)
  store<u32>(record, <u32>rows, 44)
  store<u32>(record, <u32>totalEntries, 48)
  store<u32>(record, <u32>crc, 52)
  store<u32>(record, <u32>hasCrc | (columnShape << 8), 56)
  store<u32>(record, page, 60)
}

/**
 * Walks the headers of `[at, at + length)` and writes a record of each data page to `table`, as far as there is room for `capacity` records.
 * Dictionary pages are passed over. `columnShape` is type | maximum repetition level << 8 | maximum definition level << 16. Returns the number of
 * data pages.
 */
export function walkPages(at: usize, length: usize, codec: u32, columnShape: u32, table: usize, capacity: u32): i32 {
  const end = at + length
  totalEntries = 0
  totalNulls = 0
  totalRows = 0
  scratchBytes = 0
  let pages: u32 = 0
  while (at < end) {
    setFaultPage(<i32>pages)
    const body = readHeader(at, end)
    if (body == 0) return THRIFT_BROKEN
    if (storedSize < 0 || plainSize < 0) return PAGE_NUMBER
    if (<usize>storedSize > end - body) return PAGE_BEYOND_CHUNK
    at = body + <usize>storedSize
    if (pageType == DICTIONARY_PAGE || pageType == INDEX_PAGE) continue
    setFaultDetail(pageType)
    if (pageType == DATA_PAGE) return PAGE_V1
    if (pageType != DATA_PAGE_V2) return PAGE_KIND
    const result = checkDataPage(compressed ? codec : 0)
    if (result != OK) return result
    if (pages < capacity) writeRecord(table + <usize>pages * PAGE_BYTES, body, codec, columnShape, pages)
    const plainBytes = compressed && codec ? <u32>(plainSize - definitionBytes - repetitionBytes) : 0
    scratchBytes = max(scratchBytes, scratchOfPage(<u32>entries, codec == SNAPPY_CODEC ? plainBytes : 0))
    totalEntries += <f64>entries
    totalNulls += <f64>nulls
    totalRows += <f64>rows
    pages++
  }
  setFaultPage(-1)
  return <i32>pages
}

/** Reads the header of the dictionary page at `at`. Returns 1, or 0 when there is another page; `dictionaryBody` and the like tell the rest. */
export function walkDictionary(at: usize, length: usize, codec: u32): i32 {
  const end = at + length
  setFaultPage(-1)
  const body = readHeader(at, end)
  if (body == 0) return THRIFT_BROKEN
  if (pageType != DICTIONARY_PAGE) return 0
  if (storedSize < 0 || plainSize < 0) return PAGE_NUMBER
  if (<usize>storedSize > end - body) return PAGE_BEYOND_CHUNK
  if (entries < 0 || entries > plainSize) return PAGE_ENTRIES
  if (codec == SNAPPY_CODEC && <u64>plainSize > <u64>storedSize * SNAPPY_RATIO + 64) return PAGE_INFLATED
  dictionaryAt = body
  return 1
}
