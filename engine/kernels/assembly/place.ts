/**
 * Puts dense values (without nulls) where their entries are. An entry is a value when its definition level is the highest one. Tables turn the
 * bits of a group of entries into shuffle indexes; 0x80 is an index that gives 0.
 */
const byteIndexes: usize = memory.data(256 * 8, 16)
const wordIndexes: usize = memory.data(16 * 16, 16)
const longIndexes: usize = memory.data(4 * 16, 16)

function fillTable(table: usize, lanes: u32, laneBytes: u32): void {
  for (let bits: u32 = 0; bits < <u32>1 << lanes; bits++) {
    let source: u32 = 0
    for (let lane: u32 = 0; lane < lanes; lane++) {
      const here = (bits >> lane) & 1
      for (let k: u32 = 0; k < laneBytes; k++) store<u8>(table++, <u8>(here ? source * laneBytes + k : 0x80))
      source += here
    }
  }
}
fillTable(byteIndexes, 8, 1)
fillTable(wordIndexes, 4, 4)
fillTable(longIndexes, 2, 8)

// @ts-ignore: decorator
@inline
function placeEight(values: usize, bits: u32): v128 {
  return i8x16.swizzle(v128.load64_zero(values), v128.load64_zero(byteIndexes + (bits << 3)))
}

/** Bytes; nulls become `nullByte`. `definitions` holds `count` levels; writes up to 15 bytes beyond. */
export function placeBytes(definitions: usize, max: u32, count: u32, values: usize, nullByte: u32, out: usize): void {
  const highest = i8x16.splat(<i8>max)
  const absent = i8x16.splat(<i8>nullByte)
  for (let i: u32 = 0; i < count; i += 16) {
    const present = i8x16.eq(v128.load(definitions + i), highest)
    const bits = <u32>i8x16.bitmask(present)
    if (bits == 0) {
      v128.store(out + i, absent)
      continue
    }
    if (bits == 0xffff) {
      v128.store(out + i, v128.load(values))
      values += 16
      continue
    }
    const low = placeEight(values, bits & 255)
    values += popcnt(bits & 255)
    const high = placeEight(values, bits >> 8)
    values += popcnt(bits >> 8)
    const both = i8x16.shuffle(low, high, 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23)
    v128.store(out + i, v128.or(both, v128.andnot(absent, present)))
  }
}

/** 4-byte values; nulls become all ones. Writes up to 60 bytes beyond. */
export function placeWords(definitions: usize, max: u32, count: u32, values: usize, out: usize): void {
  const highest = i8x16.splat(<i8>max)
  const ones = i8x16.splat(-1)
  for (let i: u32 = 0; i < count; i += 16) {
    const present = i8x16.eq(v128.load(definitions + i), highest)
    let bits = <u32>i8x16.bitmask(present)
    if (bits == 0) {
      v128.store(out, ones)
      v128.store(out, ones, 16)
      v128.store(out, ones, 32)
      v128.store(out, ones, 48)
      out += 64
      continue
    }
    for (let k: i32 = 0; k < 4; k++) {
      const indexes = v128.load(wordIndexes + ((bits & 15) << 4))
      // The indexes of nulls, and only they, have the highest bit set.
      const absent = i8x16.shr_s(indexes, 7)
      v128.store(out, v128.or(i8x16.swizzle(v128.load(values), indexes), absent))
      values += popcnt(bits & 15) << 2
      bits >>= 4
      out += 16
    }
  }
}

/** 8-byte values; nulls become `nullLong`. Writes up to 56 bytes beyond. */
export function placeLongs(definitions: usize, max: u32, count: u32, values: usize, nullLong: i64, out: usize): void {
  const highest = i8x16.splat(<i8>max)
  const nothing = i64x2.splat(nullLong)
  for (let i: u32 = 0; i < count; i += 8) {
    let bits = <u32>i8x16.bitmask(i8x16.eq(v128.load64_zero(definitions + i), highest)) & 255
    if (bits == 0) {
      v128.store(out, nothing)
      v128.store(out, nothing, 16)
      v128.store(out, nothing, 32)
      v128.store(out, nothing, 48)
      out += 64
      continue
    }
    for (let k: i32 = 0; k < 4; k++) {
      const indexes = v128.load(longIndexes + ((bits & 3) << 4))
      const absent = v128.and(nothing, i8x16.shr_s(indexes, 7))
      v128.store(out, v128.or(i8x16.swizzle(v128.load(values), indexes), absent))
      values += popcnt(bits & 3) << 3
      bits >>= 2
      out += 16
    }
  }
}
