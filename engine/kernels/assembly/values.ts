import { BYTES_LENGTH, COLUMN_TYPE, ENCODING, ID_RANGE, ID_RUN, OK, setFaultDetail, VALUES_SHORT } from './fault'
import { allSame, deltaEnd, firstValue, unpackDeltas } from './delta'
import { unpackIds } from './hybrid'
import * as page from './page'
import { highestWord } from './unpack'

/*
 * Reads the first `wanted` values (nulls left out) of the current page, whose values are open. What is stored as it is wanted stays where it is;
 * the rest is decoded into `out`. `readAt` tells which.
 */
let found: usize = 0

export function readAt(): usize {
  return found
}

function unsupported(): i32 {
  setFaultDetail(page.encoding())
  return ENCODING
}

/** Signed 64-bit values of an INT32 or INT64 page. */
export function readInts(wanted: u32, out: usize): i32 {
  const type = page.physicalType()
  if (type != page.INT32 && type != page.INT64) return COLUMN_TYPE
  const encoding = page.encoding()
  found = out
  if (encoding == page.DELTA_BINARY_PACKED) {
    const result = unpackDeltas(page.valuesAt(), page.valuesEnd(), page.valueCount(), wanted, false, out)
    // Deltas of 32-bit columns are counted modulo 2^32.
    if (type == page.INT32) wrapInts(out, wanted)
    return result
  }
  if (encoding != page.PLAIN) return unsupported()
  const size: u64 = type == page.INT32 ? 4 : 8
  if (<u64>page.valueCount() * size > <u64>(page.valuesEnd() - page.valuesAt())) return VALUES_SHORT
  if (type == page.INT64) found = page.valuesAt()
  else {
    const from = page.valuesAt()
    for (let i: u32 = 0; i < wanted; i += 2) v128.store(out + (<usize>i << 3), i64x2.extend_low_i32x4_s(v128.load64_zero(from + (<usize>i << 2))))
  }
  return OK
}

/** Makes each i64 what its low half says as i32. */
function wrapInts(at: usize, count: u32): void {
  const stop = at + (<usize>count << 3)
  for (; at < stop; at += 32) {
    const halves = v128.shuffle<i32>(v128.load(at), v128.load(at, 16), 0, 2, 4, 6)
    v128.store(at, i64x2.extend_low_i32x4_s(halves))
    v128.store(at, i64x2.extend_high_i32x4_s(halves), 16)
  }
}

/** Float64 values of a DOUBLE page. */
export function readDoubles(): i32 {
  if (page.physicalType() != page.DOUBLE) return COLUMN_TYPE
  if (page.encoding() != page.PLAIN) return unsupported()
  if (<u64>page.valueCount() << 3 > <u64>(page.valuesEnd() - page.valuesAt())) return VALUES_SHORT
  found = page.valuesAt()
  return OK
}

/** A byte, 0 or 1, for each value of a BOOLEAN page. Plain booleans are bits from the lowest on: one bit-packed run without its head. */
export function readBooleans(wanted: u32, out: usize): i32 {
  if (page.physicalType() != page.BOOLEAN) return COLUMN_TYPE
  if (page.encoding() != page.PLAIN) return unsupported()
  if ((<usize>page.valueCount() + 7) >> 3 > page.valuesEnd() - page.valuesAt()) return VALUES_SHORT
  found = out
  const from = page.valuesAt()
  const bit: u64 = 0x8040201008040201
  for (let i: u32 = 0; i < wanted; i += 8) {
    // Eight copies of the byte, a bit of each; then any bit to the highest, and that to the lowest.
    const picked = (<u64>load<u8>(from + (i >> 3)) * 0x0101010101010101) & bit
    store<u64>(out + i, (((picked + 0x7f7f7f7f7f7f7f7f) | picked) >> 7) & 0x0101010101010101)
  }
  return OK
}

/** Bit width of the ids of the current page, which starts its values; negative where the page has none. */
export function idBits(): i32 {
  const encoding = page.encoding()
  if (encoding != page.RLE_DICTIONARY && encoding != page.PLAIN_DICTIONARY) return unsupported()
  if (page.valuesAt() >= page.valuesEnd()) return ID_RUN
  const bits: i32 = load<u8>(page.valuesAt())
  return bits > 32 ? ID_RUN : bits
}

/** Dictionary ids as u32, checked against the dictionary. */
export function readIds(wanted: u32, dictionaryCount: u32, out: usize): i32 {
  const bits = idBits()
  if (bits < 0) return bits
  found = out
  const result = unpackIds(page.valuesAt() + 1, page.valuesEnd(), bits, wanted, out)
  if (result != OK) return result
  let highest = i32x4.splat(0)
  let i: u32 = 0
  for (; i + 4 <= wanted; i += 4) highest = i32x4.max_u(highest, v128.load(out + (<usize>i << 2)))
  let top = highestWord(highest)
  for (; i < wanted; i++) top = max<u32>(top, load<u32>(out + (<usize>i << 2)))
  return wanted > 0 && top >= dictionaryCount ? ID_RANGE : OK
}

/** (address, length) pairs of a BYTE_ARRAY page. */
export function readByteArrays(wanted: u32, out: usize): i32 {
  if (page.physicalType() != page.BYTE_ARRAY) return COLUMN_TYPE
  found = out
  const encoding = page.encoding()
  if (encoding == page.DELTA_LENGTH_BYTE_ARRAY) return readDeltaLengths(wanted, out)
  return encoding == page.PLAIN ? readPrefixed(wanted, out) : unsupported()
}

/** DELTA_LENGTH_BYTE_ARRAY: all lengths, then all bytes. A pair takes the place of its length. */
function readDeltaLengths(wanted: u32, out: usize): i32 {
  const end = page.valuesEnd()
  const result = unpackDeltas(page.valuesAt(), end, page.valueCount(), wanted, true, out)
  if (result != OK) return result
  let at = deltaEnd()
  const stop = out + (<usize>wanted << 3)
  for (; out < stop; out += 8) {
    const length = load<u64>(out)
    if (length > <u64>(end - at)) return BYTES_LENGTH
    store<u64>(out, (length << 32) | <u64>at)
    at += <usize>length
  }
  return OK
}

/** Length that all values of the current page share and where their bytes start, where that is known without reading the lengths one by one. */
let sharedLength: u32 = 0
let sharedStart: usize = 0

/** 1 when all byte arrays of the current page have one length, as ids do; then `sharedPair` gives each. Else 0. */
export function haveOneLength(): i32 {
  if (page.physicalType() != page.BYTE_ARRAY || page.encoding() != page.DELTA_LENGTH_BYTE_ARRAY) return 0
  const same = allSame(page.valuesAt(), page.valuesEnd(), page.valueCount())
  if (same != 1) return same
  const length = <u64>firstValue()
  const room = <u64>(page.valuesEnd() - deltaEnd())
  if (length > room || length * page.valueCount() > room) return BYTES_LENGTH
  sharedLength = <u32>length
  sharedStart = deltaEnd()
  return 1
}

export function sharedPair(rank: u32): u64 {
  return (<u64>sharedLength << 32) | <u64>(sharedStart + <usize>rank * sharedLength)
}

/** PLAIN: each value behind its length (u32). */
function readPrefixed(wanted: u32, out: usize): i32 {
  const end = page.valuesEnd()
  let at = page.valuesAt()
  const stop = out + (<usize>wanted << 3)
  for (; out < stop; out += 8) {
    if (end - at < 4) return BYTES_LENGTH
    const length = load<u32>(at)
    at += 4
    if (length > <u32>(end - at)) return BYTES_LENGTH
    store<u64>(out, (<u64>length << 32) | <u64>at)
    at += length
  }
  return OK
}
