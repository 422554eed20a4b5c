import { anyByte, lowBits, putPlaces } from './bytes'

/* Byte maps: a byte, 0 or 1, for each slot. Reads and writes go up to 15 bytes beyond the end. */

export function and(a: usize, b: usize, out: usize, count: u32): void {
  for (let i: u32 = 0; i < count; i += 16) v128.store(out + i, v128.and(v128.load(a + i), v128.load(b + i)))
}

export function or(a: usize, b: usize, out: usize, count: u32): void {
  for (let i: u32 = 0; i < count; i += 16) v128.store(out + i, v128.or(v128.load(a + i), v128.load(b + i)))
}

export function andNot(a: usize, b: usize, out: usize, count: u32): void {
  for (let i: u32 = 0; i < count; i += 16) v128.store(out + i, v128.andnot(v128.load(a + i), v128.load(b + i)))
}

export function not(a: usize, out: usize, count: u32): void {
  const one = i8x16.splat(1)
  for (let i: u32 = 0; i < count; i += 16) v128.store(out + i, i8x16.sub(one, v128.load(a + i)))
}

export function any(a: usize, count: u32): i32 {
  return <i32>anyByte(a, count)
}

export function countOnes(a: usize, count: u32): i32 {
  const zero = i8x16.splat(0)
  let total: u32 = 0
  let i: u32 = 0
  for (; i + 16 <= count; i += 16) total += popcnt(i8x16.bitmask(i8x16.ne(v128.load(a + i), zero)))
  if (i < count) total += popcnt(i8x16.bitmask(i8x16.ne(v128.load(a + i), zero)) & lowBits(count - i))
  return <i32>total
}

/** Writes the indexes of the ones, ascending, at most `capacity`. Returns how many. */
export function indexes(a: usize, count: u32, out: usize, capacity: u32): i32 {
  const zero = i8x16.splat(0)
  let written: u32 = 0
  for (let i: u32 = 0; i < count; i += 16) {
    const bits = <u32>i8x16.bitmask(i8x16.ne(v128.load(a + i), zero)) & lowBits(count - i)
    if (bits == 0) continue
    putPlaces(bits, i, out + (<usize>written << 2))
    written += popcnt(bits)
    if (written >= capacity) return <i32>capacity
  }
  return <i32>written
}
