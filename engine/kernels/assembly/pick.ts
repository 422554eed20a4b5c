import { lowBits } from './bytes'

/**
 * Picks what an answer shows of each trace with a matched span: 16 bytes into `outTraces` (trace, matched spans, index of the first picked span,
 * picked spans) and the picked spans' slots into `outSpans`. Returns the number of traces, at most `limit`.
 */
export function pickSpans(
  matched: usize,
  traceStarts: usize,
  firstTrace: u32,
  traceCount: u32,
  spansPerTrace: u32,
  limit: u32,
  outTraces: usize,
  outSpans: usize,
): i32 {
  const zero = i8x16.splat(0)
  let traces: u32 = 0
  let picked: u32 = 0
  for (let t = firstTrace; t < traceCount && traces < limit; t++) {
    const start = load<u32>(traceStarts + (<usize>t << 2))
    const end = load<u32>(traceStarts + (<usize>t << 2), 4)
    const first = picked
    let total: u32 = 0
    for (let i = start; i < end; i += 16) {
      let bits = <u32>i8x16.bitmask(i8x16.ne(v128.load(matched + i), zero)) & lowBits(end - i)
      total += popcnt(bits)
      while (bits && picked - first < spansPerTrace) {
        store<u32>(outSpans + (<usize>picked << 2), i + ctz(bits))
        picked++
        bits &= bits - 1
      }
    }
    if (total == 0) continue
    store<u32>(outTraces, t)
    store<u32>(outTraces, total, 4)
    store<u32>(outTraces, first, 8)
    store<u32>(outTraces, picked - first, 12)
    outTraces += 16
    traces++
  }
  return <i32>traces
}
