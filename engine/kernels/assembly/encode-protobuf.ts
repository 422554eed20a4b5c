/** Writes traces as TraceSearchMetadata messages (spec http-api §8, serverless §3.2). Sizes come first, so that every length has its shortest form. */
import {
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

// Tags: field number << 3 | wire type (0 varint, 2 bytes).
const TRACE_ID: u8 = 0x0a
const ROOT_SERVICE: u8 = 0x12
const ROOT_NAME: u8 = 0x1a
const TRACE_START: u8 = 0x20
const TRACE_DURATION: u8 = 0x28
const SPANSET: u8 = 0x32
const SPANSETS: u8 = 0x3a
const STATS: u8 = 0x42
const STATS_SERVICE: u8 = 0x0a
const STATS_VALUE: u8 = 0x12
const SPAN_COUNT: u8 = 0x08
const ERROR_COUNT: u8 = 0x10
const SPANS: u8 = 0x0a
const MATCHED: u8 = 0x10
const SPANSET_ATTRIBUTE: u8 = 0x1a
const SPAN_ID: u8 = 0x0a
const SPAN_NAME: u8 = 0x12
const SPAN_START: u8 = 0x18
const SPAN_DURATION: u8 = 0x20
const SPAN_ATTRIBUTE: u8 = 0x2a

// @ts-ignore: decorator
@inline
function varintSize(value: u64): u32 {
  return (70 - <u32>clz(value | 1)) / 7
}

/** Size of a varint field with tag; nothing for 0. */
// @ts-ignore: decorator
@inline
function numberSize(value: u64): u32 {
  return value == 0 ? 0 : 1 + varintSize(value)
}

/** Size of a field of some bytes, with tag and length. */
// @ts-ignore: decorator
@inline
function bytesSize(length: u32): u32 {
  return 1 + varintSize(length) + length
}

// @ts-ignore: decorator
@inline
function putVarint(out: usize, value: u64): usize {
  while (value >= 0x80) {
    store<u8>(out, <u8>value | 0x80)
    out++
    value >>= 7
  }
  store<u8>(out, <u8>value)
  return out + 1
}

// @ts-ignore: decorator
@inline
function putTag(out: usize, tag: u8, length: u32): usize {
  store<u8>(out, tag)
  return putVarint(out + 1, length)
}

// @ts-ignore: decorator
@inline
function putNumber(out: usize, tag: u8, value: u64): usize {
  if (value == 0) return out
  store<u8>(out, tag)
  return putVarint(out + 1, value)
}

/** A name field; nothing when it is empty or absent. */
// @ts-ignore: decorator
@inline
function putName(out: usize, tag: u8, names: usize, index: u32): usize {
  const length = nameLength(names, index)
  return length == 0 ? out : copy(putTag(out, tag, length), first(names, index), length)
}

function putAttributes(out: usize, tag: u8, from: u32, to: u32): usize {
  for (let index = from; index < to; index++) out = copyFragment(putTag(out, tag, second(attributes, index)), attributes, index)
  return out
}

function attributesSize(from: u32, to: u32): u32 {
  let size: u32 = 0
  for (let index = from; index < to; index++) size += bytesSize(second(attributes, index))
  return size
}

function spanSize(span: u32): u32 {
  const name = nameLength(spanNames, span)
  return (
    18 +
    (name == 0 ? 0 : bytesSize(name)) +
    numberSize(u64At(spanStartNanos, span)) +
    numberSize(u64At(spanDurationNanos, span)) +
    attributesSize(first(spanAttributeRanges, span), second(spanAttributeRanges, span))
  )
}

function putSpan(out: usize, span: u32): usize {
  out = putTag(out, SPAN_ID, 16)
  v128.store(out, hexDigits(spanId(span)))
  out = putName(out + 16, SPAN_NAME, spanNames, span)
  out = putNumber(out, SPAN_START, u64At(spanStartNanos, span))
  out = putNumber(out, SPAN_DURATION, u64At(spanDurationNanos, span))
  return putAttributes(out, SPAN_ATTRIBUTE, first(spanAttributeRanges, span), second(spanAttributeRanges, span))
}

function spansetSize(spanset: u32): u32 {
  let size = numberSize(u32At(spansetMatched, spanset))
  size += attributesSize(first(spansetAttributeRanges, spanset), second(spansetAttributeRanges, spanset))
  const to = second(spansetSpanRanges, spanset)
  for (let span = first(spansetSpanRanges, spanset); span < to; span++) size += bytesSize(spanSize(span))
  return size
}

function putSpanset(out: usize, spanset: u32): usize {
  const to = second(spansetSpanRanges, spanset)
  for (let span = first(spansetSpanRanges, spanset); span < to; span++) out = putSpan(putTag(out, SPANS, spanSize(span)), span)
  out = putNumber(out, MATCHED, u32At(spansetMatched, spanset))
  return putAttributes(out, SPANSET_ATTRIBUTE, first(spansetAttributeRanges, spanset), second(spansetAttributeRanges, spanset))
}

/** The first one is the deprecated `spanSet` as well. */
function putSpansets(out: usize, from: u32, to: u32): usize {
  for (let spanset = from; spanset < to; spanset++) {
    const size = spansetSize(spanset)
    if (spanset == from) {
      const start = putTag(out, SPANSET, size)
      out = putSpanset(start, spanset)
      out = copy(putTag(out, SPANSETS, size), start, size)
    } else {
      out = putSpanset(putTag(out, SPANSETS, size), spanset)
    }
  }
  return out
}

// @ts-ignore: decorator
@inline
function statsValueSize(index: u32): u32 {
  return numberSize(u32At(statsSpanCounts, index)) + numberSize(u32At(statsErrorCounts, index))
}

function statsSize(index: u32): u32 {
  return bytesSize(nameLength(statsServices, index)) + bytesSize(statsValueSize(index))
}

/** A map entry: service name, counts. */
function putStats(out: usize, index: u32): usize {
  out = putTag(out, STATS, statsSize(index))
  const name = nameLength(statsServices, index)
  out = copy(putTag(out, STATS_SERVICE, name), first(statsServices, index), name)
  out = putTag(out, STATS_VALUE, statsValueSize(index))
  out = putNumber(out, SPAN_COUNT, u32At(statsSpanCounts, index))
  return putNumber(out, ERROR_COUNT, u32At(statsErrorCounts, index))
}

function putTrace(out: usize, trace: u32): usize {
  const id = traceId(trace)
  const skipped = skippedDigits(id)
  out = putTraceId(putTag(out, TRACE_ID, 32 - skipped), id, skipped)
  out = putName(out, ROOT_SERVICE, rootServices, trace)
  out = putName(out, ROOT_NAME, rootNames, trace)
  out = putNumber(out, TRACE_START, u64At(startNanos, trace))
  out = putNumber(out, TRACE_DURATION, durationMs(trace))
  out = putSpansets(out, first(spansetRanges, trace), second(spansetRanges, trace))
  const to = second(statsRanges, trace)
  for (let index = first(statsRanges, trace); index < to; index++) out = putStats(out, index)
  return out
}

/** Most bytes that a trace can take; sums in 64 bits, because ranges may overlap. */
function traceBound(trace: u32): u64 {
  let size: u64 = 64 + <u64>bytesSize(nameLength(rootServices, trace)) + bytesSize(nameLength(rootNames, trace))
  const statsTo = second(statsRanges, trace)
  for (let index = first(statsRanges, trace); index < statsTo; index++) size += 8 + statsSize(index)
  const from = first(spansetRanges, trace)
  const to = second(spansetRanges, trace)
  for (let spanset = from; spanset < to; spanset++) size += (spanset == from ? 2 : 1) * (8 + <u64>spansetSize(spanset))
  return size
}

/** Most bytes that a trace can take, as a number that JavaScript reads. */
export function encodeProtobufBound(tables: usize, trace: u32): f64 {
  encodeTables(tables)
  return <f64>traceBound(trace)
}

/** As encodeJson of encode-json.ts. */
export function encodeProtobuf(tables: usize, from: u32, to: u32, out: usize, capacity: u32, ends: usize): u32 {
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
