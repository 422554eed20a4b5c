import { fillBytes } from './bytes'
import { ID_RANGE, ID_RUN, LEVEL_RUN, OK } from './fault'
import { findBytes, findWords, MAX_BYTE_BITS, MAX_WORD_BITS, unpackBytes, unpackWords } from './unpack'

/**
 * Parquet's RLE / bit-packed hybrid: runs with a varint head. Odd: head >> 1 groups of eight values, bit-packed from the lowest bit on. Even: head
 * >> 1 times one value, stored in whole bytes. The last group of a page may be cut short; what is not needed is not asked for.
 */
let cursor: usize = 0
let end: usize = 0
let width: u32 = 0
let runPacked: bool = false
let runAt: usize = 0
let runValue: u32 = 0

// @ts-ignore: decorator
@inline
function openRuns(from: usize, to: usize, bits: u32): void {
  cursor = from
  end = to
  width = bits
}

/** Steps to the next run: how many values to take of it, at most `left`; negative where the run does not fit into the page. */
// @ts-ignore: decorator
@inline
function nextRun(left: u32): i32 {
  let at = cursor
  if (at >= end) return ID_RUN
  let head: u32 = load<u8>(at++)
  if (head > 127) {
    head &= 127
    for (let shift: u32 = 7; ; shift += 7) {
      if (at >= end || shift > 28) return ID_RUN
      const next: u32 = load<u8>(at++)
      head |= (next & 127) << shift
      if (next < 128) break
    }
  }
  let count = head >> 1
  if (head & 1) {
    const stored = <u64>count * width
    const take = <u64>count << 3 > <u64>left ? left : count << 3
    if ((<u64>take * width + 7) >> 3 > <u64>(end - at)) return ID_RUN
    runPacked = true
    runAt = at
    cursor = stored > <u64>(end - at) ? end : at + <usize>stored
    return <i32>take
  }
  if (count > left) count = left
  const size = (width + 7) >> 3
  if (size > <u32>(end - at)) return ID_RUN
  let value: u32 = 0
  for (let i: u32 = 0; i < size; i++) value |= <u32>load<u8>(at + i) << (i << 3)
  runPacked = false
  runValue = value
  cursor = at + size
  return <i32>count
}

/** Writes `count` levels of `bits` (0 to 8) as bytes. Writes up to 15 bytes beyond. */
export function unpackLevels(from: usize, to: usize, bits: u32, count: u32, out: usize): i32 {
  if (bits == 0) {
    fillBytes(out, 0, count)
    return OK
  }
  openRuns(from, to, bits)
  const stop = out + count
  while (out < stop) {
    const run = nextRun(<u32>(stop - out))
    if (run < 0) return LEVEL_RUN
    if (runPacked) unpackBytes(runAt, bits, run, out)
    else fillBytes(out, <u8>runValue, run)
    out += run
  }
  return OK
}

/** Writes `count` ids of `bits` (0 to 32) as u32. Writes up to 60 bytes beyond. */
export function unpackIds(from: usize, to: usize, bits: u32, count: u32, out: usize): i32 {
  if (bits == 0) {
    memory.fill(out, 0, <usize>count << 2)
    return OK
  }
  if (bits > 32) return ID_RUN
  openRuns(from, to, bits)
  let left = count
  while (left > 0) {
    const run = nextRun(left)
    if (run < 0) return run
    if (runPacked) unpackIdRun(runAt, bits, run, out)
    else {
      const all = i32x4.splat(runValue)
      for (let i: i32 = 0; i < run; i += 4) v128.store(out + (<usize>i << 2), all)
    }
    out += <usize>run << 2
    left -= run
  }
  return OK
}

function unpackIdRun(at: usize, bits: u32, count: u32, out: usize): void {
  if (bits <= MAX_WORD_BITS) {
    unpackWords(at, bits, count, out)
    return
  }
  const mask = (<u64>1 << bits) - 1
  let bit: usize = 0
  for (let i: u32 = 0; i < count; i++) {
    store<u32>(out, <u32>((load<u64>(at + (bit >> 3)) >> (bit & 7)) & mask))
    bit += bits
    out += 4
  }
}

/**
 * Looks `count` ids of `bits` up in a byte table and writes the bytes, up to 15 beyond. The table has 2^`tableBits` bytes, `bits` is not above that,
 * and packed ids cannot go beyond it; a repeated id is checked.
 */
export function lookUpIds(from: usize, to: usize, bits: u32, count: u32, table: usize, tableBits: u32, out: usize): i32 {
  if (bits == 0) {
    fillBytes(out, load<u8>(table), count)
    return OK
  }
  openRuns(from, to, bits)
  const stop = out + count
  while (out < stop) {
    const run = nextRun(<u32>(stop - out))
    if (run < 0) return run
    if (runPacked) lookUpRun(runAt, bits, run, table, out)
    else {
      if (runValue >> tableBits) return ID_RANGE
      fillBytes(out, load<u8>(table + runValue), run)
    }
    out += run
  }
  return OK
}

/** Compares `count` ids of `bits` (at most 25) with one id and writes a byte for each, up to 15 beyond. Ids must be below `ids`. */
export function findId(from: usize, to: usize, bits: u32, count: u32, id: u32, ids: u32, out: usize): i32 {
  openRuns(from, to, bits)
  const stop = out + count
  while (out < stop) {
    const run = nextRun(<u32>(stop - out))
    if (run < 0) return run
    if (!runPacked) {
      if (runValue >= ids) return ID_RANGE
      fillBytes(out, <u8>(runValue == id), run)
    } else if (findInRun(bits, run, id, out) >= ids) return ID_RANGE
    out += run
  }
  return OK
}

/** The packed run at `runAt`: whole groups of 16 with SIMD, the rest one by one, since what is behind the run is no id. Returns the largest id. */
function findInRun(bits: u32, count: u32, id: u32, out: usize): u32 {
  const whole = count & ~15
  // An id that is wider than the run's bits is not in it; nor is all ones in a lane that is wider than the bits.
  const wanted = id >> bits ? <u32>-1 : id
  let highest: u32 = 0
  if (whole) highest = bits < MAX_BYTE_BITS ? findBytes(runAt, bits, whole, wanted, out) : findWords(runAt, bits, whole, wanted, out)
  const mask = (<u64>1 << bits) - 1
  let bit = whole * bits
  for (let i = whole; i < count; i++) {
    const here = <u32>((load<u64>(runAt + (bit >> 3)) >> (bit & 7)) & mask)
    store<u8>(out + i, <u8>(here == id))
    highest = max<u32>(highest, here)
    bit += bits
  }
  return highest
}

// @ts-ignore: decorator
@inline
function lookUpFour(a: u64, w: u64, mask: u64, table: usize): u32 {
  const first: u32 = load<u8>(table + <usize>(a & mask))
  const second: u32 = load<u8>(table + <usize>((a >> w) & mask))
  const third: u32 = load<u8>(table + <usize>((a >> (w << 1)) & mask))
  const fourth: u32 = load<u8>(table + <usize>((a >> (w * 3)) & mask))
  return first | second << 8 | third << 16 | fourth << 24
}

function lookUpRun(at: usize, bits: u32, count: i32, table: usize, out: usize): void {
  const w: u64 = bits
  const mask = (<u64>1 << w) - 1
  if (bits <= 16) {
    const second = <usize>(w << 2 >> 3)
    const shift = w << 2 & 7
    for (let i: i32 = 0; i < count; i += 8) {
      store<u32>(out + i, lookUpFour(load<u64>(at), w, mask, table))
      store<u32>(out + i, lookUpFour(load<u64>(at + second) >> shift, w, mask, table), 4)
      at += bits
    }
    return
  }
  let bit: usize = 0
  for (let i: i32 = 0; i < count; i++) {
    store<u8>(out + i, load<u8>(table + <usize>((load<u64>(at + (bit >> 3)) >> (bit & 7)) & mask)))
    bit += <usize>w
  }
}
