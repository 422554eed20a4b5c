/**
 * Unpacks bit-packed numbers with SIMD. For each lane a shuffle brings the bytes in which its number lies, a multiplication by a power of two moves
 * the number to the lane's upper end, and a shift brings it down. The tables hold shuffle and powers of each width.
 *
 * All loads take 16 bytes; what lies behind the packed numbers is read, but not used.
 */
export const MAX_BYTE_BITS: u32 = 8
export const MAX_WORD_BITS: u32 = 25

/** For 1 to 8 bits: eight numbers in lanes of 16 bits. 16 bytes of indexes, 8 u16 powers. */
const narrowTables: usize = memory.data(9 * 32, 16)
/** For 1 to 25 bits: twice four numbers in lanes of 32 bits. 16 bytes of indexes and 4 u32 powers, for the first four and for the second four. */
const wideTables: usize = memory.data(26 * 64, 16)

function fillLanes(table: usize, bits: u32, firstBit: u32, lanes: u32, laneBits: u32): void {
  const laneBytes = laneBits >> 3
  for (let lane: u32 = 0; lane < lanes; lane++) {
    const bit = firstBit + lane * bits
    for (let k: u32 = 0; k < laneBytes; k++) store<u8>(table + lane * laneBytes + k, <u8>((bit >> 3) + k))
    const power: u32 = <u32>1 << (laneBits - bits - (bit & 7))
    if (laneBits == 16) store<u16>(table + 16 + (lane << 1), <u16>power)
    else store<u32>(table + 16 + (lane << 2), power)
  }
}

function fillTables(): void {
  for (let bits: u32 = 1; bits <= MAX_BYTE_BITS; bits++) fillLanes(narrowTables + (bits << 5), bits, 0, 8, 16)
  for (let bits: u32 = 1; bits <= MAX_WORD_BITS; bits++) {
    fillLanes(wideTables + (bits << 6), bits, 0, 4, 32)
    fillLanes(wideTables + (bits << 6) + 32, bits, (bits << 2) & 7, 4, 32)
  }
}
fillTables()

// @ts-ignore: decorator
@inline
function eightOf(at: usize, indexes: v128, powers: v128, down: i32): v128 {
  return i16x8.shr_u(i16x8.mul(i8x16.swizzle(v128.load(at), indexes), powers), down)
}

// @ts-ignore: decorator
@inline
function fourOf(at: usize, indexes: v128, powers: v128, down: i32): v128 {
  return i32x4.shr_u(i32x4.mul(i8x16.swizzle(v128.load(at), indexes), powers), down)
}

/** Writes `count` numbers of 1 to 8 bits as bytes, up to 15 beyond. */
export function unpackBytes(at: usize, bits: u32, count: u32, out: usize): void {
  const indexes = v128.load(narrowTables + (bits << 5))
  const powers = v128.load(narrowTables + (bits << 5), 16)
  const down = 16 - bits
  for (let i: u32 = 0; i < count; i += 16) {
    v128.store(out + i, i8x16.narrow_i16x8_u(eightOf(at, indexes, powers, down), eightOf(at + bits, indexes, powers, down)))
    at += bits << 1
  }
}

/** Writes `count` numbers of 1 to 25 bits as u32, up to 28 bytes beyond. */
export function unpackWords(at: usize, bits: u32, count: u32, out: usize): void {
  const table = wideTables + (bits << 6)
  const first = v128.load(table)
  const firstPowers = v128.load(table, 16)
  const second = v128.load(table, 32)
  const secondPowers = v128.load(table, 48)
  const half = (bits << 2) >> 3
  const down = 32 - bits
  for (let i: u32 = 0; i < count; i += 8) {
    v128.store(out, fourOf(at, first, firstPowers, down))
    v128.store(out, fourOf(at + half, second, secondPowers, down), 16)
    at += bits
    out += 32
  }
}

/**
 * Compares `count` numbers of 1 to 8 bits, a multiple of 16, with the byte `id` and writes a byte for each. Returns the largest number met.
 */
export function findBytes(at: usize, bits: u32, count: u32, id: u32, out: usize): u32 {
  const indexes = v128.load(narrowTables + (bits << 5))
  const powers = v128.load(narrowTables + (bits << 5), 16)
  const down = 16 - bits
  const wanted = i8x16.splat(<i8>id)
  const one = i8x16.splat(1)
  let highest = i8x16.splat(0)
  for (let i: u32 = 0; i < count; i += 16) {
    const ids = i8x16.narrow_i16x8_u(eightOf(at, indexes, powers, down), eightOf(at + bits, indexes, powers, down))
    v128.store(out + i, v128.and(i8x16.eq(ids, wanted), one))
    highest = i8x16.max_u(highest, ids)
    at += bits << 1
  }
  const words = i16x8.max_u(i16x8.extend_low_i8x16_u(highest), i16x8.extend_high_i8x16_u(highest))
  return highestWord(i32x4.max_u(i32x4.extend_low_i16x8_u(words), i32x4.extend_high_i16x8_u(words)))
}

/** The same for 1 to 25 bits. */
export function findWords(at: usize, bits: u32, count: u32, id: u32, out: usize): u32 {
  const table = wideTables + (bits << 6)
  const first = v128.load(table)
  const firstPowers = v128.load(table, 16)
  const second = v128.load(table, 32)
  const secondPowers = v128.load(table, 48)
  const half = (bits << 2) >> 3
  const down = 32 - bits
  const wanted = i32x4.splat(id)
  const one = i8x16.splat(1)
  let highest = i32x4.splat(0)
  for (let i: u32 = 0; i < count; i += 16) {
    const a = fourOf(at, first, firstPowers, down)
    const b = fourOf(at + half, second, secondPowers, down)
    at += bits
    const c = fourOf(at, first, firstPowers, down)
    const d = fourOf(at + half, second, secondPowers, down)
    at += bits
    const low = i16x8.narrow_i32x4_s(i32x4.eq(a, wanted), i32x4.eq(b, wanted))
    const high = i16x8.narrow_i32x4_s(i32x4.eq(c, wanted), i32x4.eq(d, wanted))
    v128.store(out + i, v128.and(i8x16.narrow_i16x8_s(low, high), one))
    highest = i32x4.max_u(highest, i32x4.max_u(i32x4.max_u(a, b), i32x4.max_u(c, d)))
  }
  return highestWord(highest)
}

/** The largest of four u32. */
// @ts-ignore: decorator
@inline
export function highestWord(words: v128): u32 {
  const left = max<u32>(i32x4.extract_lane(words, 0), i32x4.extract_lane(words, 1))
  return max<u32>(left, max<u32>(i32x4.extract_lane(words, 2), i32x4.extract_lane(words, 3)))
}
