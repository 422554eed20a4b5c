/**
 * What both encoders of answers share: the tables' addresses (../trace-tables.ts), copying, digits and ids.
 *
 * Encoders write forwards only and may touch up to 16 bytes behind what they have written; the arena keeps 64 bytes of slack behind every piece.
 */

/** Addresses of the tables, in the order that ../encode.ts writes them. */
export let ids: usize = 0
export let startNanos: usize = 0
export let durationNanos: usize = 0
export let rootServices: usize = 0
export let rootNames: usize = 0
export let statsRanges: usize = 0
export let spansetRanges: usize = 0
export let statsServices: usize = 0
export let statsSpanCounts: usize = 0
export let statsErrorCounts: usize = 0
export let spansetMatched: usize = 0
export let spansetSpanRanges: usize = 0
export let spansetAttributeRanges: usize = 0
export let spanIds: usize = 0
export let spanStartNanos: usize = 0
export let spanDurationNanos: usize = 0
export let spanNames: usize = 0
export let spanAttributeRanges: usize = 0
export let attributes: usize = 0
let leftPad: bool = false

/** Length of a fragment that is not there. */
export const ABSENT: u32 = 0xffffffff

/** Takes the addresses of the tables, 20 u32 from `at`. Valid until the next call. */
export function encodeTables(at: usize): void {
  ids = load<u32>(at)
  startNanos = load<u32>(at, 4)
  durationNanos = load<u32>(at, 8)
  rootServices = load<u32>(at, 12)
  rootNames = load<u32>(at, 16)
  statsRanges = load<u32>(at, 20)
  spansetRanges = load<u32>(at, 24)
  statsServices = load<u32>(at, 28)
  statsSpanCounts = load<u32>(at, 32)
  statsErrorCounts = load<u32>(at, 36)
  spansetMatched = load<u32>(at, 40)
  spansetSpanRanges = load<u32>(at, 44)
  spansetAttributeRanges = load<u32>(at, 48)
  spanIds = load<u32>(at, 52)
  spanStartNanos = load<u32>(at, 56)
  spanDurationNanos = load<u32>(at, 60)
  spanNames = load<u32>(at, 64)
  spanAttributeRanges = load<u32>(at, 68)
  attributes = load<u32>(at, 72)
  leftPad = load<u32>(at, 76) != 0
}

/** Copies the 16 bytes of each trace id to `out`. */
export function encodeTraceIds(count: u32, out: usize): void {
  for (let trace: u32 = 0; trace < count; trace++) v128.store(out + 16 * trace, v128.load(traceId(trace)))
}

// @ts-ignore: decorator
@inline
export function traceId(trace: u32): usize {
  return load<u32>(ids + 4 * trace)
}

// @ts-ignore: decorator
@inline
export function spanId(span: u32): usize {
  return load<u32>(spanIds + 4 * span)
}

/** Member `index` of an array of u32. */
// @ts-ignore: decorator
@inline
export function u32At(array: usize, index: u32): u32 {
  return load<u32>(array + 4 * index)
}

/** Member `index` of an array of i64. */
// @ts-ignore: decorator
@inline
export function u64At(array: usize, index: u32): u64 {
  return load<u64>(array + 8 * index)
}

/** First number of pair `index`: the start of a range, or the address of a fragment. */
// @ts-ignore: decorator
@inline
export function first(array: usize, index: u32): u32 {
  return load<u32>(array + 8 * index)
}

/** Second number of pair `index`: the end of a range, or the length of a fragment. */
// @ts-ignore: decorator
@inline
export function second(array: usize, index: u32): u32 {
  return load<u32>(array + 8 * index, 4)
}

/** Length of a name, 0 where it is absent. */
// @ts-ignore: decorator
@inline
export function nameLength(names: usize, index: u32): u32 {
  const length = second(names, index)
  return length == ABSENT ? 0 : length
}

/** Copies bytes and returns the new end. Reads and writes whole 16 bytes. */
// @ts-ignore: decorator
@inline
export function copy(out: usize, from: usize, length: u32): usize {
  if (length > 256) {
    memory.copy(out, from, length)
  } else {
    for (let done: u32 = 0; done < length; done += 16) v128.store(out + done, v128.load(from + done))
  }
  return out + length
}

/** Copies a fragment. */
// @ts-ignore: decorator
@inline
export function copyFragment(out: usize, fragments: usize, index: u32): usize {
  return copy(out, first(fragments, index), second(fragments, index))
}

/** The 16 hex digits of 8 bytes. */
// @ts-ignore: decorator
@inline
export function hexDigits(at: usize): v128 {
  const bytes = v128.load64_zero(at)
  const high = v128.shr<u8>(bytes, 4)
  const low = v128.and(bytes, i8x16.splat(15))
  const nibbles = v128.shuffle<u8>(high, low, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23)
  return v128.swizzle(i8x16(48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 97, 98, 99, 100, 101, 102), nibbles)
}

/** How many digits of a trace id are not shown. */
export function skippedDigits(at: usize): u32 {
  if (leftPad) return 0
  const high = bswap(load<u64>(at))
  if (high != 0) return <u32>(clz(high) >> 2)
  const low = bswap(load<u64>(at, 8))
  return low == 0 ? 31 : 16 + <u32>(clz(low) >> 2)
}

const hexScratch = memory.data(48)

/** Writes a trace id from its digit `skipped` on. */
export function putTraceId(out: usize, at: usize, skipped: u32): usize {
  v128.store(hexScratch, hexDigits(at))
  v128.store(hexScratch, hexDigits(at + 8), 16)
  return copy(out, hexScratch + skipped, 32 - skipped)
}

/** Milliseconds shown for a trace: whole ones, 32 bits as in the message. */
// @ts-ignore: decorator
@inline
export function durationMs(trace: u32): u32 {
  return <u32>(u64At(durationNanos, trace) / 1000000)
}
