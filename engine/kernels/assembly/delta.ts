import { DELTA_BLOCK, DELTA_COUNT, DELTA_HEADER, OK } from './fault'

/**
 * DELTA_BINARY_PACKED: block size, miniblocks in a block, number of values (varints), first value (zigzag); then blocks: lowest delta (zigzag), a
 * bit width for each miniblock (bytes), the miniblocks. The last block stores whole miniblocks, but only those that hold values.
 */
const MAX_BLOCK: u64 = 65536
const MAX_MINIBLOCKS: u64 = 512

let cursor: usize = 0
let end: usize = 0
let overrun: bool = false
let first: i64 = 0
let miniblocks: u32 = 0
let perMiniblock: u32 = 0

function varint(): u64 {
  let value: u64 = 0
  for (let shift: u64 = 0; shift < 70; shift += 7) {
    if (cursor >= end) break
    const next: u64 = load<u8>(cursor++)
    value |= (next & 127) << shift
    if (next < 128) return value
  }
  overrun = true
  return 0
}

// @ts-ignore: decorator
@inline
function zigzag(): i64 {
  const value = varint()
  return <i64>(value >> 1) ^ -(<i64>(value & 1))
}

/** Where the stream ends that was walked last: behind the last block. */
export function deltaEnd(): usize {
  return cursor
}

/** First value of the stream opened last. */
export function firstValue(): i64 {
  return first
}

/** Reads the head of a stream of `count` values. */
function open(from: usize, to: usize, count: u32): i32 {
  cursor = from
  end = to
  overrun = false
  const blockSize = varint()
  const inBlock = varint()
  const total = varint()
  first = zigzag()
  if (overrun || blockSize == 0 || blockSize > MAX_BLOCK || inBlock == 0 || inBlock > MAX_MINIBLOCKS) return DELTA_HEADER
  miniblocks = <u32>inBlock
  perMiniblock = <u32>blockSize / miniblocks
  if (perMiniblock * miniblocks != <u32>blockSize || (perMiniblock & 7) != 0) return DELTA_HEADER
  return total == <u64>count ? OK : DELTA_COUNT
}

/**
 * Writes the first `wanted` values of `count` as i64, up to 56 bytes beyond. `count` must be what the stream says. With `toEnd` it walks on to
 * the end of the stream, else it stops when it has enough.
 */
export function unpackDeltas(from: usize, to: usize, count: u32, wanted: u32, toEnd: bool, out: usize): i32 {
  const opened = open(from, to, count)
  if (opened != OK || count == 0) return opened
  let current = first
  let left = count - 1
  let toWrite: u32 = 0
  if (wanted > 0) {
    store<i64>(out, current)
    out += 8
    toWrite = wanted - 1
  }
  while (left > 0 && (toEnd || toWrite > 0)) {
    const lowest = zigzag()
    const widths = cursor
    if (overrun || miniblocks > <u32>(end - cursor)) return DELTA_BLOCK
    cursor += miniblocks
    for (let k: u32 = 0; k < miniblocks && left > 0; k++) {
      const bits: u32 = load<u8>(widths + k)
      const size = <usize>((bits * perMiniblock) >> 3)
      if (bits > 64 || size > end - cursor) return DELTA_BLOCK
      const here = min<u32>(perMiniblock, left)
      const write = min<u32>(here, toWrite)
      if (write > 0) {
        current = unpackMiniblock(cursor, bits, write, lowest, current, out)
        out += <usize>write << 3
        toWrite -= write
      }
      cursor += size
      left -= here
    }
  }
  return OK
}

/**
 * 1 when all values of the stream are seen to be the first one, and then `deltaEnd` tells where it ends; 0 when they may differ. The last block
 * is looked into, because what a writer pads it with gives it a width.
 */
export function allSame(from: usize, to: usize, count: u32): i32 {
  const opened = open(from, to, count)
  if (opened != OK) return opened
  for (let left = count > 0 ? count - 1 : 0; left > 0; ) {
    const lowest = zigzag()
    const widths = cursor
    const isLast = left <= perMiniblock * miniblocks
    if (overrun || miniblocks > <u32>(end - cursor)) return DELTA_BLOCK
    cursor += miniblocks
    for (let k: u32 = 0; k < miniblocks && left > 0; k++) {
      const bits: u32 = load<u8>(widths + k)
      const size = <usize>((bits * perMiniblock) >> 3)
      if (bits > 64 || size > end - cursor) return DELTA_BLOCK
      const here = min<u32>(perMiniblock, left)
      const zero = bits == 0 ? lowest == 0 : isLast && bits <= 56 && allEqual(cursor, bits, here, -lowest)
      if (!zero) return 0
      cursor += size
      left -= here
    }
  }
  return 1
}

function allEqual(at: usize, bits: u32, count: u32, value: u64): bool {
  const mask = (<u64>1 << bits) - 1
  for (let bit: u32 = 0; bit < count * bits; bit += bits) {
    if (((load<u64>(at + (bit >> 3)) >> (bit & 7)) & mask) != value) return false
  }
  return true
}

/** Unpacks the deltas of a miniblock, eight at a time, and writes their running sum; returns the last one, when more follow. */
function unpackMiniblock(at: usize, bits: u32, count: u32, lowest: i64, start: i64, out: usize): i64 {
  let current = start
  const stop = out + (<usize>count << 3)
  if (bits == 0) {
    const step = i64x2.splat(lowest << 1)
    let pair = i64x2.replace_lane(i64x2.splat(start + lowest), 1, start + (lowest << 1))
    for (; out < stop; out += 16) {
      v128.store(out, pair)
      pair = i64x2.add(pair, step)
    }
    return start + lowest * <i64>count
  }
  const w: u64 = bits
  const mask: u64 = bits == 64 ? <u64>-1 : (<u64>1 << w) - 1
  if (bits <= 16) {
    const second = <usize>(w << 2 >> 3)
    const shift = w << 2 & 7
    const w2 = w << 1
    const w3 = w2 + w
    while (out < stop) {
      const a = load<u64>(at)
      const b = load<u64>(at + second) >> shift
      current += lowest + <i64>(a & mask)
      store<i64>(out, current)
      current += lowest + <i64>((a >> w) & mask)
      store<i64>(out, current, 8)
      current += lowest + <i64>((a >> w2) & mask)
      store<i64>(out, current, 16)
      current += lowest + <i64>((a >> w3) & mask)
      store<i64>(out, current, 24)
      current += lowest + <i64>(b & mask)
      store<i64>(out, current, 32)
      current += lowest + <i64>((b >> w) & mask)
      store<i64>(out, current, 40)
      current += lowest + <i64>((b >> w2) & mask)
      store<i64>(out, current, 48)
      current += lowest + <i64>((b >> w3) & mask)
      store<i64>(out, current, 56)
      at += bits
      out += 64
    }
    return current
  }
  if (bits <= 56) {
    // Offsets and shifts of the eight are the same in every group, because a group takes whole bytes.
    const o1 = <usize>(w >> 3), s1 = w & 7
    const o2 = <usize>(w * 2 >> 3), s2 = w * 2 & 7
    const o3 = <usize>(w * 3 >> 3), s3 = w * 3 & 7
    const o4 = <usize>(w * 4 >> 3), s4 = w * 4 & 7
    const o5 = <usize>(w * 5 >> 3), s5 = w * 5 & 7
    const o6 = <usize>(w * 6 >> 3), s6 = w * 6 & 7
    const o7 = <usize>(w * 7 >> 3), s7 = w * 7 & 7
    while (out < stop) {
      current += lowest + <i64>(load<u64>(at) & mask)
      store<i64>(out, current)
      current += lowest + <i64>((load<u64>(at + o1) >> s1) & mask)
      store<i64>(out, current, 8)
      current += lowest + <i64>((load<u64>(at + o2) >> s2) & mask)
      store<i64>(out, current, 16)
      current += lowest + <i64>((load<u64>(at + o3) >> s3) & mask)
      store<i64>(out, current, 24)
      current += lowest + <i64>((load<u64>(at + o4) >> s4) & mask)
      store<i64>(out, current, 32)
      current += lowest + <i64>((load<u64>(at + o5) >> s5) & mask)
      store<i64>(out, current, 40)
      current += lowest + <i64>((load<u64>(at + o6) >> s6) & mask)
      store<i64>(out, current, 48)
      current += lowest + <i64>((load<u64>(at + o7) >> s7) & mask)
      store<i64>(out, current, 56)
      at += bits
      out += 64
    }
    return current
  }
  let bit: usize = 0
  while (out < stop) {
    for (let i: usize = 0; i < 64; i += 8) {
      const shift: u64 = bit & 7
      let packed = load<u64>(at + (bit >> 3)) >> shift
      // Shifted twice, because a shift by 64 would be one by 0.
      packed |= <u64>load<u8>(at + (bit >> 3) + 8) << (63 - shift) << 1
      current += lowest + <i64>(packed & mask)
      store<i64>(out + i, current)
      bit += bits
    }
    out += 64
  }
  return current
}
