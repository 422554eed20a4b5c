import { lowBits, putPlaces } from './bytes'
import { CAPACITY, FIRST_REPETITION, setFaultPage } from './fault'

/*
 * Parents and children. A start list has an index for each parent and the number of children behind the last; children of parent p are
 * `[starts[p], starts[p + 1])`.
 */

/** Writes the start list of the entries with a repetition level up to `level`. Returns the number of parents. */
export function starts(repetitions: usize, count: u32, level: u32, out: usize, capacity: u32): i32 {
  setFaultPage(-1)
  if (count > 0 && load<u8>(repetitions) > <u8>level) return FIRST_REPETITION
  const limit = i8x16.splat(<i8>level)
  let parents: u32 = 0
  for (let i: u32 = 0; i < count; i += 16) {
    const bits = <u32>i8x16.bitmask(i8x16.le_u(v128.load(repetitions + i), limit)) & lowBits(count - i)
    const found = popcnt(bits)
    if (found > capacity - parents) return CAPACITY
    putPlaces(bits, i, out + (<usize>parents << 2))
    parents += found
  }
  store<u32>(out + (<usize>parents << 2), count)
  return <i32>parents
}

/** `out[child] = parents[p]`. */
export function expand(parents: usize, startList: usize, parentCount: u32, out: usize): void {
  let start = load<u32>(startList)
  for (let p: u32 = 0; p < parentCount; p++) {
    const end = load<u32>(startList + (<usize>p << 2), 4)
    const value = load<u8>(parents + p)
    const all = i8x16.splat(<i8>value)
    if (end - start > 256) memory.fill(out + start, value, end - start)
    else for (let i = start; i < end; i += 16) v128.store(out + i, all)
    start = end
  }
}

/** `out[p] = 1` where a child of p is not 0. */
export function anyChild(children: usize, startList: usize, parentCount: u32, out: usize): void {
  let start = load<u32>(startList)
  for (let p: u32 = 0; p < parentCount; p++) {
    const end = load<u32>(startList + (<usize>p << 2), 4)
    let found: u32 = 0
    for (let i = start; i < end && found == 0; i += 16) {
      found = <u32>i8x16.bitmask(i8x16.ne(v128.load(children + i), i8x16.splat(0))) & lowBits(end - i)
    }
    store<u8>(out + p, <u8>(found != 0))
    start = end
  }
}

/** As `anyChild`; an entry with a repetition level up to `level` starts a parent. Returns the number of parents. */
export function anyByRepetition(children: usize, repetitions: usize, count: u32, level: u32, out: usize): i32 {
  setFaultPage(-1)
  if (count == 0) return 0
  if (load<u8>(repetitions) > <u8>level) return FIRST_REPETITION
  const limit = i8x16.splat(<i8>level)
  const zero = i8x16.splat(0)
  let last = out - 1
  for (let i: u32 = 0; i < count; i += 16) {
    const inside = lowBits(count - i)
    const heads = <u32>i8x16.bitmask(i8x16.le_u(v128.load(repetitions + i), limit)) & inside
    const block = v128.load(children + i)
    let ones = <u32>i8x16.bitmask(i8x16.ne(block, zero)) & inside
    if (heads == 0xffff) {
      // No lists in this block: child and parent are one. Bytes become 0 or 1.
      v128.store(last + 1, v128.and(i8x16.ne(block, zero), i8x16.splat(1)))
      last += 16
      continue
    }
    v128.store(last + 1, zero)
    while (ones) {
      const k = ctz(ones)
      store<u8>(last + popcnt(heads & ((2 << k) - 1)), 1)
      ones &= ones - 1
    }
    last += popcnt(heads)
  }
  return <i32>(last + 1 - out)
}
