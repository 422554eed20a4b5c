/**
 * Compares arrays of 64-bit values with a literal, eight at a time, and writes a byte for each. Values are read up to 56 bytes beyond the end and
 * bytes written up to 7 beyond. `out` may be the address of the values themselves.
 */
export const EQUAL: i32 = 0
export const NOT_EQUAL: i32 = 1
export const LESS: i32 = 2
export const LESS_OR_EQUAL: i32 = 3
export const GREATER: i32 = 4
export const GREATER_OR_EQUAL: i32 = 5

/** Four results of two 64-bit lanes each to eight bytes of 0 or 1. */
// @ts-ignore: decorator
@inline
function narrow(a: v128, b: v128, c: v128, d: v128, flip: v128): v128 {
  const low = v128.shuffle<i32>(a, b, 0, 2, 4, 6)
  const high = v128.shuffle<i32>(c, d, 0, 2, 4, 6)
  const words = i16x8.narrow_i32x4_s(low, high)
  return v128.and(v128.xor(i8x16.narrow_i16x8_s(words, words), flip), i8x16.splat(1))
}

// @ts-ignore: decorator
@inline
function compareInt(value: v128, literal: v128, operation: i32): v128 {
  if (operation == EQUAL) return i64x2.eq(value, literal)
  if (operation == LESS) return i64x2.lt_s(value, literal)
  return i64x2.gt_s(value, literal)
}

// @ts-ignore: decorator
@inline
function intLoop(values: usize, count: u32, operation: i32, literal: v128, flip: v128, out: usize): void {
  for (let i: u32 = 0; i < count; i += 8) {
    const a = compareInt(v128.load(values), literal, operation)
    const b = compareInt(v128.load(values, 16), literal, operation)
    const c = compareInt(v128.load(values, 32), literal, operation)
    const d = compareInt(v128.load(values, 48), literal, operation)
    v128.store64_lane(out + i, narrow(a, b, c, d, flip), 0)
    values += 64
  }
}

export function compareInts(values: usize, count: u32, comparison: i32, literal: i64, out: usize): void {
  const all = i64x2.splat(literal)
  // The other three comparisons are the opposites of these.
  const opposite = comparison == NOT_EQUAL || comparison == LESS_OR_EQUAL || comparison == GREATER_OR_EQUAL
  const flip = i8x16.splat(opposite ? -1 : 0)
  if (comparison == EQUAL || comparison == NOT_EQUAL) intLoop(values, count, EQUAL, all, flip, out)
  else if (comparison == LESS || comparison == GREATER_OR_EQUAL) intLoop(values, count, LESS, all, flip, out)
  else intLoop(values, count, GREATER, all, flip, out)
}

// @ts-ignore: decorator
@inline
function compareDouble(value: v128, literal: v128, operation: i32): v128 {
  if (operation == EQUAL) return f64x2.eq(value, literal)
  if (operation == LESS) return f64x2.lt(value, literal)
  if (operation == LESS_OR_EQUAL) return f64x2.le(value, literal)
  if (operation == GREATER) return f64x2.gt(value, literal)
  return f64x2.ge(value, literal)
}

// @ts-ignore: decorator
@inline
function doubleLoop(values: usize, count: u32, operation: i32, literal: v128, flip: v128, out: usize): void {
  for (let i: u32 = 0; i < count; i += 8) {
    const a = compareDouble(v128.load(values), literal, operation)
    const b = compareDouble(v128.load(values, 16), literal, operation)
    const c = compareDouble(v128.load(values, 32), literal, operation)
    const d = compareDouble(v128.load(values, 48), literal, operation)
    v128.store64_lane(out + i, narrow(a, b, c, d, flip), 0)
    values += 64
  }
}

export function compareDoubles(values: usize, count: u32, comparison: i32, literal: f64, out: usize): void {
  const all = f64x2.splat(literal)
  const same = i8x16.splat(0)
  if (comparison == EQUAL) doubleLoop(values, count, EQUAL, all, same, out)
  else if (comparison == NOT_EQUAL) doubleLoop(values, count, EQUAL, all, i8x16.splat(-1), out)
  else if (comparison == LESS) doubleLoop(values, count, LESS, all, same, out)
  else if (comparison == LESS_OR_EQUAL) doubleLoop(values, count, LESS_OR_EQUAL, all, same, out)
  else if (comparison == GREATER) doubleLoop(values, count, GREATER, all, same, out)
  else doubleLoop(values, count, GREATER_OR_EQUAL, all, same, out)
}
