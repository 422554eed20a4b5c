import { EQUAL, GREATER, LESS, LESS_OR_EQUAL, NOT_EQUAL } from './compare'
import { DICTIONARY, OK } from './fault'

/*
 * A dictionary page of BYTE_ARRAY in PLAIN: each entry behind its length (u32). The offset list has `count` + 1 entries; entry i is the bytes
 * `[offsets[i] + 4, offsets[i + 1])`.
 */

/** Writes the offset list; entries must fit into `size` bytes. */
export function dictionaryOffsets(at: usize, size: u32, count: u32, out: usize): i32 {
  let offset: u32 = 0
  for (let i: u32 = 0; i < count; i++) {
    store<u32>(out, offset)
    out += 4
    if (size - offset < 4) return DICTIONARY
    const length = load<u32>(at + offset)
    offset += 4
    if (length > size - offset) return DICTIONARY
    offset += length
  }
  store<u32>(out, offset)
  return OK
}

/** True when the two are equal. Reads up to 15 bytes beyond both. */
// @ts-ignore: decorator
@inline
export function equalBytes(a: usize, b: usize, length: u32): bool {
  let i: u32 = 0
  for (; i + 16 <= length; i += 16) if (i8x16.bitmask(i8x16.ne(v128.load(a + i), v128.load(b + i)))) return false
  const rest = length - i
  return rest == 0 || (i8x16.bitmask(i8x16.ne(v128.load(a + i), v128.load(b + i))) & ((1 << rest) - 1)) == 0
}

/** Negative, 0 or positive, as the bytes are ordered as unsigned numbers, a prefix before what is longer. */
function orderBytes(a: usize, aLength: u32, b: usize, bLength: u32): i32 {
  const shared = min<u32>(aLength, bLength)
  let i: u32 = 0
  for (; i + 16 <= shared; i += 16) {
    const differs = i8x16.bitmask(i8x16.ne(v128.load(a + i), v128.load(b + i)))
    if (differs) {
      i += ctz(differs)
      return <i32>load<u8>(a + i) - <i32>load<u8>(b + i)
    }
  }
  for (; i < shared; i++) {
    const difference = <i32>load<u8>(a + i) - <i32>load<u8>(b + i)
    if (difference) return difference
  }
  return aLength == bLength ? 0 : aLength < bLength ? -1 : 1
}

/** Index of the entry that equals the needle, or -1. */
export function findInDictionary(at: usize, offsets: usize, count: u32, needle: usize, length: u32): i32 {
  const wanted = length + 4
  let start = load<u32>(offsets)
  for (let i: u32 = 0; i < count; i++) {
    const end = load<u32>(offsets + (<usize>i << 2), 4)
    if (end - start == wanted && equalBytes(at + start + 4, needle, length)) return <i32>i
    start = end
  }
  return -1
}

// @ts-ignore: decorator
@inline
function satisfies(order: i32, comparison: i32): bool {
  if (comparison == LESS) return order < 0
  if (comparison == LESS_OR_EQUAL) return order <= 0
  if (comparison == GREATER) return order > 0
  return order >= 0
}

/** Writes a hit byte for every entry and returns the number of hits. */
export function compareDictionary(at: usize, offsets: usize, count: u32, comparison: i32, literal: usize, length: u32, out: usize): i32 {
  let hits: u32 = 0
  let start = load<u32>(offsets)
  for (let i: u32 = 0; i < count; i++) {
    const end = load<u32>(offsets + (<usize>i << 2), 4)
    const size = end - start - 4
    const entry = at + start + 4
    let hit: bool
    if (comparison == EQUAL || comparison == NOT_EQUAL) hit = (size == length && equalBytes(entry, literal, length)) == (comparison == EQUAL)
    else hit = satisfies(orderBytes(entry, size, literal, length), comparison)
    store<u8>(out + i, <u8>hit)
    hits += <u32>hit
    start = end
  }
  return <i32>hits
}
