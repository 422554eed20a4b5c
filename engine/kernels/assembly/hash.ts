/** Reads up to 7 bytes beyond a text, which its array has as slack. */
// @ts-ignore: decorator
@inline
export function hashOf(at: usize, length: u32): u32 {
  let hash = <u64>length * 0x9e3779b97f4a7c15
  const end = at + length
  for (; at + 8 <= end; at += 8) {
    hash = (hash ^ load<u64>(at)) * 0xc2b2ae3d27d4eb4f
    hash ^= hash >> 29
  }
  if (at < end) {
    const kept = (<u64>1 << ((end - at) << 3)) - 1
    hash = (hash ^ (load<u64>(at) & kept)) * 0xc2b2ae3d27d4eb4f
    hash ^= hash >> 29
  }
  hash *= 0x9e3779b97f4a7c15
  return <u32>(hash >> 32)
}

/** A hash of each entry of a dictionary of byte arrays. */
export function hashDictionary(at: usize, offsets: usize, count: u32, out: usize): void {
  for (let i: u32 = 0; i < count; i++) {
    const start = load<u32>(offsets + (<usize>i << 2)) + 4
    store<u32>(out + (<usize>i << 2), hashOf(at + start, load<u32>(offsets + (<usize>i << 2), 4) - start))
  }
}
