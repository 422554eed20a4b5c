/** Writes traces as proto3 JSON. Members are written with a leading comma; the first one's becomes the brace of its object. */
import {
  ABSENT,
  attributes,
  copy,
  copyFragment,
  durationMs,
  encodeTables,
  first,
  hexDigits,
  nameLength,
  putTraceId,
  rootNames,
  rootServices,
  second,
  skippedDigits,
  spanAttributeRanges,
  spanDurationNanos,
  spanId,
  spanNames,
  spanStartNanos,
  spansetAttributeRanges,
  spansetMatched,
  spansetRanges,
  spansetSpanRanges,
  startNanos,
  statsErrorCounts,
  statsRanges,
  statsServices,
  statsSpanCounts,
  traceId,
  u32At,
  u64At,
} from './encode'

const COMMA: u8 = 0x2c
const BRACE: u8 = 0x7b

// Upper bounds of what stands around fragments, all digits included.
const TRACE_BYTES: u64 = 256
const STATS_BYTES: u64 = 64
const SPANSET_BYTES: u64 = 64
const SPAN_BYTES: u64 = 160

/** Writes an ASCII literal: narrows its UTF-16 eight characters at a time, so up to 7 bytes behind it are touched. */
// @ts-ignore: decorator
@inline
function put(out: usize, text: string): usize {
  const at = changetype<usize>(text)
  const length = text.length
  for (let done = 0; done < length; done += 8) {
    const wide = v128.load(at + 2 * done)
    store<u64>(out + done, v128.extract_lane<u64>(v128.narrow<u16>(wide, wide), 0))
  }
  return out + length
}

// @ts-ignore: decorator
@inline
function putByte(out: usize, byte: u8): usize {
  store<u8>(out, byte)
  return out + 1
}

/** Eight decimal digits of a number below 10^8 as bytes 0 to 9, the highest first: halves, then pairs, then digits, all lanes at once. */
// @ts-ignore: decorator
@inline
function eightDigits(value: u32): u64 {
  const fours: u64 = (value / 10000) | (<u64>(value % 10000) << 32)
  const hundreds = ((fours * 10486) >> 20) & 0x0000007f0000007f
  const twos = hundreds | ((fours - hundreds * 100) << 16)
  const tens = ((twos * 103) >> 10) & 0x000f000f000f000f
  return tens | ((twos - tens * 10) << 8)
}

/** Writes a number below 10^8 without leading zeros. */
// @ts-ignore: decorator
@inline
function putShort(out: usize, value: u32): usize {
  const digits = eightDigits(value)
  const skipped = value == 0 ? 7 : <u32>(ctz(digits) >> 3)
  store<u64>(out, (digits | 0x3030303030303030) >> (8 * skipped))
  return out + 8 - skipped
}

// @ts-ignore: decorator
@inline
function putEight(out: usize, value: u32): usize {
  store<u64>(out, eightDigits(value) | 0x3030303030303030)
  return out + 8
}

function putNumber(out: usize, value: u64): usize {
  if (value < 100000000) return putShort(out, <u32>value)
  const high = value / 100000000
  const low = <u32>(value - high * 100000000)
  if (high < 100000000) return putEight(putShort(out, <u32>high), low)
  const top = high / 100000000
  return putEight(putEight(putShort(out, <u32>top), <u32>(high - top * 100000000)), low)
}

/** Writes `[a,b]` of attribute fragments. */
function putAttributes(out: usize, from: u32, to: u32): usize {
  const start = out
  for (let index = from; index < to; index++) out = copyFragment(putByte(out, COMMA), attributes, index)
  store<u8>(start, 0x5b)
  return putByte(out, 0x5d)
}

function putSpan(out: usize, span: u32): usize {
  out = put(out, '{"spanID":"')
  v128.store(out, hexDigits(spanId(span)))
  out = putByte(out + 16, 0x22)
  const name = nameLength(spanNames, span)
  if (name != 0) out = putByte(copy(put(out, ',"name":"'), first(spanNames, span), name), 0x22)
  const start = u64At(spanStartNanos, span)
  if (start != 0) out = putByte(putNumber(put(out, ',"startTimeUnixNano":"'), start), 0x22)
  const duration = u64At(spanDurationNanos, span)
  if (duration != 0) out = putByte(putNumber(put(out, ',"durationNanos":"'), duration), 0x22)
  const from = first(spanAttributeRanges, span)
  const to = second(spanAttributeRanges, span)
  if (from < to) out = putAttributes(put(out, ',"attributes":'), from, to)
  return putByte(out, 0x7d)
}

function putSpanset(out: usize, spanset: u32): usize {
  const start = out
  const to = second(spansetSpanRanges, spanset)
  const from = first(spansetSpanRanges, spanset)
  if (from < to) {
    out = put(out, ',"spans":[')
    for (let span = from; span < to; span++) {
      if (span > from) out = putByte(out, COMMA)
      out = putSpan(out, span)
    }
    out = putByte(out, 0x5d)
  }
  const matched = u32At(spansetMatched, spanset)
  if (matched != 0) out = putNumber(put(out, ',"matched":'), matched)
  const attributesFrom = first(spansetAttributeRanges, spanset)
  const attributesTo = second(spansetAttributeRanges, spanset)
  if (attributesFrom < attributesTo) out = putAttributes(put(out, ',"attributes":'), attributesFrom, attributesTo)
  store<u8>(start, BRACE)
  if (out == start) out++
  return putByte(out, 0x7d)
}

function putSpansets(out: usize, from: u32, to: u32): usize {
  out = put(out, ',"spanSet":')
  const start = out
  out = putSpanset(out, from)
  const length = <u32>(out - start)
  out = copy(put(out, ',"spanSets":['), start, length)
  for (let spanset = from + 1; spanset < to; spanset++) out = putSpanset(putByte(out, COMMA), spanset)
  return putByte(out, 0x5d)
}

function putStats(out: usize, from: u32, to: u32): usize {
  out = put(out, ',"serviceStats":')
  const objectStart = out
  for (let index = from; index < to; index++) {
    out = put(out, ',"')
    if (second(statsServices, index) != ABSENT) out = copyFragment(out, statsServices, index)
    out = put(out, '":')
    const start = out
    const spanCount = u32At(statsSpanCounts, index)
    if (spanCount != 0) out = putNumber(put(out, ',"spanCount":'), spanCount)
    const errorCount = u32At(statsErrorCounts, index)
    if (errorCount != 0) out = putNumber(put(out, ',"errorCount":'), errorCount)
    store<u8>(start, BRACE)
    if (out == start) out++
    out = putByte(out, 0x7d)
  }
  store<u8>(objectStart, BRACE)
  return putByte(out, 0x7d)
}

function putTrace(out: usize, trace: u32): usize {
  const id = traceId(trace)
  out = putByte(putTraceId(put(out, '{"traceID":"'), id, skippedDigits(id)), 0x22)
  const service = nameLength(rootServices, trace)
  if (service != 0) out = putByte(copy(put(out, ',"rootServiceName":"'), first(rootServices, trace), service), 0x22)
  const name = nameLength(rootNames, trace)
  if (name != 0) out = putByte(copy(put(out, ',"rootTraceName":"'), first(rootNames, trace), name), 0x22)
  const start = u64At(startNanos, trace)
  if (start != 0) out = putByte(putNumber(put(out, ',"startTimeUnixNano":"'), start), 0x22)
  const duration = durationMs(trace)
  if (duration != 0) out = putNumber(put(out, ',"durationMs":'), duration)
  const spansetsFrom = first(spansetRanges, trace)
  const spansetsTo = second(spansetRanges, trace)
  if (spansetsFrom < spansetsTo) out = putSpansets(out, spansetsFrom, spansetsTo)
  const statsFrom = first(statsRanges, trace)
  const statsTo = second(statsRanges, trace)
  if (statsFrom < statsTo) out = putStats(out, statsFrom, statsTo)
  return putByte(out, 0x7d)
}

function attributesBound(from: u32, to: u32): u64 {
  let size: u64 = 0
  for (let index = from; index < to; index++) size += second(attributes, index) + 1
  return size
}

function spansetBound(spanset: u32): u64 {
  let size = SPANSET_BYTES + attributesBound(first(spansetAttributeRanges, spanset), second(spansetAttributeRanges, spanset))
  const to = second(spansetSpanRanges, spanset)
  for (let span = first(spansetSpanRanges, spanset); span < to; span++) {
    size += SPAN_BYTES + nameLength(spanNames, span) + attributesBound(first(spanAttributeRanges, span), second(spanAttributeRanges, span))
  }
  return size
}

/** Most bytes that a trace can take. */
export function traceBound(trace: u32): u64 {
  let size = TRACE_BYTES + nameLength(rootServices, trace) + nameLength(rootNames, trace)
  const statsTo = second(statsRanges, trace)
  for (let index = first(statsRanges, trace); index < statsTo; index++) size += STATS_BYTES + nameLength(statsServices, index)
  const from = first(spansetRanges, trace)
  const to = second(spansetRanges, trace)
  for (let spanset = from; spanset < to; spanset++) {
    const bound = spansetBound(spanset)
    size += spanset == from ? 2 * bound : bound
  }
  return size
}

/** {@link traceBound} as a number that JavaScript reads. */
export function encodeJsonBound(tables: usize, trace: u32): f64 {
  encodeTables(tables)
  return <f64>traceBound(trace)
}

/**
 * Writes traces `[from, to)` to `out` as long as `capacity` holds the next one for certain. `ends[i]` becomes the end of trace `from + i`, counted from `out`.
 * Returns how many were written.
 */
export function encodeJson(tables: usize, from: u32, to: u32, out: usize, capacity: u32, ends: usize): u32 {
  encodeTables(tables)
  const start = out
  let trace = from
  for (; trace < to; trace++) {
    if (traceBound(trace) > <u64>capacity - (out - start)) break
    out = putTrace(out, trace)
    store<u32>(ends + 4 * (trace - from), <u32>(out - start))
  }
  return trace - from
}
