/** Byte arrays, 16 at a time. Reads and writes may go up to 15 bytes beyond the end: every array has slack. */

/** Fills `count` bytes; faster than memory.fill on short runs. */
// @ts-ignore: decorator
@inline
export function fillBytes(out: usize, value: u8, count: u32): void {
  if (count > 256) {
    memory.fill(out, value, count)
    return
  }
  const all = i8x16.splat(<i8>value)
  for (let i: u32 = 0; i < count; i += 16) v128.store(out + i, all)
}

/** Bits below `count` (0 to 16). */
// @ts-ignore: decorator
@inline
export function lowBits(count: u32): u32 {
  return count >= 16 ? 0xffff : (1 << count) - 1
}

/** How many of the bytes equal `value`. */
export function countEqual(at: usize, count: u32, value: u8): u32 {
  const wanted = i8x16.splat(<i8>value)
  let total: u32 = 0
  let i: u32 = 0
  for (; i + 16 <= count; i += 16) total += popcnt(i8x16.bitmask(i8x16.eq(v128.load(at + i), wanted)))
  if (i < count) total += popcnt(i8x16.bitmask(i8x16.eq(v128.load(at + i), wanted)) & lowBits(count - i))
  return total
}

/** How many of the bytes are below `value`. */
export function countBelow(at: usize, count: u32, value: u8): u32 {
  const limit = i8x16.splat(<i8>value)
  let total: u32 = 0
  let i: u32 = 0
  for (; i + 16 <= count; i += 16) total += popcnt(i8x16.bitmask(i8x16.lt_u(v128.load(at + i), limit)))
  if (i < count) total += popcnt(i8x16.bitmask(i8x16.lt_u(v128.load(at + i), limit)) & lowBits(count - i))
  return total
}

/** True when one of the bytes is not 0. */
export function anyByte(at: usize, count: u32): bool {
  let i: u32 = 0
  for (; i + 64 <= count; i += 64) {
    const a = v128.or(v128.load(at + i), v128.load(at + i, 16))
    const b = v128.or(v128.load(at + i, 32), v128.load(at + i, 48))
    if (v128.any_true(v128.or(a, b))) return true
  }
  for (; i + 16 <= count; i += 16) if (v128.any_true(v128.load(at + i))) return true
  if (i >= count) return false
  return (i8x16.bitmask(i8x16.ne(v128.load(at + i), i8x16.splat(0))) & lowBits(count - i)) != 0
}

/** True when one of the bytes has its highest bit set. */
export function anyHighBit(at: usize, count: u32): bool {
  let i: u32 = 0
  for (; i + 64 <= count; i += 64) {
    const a = v128.or(v128.load(at + i), v128.load(at + i, 16))
    const b = v128.or(v128.load(at + i, 32), v128.load(at + i, 48))
    if (i8x16.bitmask(v128.or(a, b))) return true
  }
  for (; i < count; i += 16) if (i8x16.bitmask(v128.load(at + i)) & lowBits(count - i)) return true
  return false
}

/** For each byte the places of its ones, a byte each. */
const places: usize = memory.data(256 * 8, 16)

function fillPlaces(): void {
  for (let bits: u32 = 0; bits < 256; bits++) {
    let to = places + (bits << 3)
    for (let left = bits; left; left &= left - 1) store<u8>(to++, <u8>ctz(left))
  }
}
fillPlaces()

// @ts-ignore: decorator
@inline
function putEight(bits: u32, base: u32, to: usize): void {
  const words = i16x8.extend_low_i8x16_u(v128.load64_zero(places + (<usize>bits << 3)))
  const all = i32x4.splat(base)
  v128.store(to, i32x4.add(i32x4.extend_low_i16x8_u(words), all))
  v128.store(to, i32x4.add(i32x4.extend_high_i16x8_u(words), all), 16)
}

/** Writes `base` plus the place of each of the lowest 16 bits that is 1 as u32, and up to 32 bytes beyond. */
// @ts-ignore: decorator
@inline
export function putPlaces(bits: u32, base: u32, to: usize): void {
  putEight(bits & 255, base, to)
  putEight(bits >> 8, base + 8, to + (<usize>popcnt(bits & 255) << 2))
}
