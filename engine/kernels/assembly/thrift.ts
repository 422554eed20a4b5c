/**
 * A reader of Thrift's compact protocol. Nothing is read beyond the end: from there on every byte is 0, which is the end of a structure, and
 * `isBroken` tells. So all loops end, whatever the bytes are.
 */
let at: usize = 0
let end: usize = 0
let broken: bool = false
let field: i32 = 0

/** Types of the compact protocol. */
export const TRUE: u32 = 1
export const FALSE: u32 = 2
const BYTE: u32 = 3
const I64: u32 = 6
const DOUBLE: u32 = 7
const BINARY: u32 = 8
export const LIST: u32 = 9
const SET: u32 = 10
const MAP: u32 = 11
export const STRUCT: u32 = 12
const MAX_DEPTH: i32 = 16

export function open(from: usize, to: usize): void {
  at = from
  end = to
  broken = false
}

export function position(): usize {
  return at
}

export function isBroken(): bool {
  return broken
}

// @ts-ignore: decorator
@inline
function byte(): u32 {
  if (at >= end) {
    broken = true
    return 0
  }
  return load<u8>(at++)
}

// @ts-ignore: decorator
@inline
function advance(size: u64): void {
  if (size > <u64>(end - at)) {
    broken = true
    at = end
  } else at += <usize>size
}

export function varint(): u64 {
  let value: u64 = 0
  for (let shift: u64 = 0; shift < 70; shift += 7) {
    const next = byte()
    value |= <u64>(next & 127) << shift
    if (next < 128) return value
  }
  broken = true
  return 0
}

export function zigzag(): i64 {
  const value = varint()
  return <i64>(value >> 1) ^ -(<i64>(value & 1))
}

/**
 * Steps to the next field of a structure: its type, 0 at the end. `fieldId` tells its id until the next step (inside a nested structure, too);
 * pass the id of the field before, 0 at the start.
 */
export function nextField(previous: i32): u32 {
  const head = byte()
  if (head == 0) return 0
  const delta = head >> 4
  field = delta ? previous + delta : <i32>zigzag()
  const type = head & 15
  if (type == 0) broken = true
  return broken ? 0 : type
}

export function fieldId(): i32 {
  return field
}

/** Reads an integer field of that type; another type breaks the reading. */
export function integer(type: u32): i64 {
  if (type > BYTE && type <= I64) return zigzag()
  if (type == BYTE) return <i64>byte()
  broken = true
  return 0
}

/** Reads a list's head and returns its length; every element takes a byte at least, so a length beyond the bytes left breaks the reading. */
export function listLength(elementType: u32): u32 {
  const head = byte()
  let length: u64 = head >> 4
  if (length == 15) length = varint()
  if (length > <u64>(end - at) || (length > 0 && (head & 15) != elementType)) {
    broken = true
    return 0
  }
  return <u32>length
}

export function skip(type: u32): void {
  skipNested(type, 0)
}

function skipNested(type: u32, depth: i32): void {
  if (depth > MAX_DEPTH) {
    broken = true
    at = end
    return
  }
  if (type == TRUE || type == FALSE) return
  if (type == BYTE) byte()
  else if (type <= I64) varint()
  else if (type == DOUBLE) advance(8)
  else if (type == BINARY) advance(varint())
  else if (type == LIST || type == SET) skipList(depth)
  else if (type == MAP) skipMap(depth)
  else if (type == STRUCT) skipStruct(depth)
  else broken = true
}

function skipStruct(depth: i32): void {
  let id: i32 = 0
  for (;;) {
    const type = nextField(id)
    if (type == 0) return
    id = field
    skipNested(type, depth + 1)
  }
}

// Inside lists and maps a boolean takes a byte; as a field it has none.
// @ts-ignore: decorator
@inline
function skipElement(type: u32, depth: i32): void {
  if (type == TRUE || type == FALSE) byte()
  else skipNested(type, depth + 1)
}

function skipList(depth: i32): void {
  const head = byte()
  let length: u64 = head >> 4
  if (length == 15) length = varint()
  for (let i: u64 = 0; i < length && !broken; i++) skipElement(head & 15, depth)
}

function skipMap(depth: i32): void {
  const length = varint()
  if (length == 0) return
  const types = byte()
  for (let i: u64 = 0; i < length && !broken; i++) {
    skipElement(types >> 4, depth)
    skipElement(types & 15, depth)
  }
}
