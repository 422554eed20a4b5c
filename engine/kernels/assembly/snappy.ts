import { OK, SNAPPY } from './fault'

/** For distances below 8: indexes that repeat the first `distance` bytes over 16 (row `distance` of eight). */
const repeat: usize = memory.data(8 * 16, 16)

function fillTables(): void {
  for (let distance: usize = 1; distance < 8; distance++) {
    for (let i: usize = 0; i < 16; i++) store<u8>(repeat + distance * 16 + i, <u8>(i % distance))
  }
}
fillTables()

/**
 * Decompresses a raw snappy block. `out` needs 64 bytes of slack, since copies go in steps of 16. The block must give `size` bytes exactly.
 * Every length is checked against both ends before it is used.
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
      let run: usize = (tag >> 2) + 1
      if (run > 60) {
        const extra = run - 60
        if (extra > end - from) return SNAPPY
        const mask: u32 = extra == 4 ? <u32>-1 : (<u32>1 << (<u32>extra << 3)) - 1
        const last = load<u32>(from) & mask
        if (last == <u32>-1) return SNAPPY
        run = <usize>last + 1
        from += extra
      }
      if (run > end - from || run > outEnd - to) return SNAPPY
      if (run <= 64) {
        v128.store(to, v128.load(from))
        for (let i: usize = 16; i < run; i += 16) v128.store(to + i, v128.load(from + i))
      } else memory.copy(to, from, run)
      from += run
      to += run
    } else {
      let run: usize
      let distance: usize
      if ((tag & 3) == 1) {
        if (from >= end) return SNAPPY
        run = ((tag >> 2) & 7) + 4
        distance = ((tag >> 5) << 8) | load<u8>(from)
        from++
      } else {
        const extra: usize = (tag & 3) == 2 ? 2 : 4
        if (extra > end - from) return SNAPPY
        run = (tag >> 2) + 1
        distance = extra == 2 ? <usize>load<u16>(from) : <usize>load<u32>(from)
        from += extra
      }
      if (run > outEnd - to || distance > to - out || distance == 0) return SNAPPY
      const source = to - distance
      if (distance >= 16) {
        v128.store(to, v128.load(source))
        for (let i: usize = 16; i < run; i += 16) v128.store(to + i, v128.load(source + i))
      } else if (distance >= 8) {
        for (let i: usize = 0; i < run; i += 8) store<u64>(to + i, load<u64>(source + i))
      } else {
        const pattern = i8x16.swizzle(v128.load(source), v128.load(repeat + (distance << 4)))
        const step = 16 - (16 % distance)
        for (let i: usize = 0; i < run; i += step) v128.store(to + i, pattern)
      }
      to += run
    }
  }
  return to == outEnd ? OK : SNAPPY
}
