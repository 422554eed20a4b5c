import { OK, SNAPPY } from './fault'

/** For distances below 16: indexes that repeat the first `distance` bytes over 16 (row `distance`). */
const repeat: usize = memory.data(16 * 16, 16)
/**
 * For each tag of a copy, a u32: length (8 bits), 32 minus the bits of the distance that follow the tag (8 bits), the distance's upper part that
 * the tag itself holds (16 bits). So the three kinds of copies need no branches of their own.
 */
const copies: usize = memory.data(256 * 4, 16)

function fillTables(): void {
  for (let distance: usize = 1; distance < 16; distance++) {
    for (let i: usize = 0; i < 16; i++) store<u8>(repeat + (distance << 4) + i, <u8>(i % distance))
  }
  for (let tag: u32 = 0; tag < 256; tag++) {
    const kind = tag & 3
    const length = kind == 1 ? ((tag >> 2) & 7) + 4 : (tag >> 2) + 1
    const unused: u32 = kind == 1 ? 24 : kind == 2 ? 16 : 0
    const upper = kind == 1 ? (tag >> 5) << 8 : 0
    store<u32>(copies + (tag << 2), length | (unused << 8) | (upper << 16))
  }
}
fillTables()

/** Copies `run` bytes (at most 64) in steps of 16. */
// @ts-ignore: decorator
@inline
function copyShort(from: usize, to: usize, run: u32): void {
  v128.store(to, v128.load(from))
  for (let i: u32 = 16; i < run; i += 16) v128.store(to + i, v128.load(from + i))
}

/** Length of a literal of more than 60 bytes, whose last bytes' index stands in the `extra` bytes at `from`; 0 when they are not there. */
function longLiteral(from: usize, end: usize, extra: u32): u64 {
  if (extra > <u32>(end - from)) return 0
  return <u64>(load<u32>(from) & (<u32>-1 >> (32 - (extra << 3)))) + 1
}

/**
 * Decompresses a raw snappy block of exactly `size` bytes. Both ends need 64 bytes of slack: short literals and the distances of copies are read
 * before it is known that they lie inside, which the end of the loop finds out; writes are checked before they are done, but go in steps of 16.
 */
export function unsnap(at: usize, length: u32, out: usize, size: u32): i32 {
  const end = at + length
  const outEnd = out + size
  let from = at
  let to = out
  let claimed: u64 = 0
  for (let shift: u64 = 0; ; shift += 7) {
    if (from >= end || shift > 28) return SNAPPY
    const next = load<u8>(from++)
    claimed |= <u64>(next & 127) << shift
    if (next < 128) break
  }
  if (claimed != <u64>size) return SNAPPY
  while (from < end) {
    const tag: u32 = load<u8>(from++)
    if ((tag & 3) == 0) {
      const run = (tag >> 2) + 1
      if (run <= 60) {
        if (run > <u32>(outEnd - to)) return SNAPPY
        copyShort(from, to, run)
        from += run
        to += run
        continue
      }
      const long = longLiteral(from, end, run - 60)
      from += run - 60
      if (long == 0 || long > <u64>(end - from) || long > <u64>(outEnd - to)) return SNAPPY
      memory.copy(to, from, <usize>long)
      from += <usize>long
      to += <usize>long
      continue
    }
    const copy = load<u32>(copies + (tag << 2))
    const run = copy & 255
    const unused = (copy >> 8) & 255
    const distance = <usize>((copy >> 16) + ((load<u32>(from) << unused) >> unused))
    from += (32 - unused) >> 3
    // A distance of 0 becomes the largest number of all.
    if (run > <u32>(outEnd - to) || distance - 1 >= to - out) return SNAPPY
    if (distance >= 16) copyShort(to - distance, to, run)
    else {
      const pattern = i8x16.swizzle(v128.load(to - distance), v128.load(repeat + (distance << 4)))
      const step: u32 = 16 - (16 % <u32>distance)
      v128.store(to, pattern)
      for (let i: u32 = step; i < run; i += step) v128.store(to + i, pattern)
    }
    to += run
  }
  return from == end && to == outEnd ? OK : SNAPPY
}
