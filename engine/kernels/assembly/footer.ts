import { FOOTER_COLUMNS, FOOTER_NUMBER, OK, setFaultPage, THRIFT_BROKEN } from './fault'
import * as thrift from './thrift'

/**
 * Walks FileMetaData once. Per row group and column, ten f64 (`chunkFields` in `../kernels.ts`):
 *   0 codec   8 values   16 uncompressed bytes   24 compressed bytes   32 dictionary offset   40 data offset
 *   48 offset index offset   56 offset index bytes   64 column index offset   72 column index bytes
 */
const CHUNK_BYTES: usize = 80
const MAX_EXACT: i64 = 1 << 53

let rows: f64 = 0
let columns: u32 = 0
let groups: u32 = 0
let schemaStart: usize = 0
let schemaEnd: usize = 0
let fault: i32 = OK
let chunkAt: usize = 0
let chunkEnd: usize = 0

export function footerRows(): f64 {
  return rows
}

export function footerColumns(): u32 {
  return columns
}

export function footerSchemaStart(): usize {
  return schemaStart
}

export function footerSchemaEnd(): usize {
  return schemaEnd
}

/** A count, size or offset: not negative and exact as f64. */
function size(type: u32): f64 {
  const value = thrift.integer(type)
  if (value < 0 || value > MAX_EXACT) fault = FOOTER_NUMBER
  return <f64>value
}

function columnMetadata(out: usize): void {
  let id: i32 = 0
  for (;;) {
    const type = thrift.nextField(id)
    if (type == 0) return
    id = thrift.fieldId()
    if (id == 4) store<f64>(out, size(type))
    else if (id == 5) store<f64>(out, size(type), 8)
    else if (id == 6) store<f64>(out, size(type), 16)
    else if (id == 7) store<f64>(out, size(type), 24)
    else if (id == 9) store<f64>(out, size(type), 40)
    else if (id == 11) store<f64>(out, size(type), 32)
    else thrift.skip(type)
  }
}

function columnChunk(out: usize): void {
  memory.fill(out, 0, CHUNK_BYTES)
  let id: i32 = 0
  for (;;) {
    const type = thrift.nextField(id)
    if (type == 0) return
    id = thrift.fieldId()
    if (id == 3 && type == thrift.STRUCT) columnMetadata(out)
    else if (id == 4) store<f64>(out, size(type), 48)
    else if (id == 5) store<f64>(out, size(type), 56)
    else if (id == 6) store<f64>(out, size(type), 64)
    else if (id == 7) store<f64>(out, size(type), 72)
    else thrift.skip(type)
  }
}

function rowGroup(index: u32, rowsOut: usize): void {
  store<f64>(rowsOut, 0)
  let columnsHere: u32 = 0
  let id: i32 = 0
  for (;;) {
    const type = thrift.nextField(id)
    if (type == 0) break
    id = thrift.fieldId()
    if (id == 1 && type == thrift.LIST) {
      columnsHere = thrift.listLength(thrift.STRUCT)
      for (let i: u32 = 0; i < columnsHere && !thrift.isBroken(); i++) {
        if (chunkEnd - chunkAt < CHUNK_BYTES) {
          fault = FOOTER_COLUMNS
          return
        }
        columnChunk(chunkAt)
        chunkAt += CHUNK_BYTES
      }
    } else if (id == 3) store<f64>(rowsOut, size(type))
    else thrift.skip(type)
  }
  if (index == 0) columns = columnsHere
  else if (columns != columnsHere) fault = FOOTER_COLUMNS
}

/**
 * Fills `chunks` (room for `chunkCapacity` chunks) and `groupRows` (f64 for each row group, room for `groupCapacity`). Returns the number of row
 * groups. `footerRows` and the like tell the rest.
 */
export function footer(at: usize, length: usize, chunks: usize, chunkCapacity: u32, groupRows: usize, groupCapacity: u32): i32 {
  setFaultPage(-1)
  thrift.open(at, at + length)
  rows = 0
  columns = 0
  groups = 0
  schemaStart = 0
  schemaEnd = 0
  fault = OK
  chunkAt = chunks
  chunkEnd = chunks + <usize>chunkCapacity * CHUNK_BYTES
  let id: i32 = 0
  for (;;) {
    const type = thrift.nextField(id)
    if (type == 0) break
    id = thrift.fieldId()
    if (id == 2) {
      schemaStart = thrift.position() - at
      thrift.skip(type)
      schemaEnd = thrift.position() - at
    } else if (id == 3) rows = size(type)
    else if (id == 4 && type == thrift.LIST) {
      groups = thrift.listLength(thrift.STRUCT)
      if (groups > groupCapacity) return FOOTER_COLUMNS
      for (let i: u32 = 0; i < groups && !thrift.isBroken() && fault == OK; i++) rowGroup(i, groupRows + (<usize>i << 3))
    } else thrift.skip(type)
    if (fault != OK) return fault
  }
  if (thrift.isBroken() || schemaEnd == 0) return THRIFT_BROKEN
  return <i32>groups
}
