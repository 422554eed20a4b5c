import { equalBytes } from './dictionary'
import { hashOf } from './hash'
import { NONE } from './number'

let bytes: f64 = 0

/** Bytes of the different texts of the last `numberTexts` together. */
export function numberedBytes(): f64 {
  return bytes
}

/**
 * Numbers (address, length) pairs from 0 on in the order of the list, equal texts alike; nulls have no number. Returns how many texts differ; `firsts` has the
 * pair of each and `hashes` its hash. `table` has a power of two of words, more than `count`.
 */
export function numberTexts(places: usize, count: u32, table: usize, tableWords: u32, ids: usize, firsts: usize, hashes: usize): u32 {
  memory.fill(table, 0, <usize>tableWords << 2)
  const mask = tableWords - 1
  let found: u32 = 0
  bytes = 0
  for (let i: u32 = 0; i < count; i++) {
    const pair = load<u64>(places + (<usize>i << 3))
    const at = <usize>(<u32>pair)
    const length = <u32>(pair >> 32)
    let id = NONE
    if (length != NONE) {
      const hash = hashOf(at, length)
      let slot = table + (<usize>(hash & mask) << 2)
      // A slot has a number plus 1, 0 where free.
      for (id = load<u32>(slot) - 1; id != NONE; id = load<u32>(slot) - 1) {
        if (load<u32>(hashes + (<usize>id << 2)) == hash) {
          const known = load<u64>(firsts + (<usize>id << 3))
          if (<u32>(known >> 32) == length && equalBytes(<usize>(<u32>known), at, length)) break
        }
        slot = slot + 4 - table < <usize>tableWords << 2 ? slot + 4 : table
      }
      if (id == NONE) {
        id = found++
        store<u32>(slot, found)
        store<u64>(firsts + (<usize>id << 3), pair)
        store<u32>(hashes + (<usize>id << 2), hash)
        bytes += <f64>length
      }
    }
    store<u32>(ids + (<usize>i << 2), id)
  }
  return found
}

/** Copies texts behind each other; `starts` becomes where each begins in `out`, and where the last ends. Reads and writes up to 15 bytes beyond. */
export function copyTexts(places: usize, count: u32, out: usize, starts: usize): void {
  let end: u32 = 0
  for (let i: u32 = 0; i < count; i++) {
    const from: usize = load<u32>(places + (<usize>i << 3))
    const length = load<u32>(places + (<usize>i << 3), 4)
    store<u32>(starts + (<usize>i << 2), end)
    for (let k: u32 = 0; k < length; k += 16) v128.store(out + end + k, v128.load(from + k))
    end += length
  }
  store<u32>(starts + (<usize>count << 2), end)
}
