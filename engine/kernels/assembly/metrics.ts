/** What is written for a time outside the window. */
const OUTSIDE: u32 = 0xffffffff

/**
 * Writes for each of `count` times (i64) the interval that it falls into, counted from `base`: interval i is (base + i · step, base + (i + 1) · step]. Only times in
 * (base + after, base + until] have one. Returns how many those are. A quotient of whole numbers below 2^53 is exact or rounded to neither whole number beside it.
 */
export function timeIntervals(times: usize, count: u32, base: i64, after: i64, until: i64, step: f64, out: usize): u32 {
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
