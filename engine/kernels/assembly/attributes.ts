import { anyByte, countBelow, lowBits } from './bytes'
import { CAPACITY, FIRST_REPETITION, OK, OWNERS } from './fault'
import { lookUpEntries, openHits } from './match'
import * as page from './page'

/*
 * Attribute lists: a key column at repetition level k, whose owners are the slots of level k - 1. An entry starts an owner when its repetition level
 * is below k. Owners are counted on every page; keys are decoded only where an attribute can count.
 */

/** Reads the repetition levels of the current page, checked for room for its owners. Returns how many owners start in it. */
function ownersInPage(before: u32, capacity: u32): i32 {
  const levels = page.repetitionsAt()
  const result = page.readRepetitions(levels)
  if (result != OK) return result
  const count = page.entryCount()
  const max = <u8>page.maxRepetition()
  if (before == 0 && count > 0 && load<u8>(levels) >= max) return FIRST_REPETITION
  const owners = countBelow(levels, count, max)
  return owners > capacity - before ? OWNERS : <i32>owners
}

/** Marks the owners of the candidates with a hit key among the current page's entries. */
function markOwners(hits: usize, candidates: usize, before: u32, out: usize): void {
  const count = page.entryCount()
  const levels = page.repetitionsAt()
  const limit = i8x16.splat(<i8>page.maxRepetition())
  const zero = i8x16.splat(0)
  let last = out + before - 1
  for (let i: u32 = 0; i < count; i += 16) {
    const inside = lowBits(count - i)
    const heads = <u32>i8x16.bitmask(i8x16.lt_u(v128.load(levels + i), limit)) & inside
    let hit = v128.load(hits + i)
    if (candidates) hit = v128.and(hit, v128.load(candidates + i))
    let bits = <u32>i8x16.bitmask(i8x16.ne(hit, zero)) & inside
    while (bits) {
      store<u8>(last + popcnt(heads & ((2 << ctz(bits)) - 1)), 1)
      bits &= bits - 1
    }
    last += popcnt(heads)
  }
}

/** Marks every owner of a candidate with a hit key. Returns the number of owners. `candidates` 0: all attributes. */
export function matchAttributes(
  pages: usize,
  pageCount: u32,
  keyHits: usize,
  dictionaryCount: u32,
  candidates: usize,
  scratch: usize,
  out: usize,
  ownerCapacity: u32,
): i32 {
  memory.fill(out, 0, ownerCapacity)
  page.setScratch(scratch + openHits(keyHits, dictionaryCount, scratch))
  let owners: u32 = 0
  for (let i: u32 = 0; i < pageCount; i++) {
    page.openPage(pages + <usize>i * page.PAGE_BYTES)
    const count = page.entryCount()
    const here = ownersInPage(owners, ownerCapacity)
    if (here < 0) return here
    if (page.valueCount() > 0 && (candidates == 0 || anyByte(candidates, count))) {
      // The dense region is taken by the keys before nulls are put between them; ranks are free.
      const hits = page.ranksAt()
      const result = lookUpEntries(hits)
      if (result != OK) return result
      markOwners(hits, candidates, owners, out)
    }
    owners += here
    if (candidates) candidates += count
  }
  return <i32>owners
}

let foundCount: u32 = 0

/** Appends owner and entry of the wanted attributes with a hit key among the current page's entries. */
function listAttributes(hits: usize, firstEntry: u32, before: u32, wanted: usize, outOwners: usize, outEntries: usize, capacity: u32): i32 {
  const count = page.entryCount()
  const levels = page.repetitionsAt()
  const limit = i8x16.splat(<i8>page.maxRepetition())
  const zero = i8x16.splat(0)
  let last = before - 1
  for (let i: u32 = 0; i < count; i += 16) {
    const inside = lowBits(count - i)
    const heads = <u32>i8x16.bitmask(i8x16.lt_u(v128.load(levels + i), limit)) & inside
    let bits = <u32>i8x16.bitmask(i8x16.ne(v128.load(hits + i), zero)) & inside
    while (bits) {
      const k = ctz(bits)
      bits &= bits - 1
      const owner = last + popcnt(heads & ((2 << k) - 1))
      if (wanted && load<u8>(wanted + owner) == 0) continue
      if (foundCount == capacity) return CAPACITY
      store<u32>(outOwners + (<usize>foundCount << 2), owner)
      store<u32>(outEntries + (<usize>foundCount << 2), firstEntry + i + k)
      foundCount++
    }
    last += popcnt(heads)
  }
  return OK
}

/** Lists owner and entry of every attribute with a hit key whose owner is wanted (`wanted` 0: all). Returns how many. */
export function findAttributes(
  pages: usize,
  pageCount: u32,
  keyHits: usize,
  dictionaryCount: u32,
  wanted: usize,
  ownerCapacity: u32,
  scratch: usize,
  outOwners: usize,
  outEntries: usize,
  capacity: u32,
): i32 {
  page.setScratch(scratch + openHits(keyHits, dictionaryCount, scratch))
  foundCount = 0
  let owners: u32 = 0
  let entries: u32 = 0
  for (let i: u32 = 0; i < pageCount; i++) {
    page.openPage(pages + <usize>i * page.PAGE_BYTES)
    const here = ownersInPage(owners, ownerCapacity)
    if (here < 0) return here
    // The last owner of the page before may go on in this one.
    const from = owners > 0 ? owners - 1 : 0
    if (page.valueCount() > 0 && (wanted == 0 || anyByte(wanted + from, owners + here - from))) {
      const hits = page.ranksAt()
      let result = lookUpEntries(hits)
      if (result == OK) result = listAttributes(hits, entries, owners, wanted, outOwners, outEntries, capacity)
      if (result != OK) return result
    }
    owners += here
    entries += page.entryCount()
  }
  return <i32>foundCount
}
