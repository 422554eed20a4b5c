/** What is written for a time outside the window. */
const OUTSIDE: u32 = 0xffffffff

/** As floats, 2^52 to 2^53 have the whole numbers below 2^52 in their low bits. */
const WHOLE_BITS: i64 = 0x4330000000000000
const WHOLE: f64 = 4503599627370496

/**
 * Writes for each of `count` times (i64) the interval that it falls into, counted from `base`: interval i is (base + i · step, base + (i + 1) · step]. Only times in
 * (base + after, base + until] have one, and `after` is not negative. Returns how many those are. A quotient of whole numbers below 2^53 is exact or rounded to
 * neither whole number beside it. Writes up to 4 bytes beyond.
 */
export function timeIntervals(times: usize, count: u32, base: i64, after: i64, until: i64, step: f64, out: usize): u32 {
  return until < (<i64>1 << 52) ? pairsOfIntervals(times, count, base, after, until, step, out) : oneByOne(times, count, base, after, until, step, out)
}

function pairsOfIntervals(times: usize, count: u32, base: i64, after: i64, until: i64, step: f64, out: usize): u32 {
  const bases = i64x2.splat(base)
  const lowest = i64x2.splat(after)
  const highest = i64x2.splat(until)
  const wholeBits = i64x2.splat(WHOLE_BITS)
  const wholes = f64x2.splat(WHOLE)
  const steps = f64x2.splat(step)
  const one = f64x2.splat(1)
  let inside: u32 = 0
  for (let i: u32 = 0; i < count; i += 2) {
    const distances = i64x2.sub(v128.load(times), bases)
    const within = v128.and(i64x2.gt_s(distances, lowest), i64x2.le_s(distances, highest))
    inside += popcnt(i64x2.bitmask(within) & (i + 1 < count ? 3 : 1))
    const floats = f64x2.sub(v128.or(v128.and(distances, within), wholeBits), wholes)
    const intervals = i32x4.trunc_sat_f64x2_u_zero(f64x2.sub(f64x2.ceil(f64x2.div(floats, steps)), one))
    v128.store64_lane(out, v128.or(intervals, v128.not(v128.shuffle<i32>(within, within, 0, 2, 0, 2))), 0)
    times += 16
    out += 8
  }
  return inside
}

function oneByOne(times: usize, count: u32, base: i64, after: i64, until: i64, step: f64, out: usize): u32 {
  let inside: u32 = 0
  for (let i: u32 = 0; i < count; i++) {
    const distance = load<i64>(times) - base
    if (distance > after && distance <= until) {
      store<u32>(out, <u32>ceil(<f64>distance / step) - 1)
      inside++
    } else store<u32>(out, OUTSIDE)
    times += 8
    out += 4
  }
  return inside
}
