import { SEVERAL } from './typed'

/*
 * Numbers the values that runs meet and tallies how often each is met. A value is a key, a kind and a word of 64 bits (`typed`).
 *
 * What runs meet is written down as records, sorted by key: so the values of one key stand together, most of them of one kind, and the tables where they are
 * looked up stay in the processor's cache. Tables are cleared once: numbers grow from key to key, and what an earlier key left in a table is lower than what
 * the present one puts there.
 *
 * A record has 16 bytes: 0 the word, once numbered the number (u32)   8 the cell   12 weight · 16 + kind. Weights are below 2^28: no more spans than that have
 * room beside each other in memory.
 */
export const RECORD_BYTES: usize = 16
export const NONE: u32 = 0xffffffff
const TEXT: u32 = 1

// @ts-ignore: decorator
@inline
function wordAt(at: usize, index: u32): u32 {
  return load<u32>(at + (<usize>index << 2))
}

/** Counts what the runs meet of each key, and behind the last of none. Slot s has the entries `[starts[s], starts[s + 1])`. */
export function countKeys(keys: usize, keyCount: u32, starts: usize, slots: usize, runCount: u32, counts: usize): void {
  memory.fill(counts, 0, (<usize>keyCount + 1) << 2)
  for (let run: u32 = 0; run < runCount; ) {
    // Runs of neighbouring slots at once.
    const first = wordAt(slots, run)
    let next = first + 1
    while (++run < runCount && wordAt(slots, run) == next) next++
    const end = keys + (<usize>wordAt(starts, next) << 2)
    for (let at = keys + (<usize>wordAt(starts, first) << 2); at < end; at += 4) {
      const count = counts + (<usize>min(load<u32>(at), keyCount) << 2)
      store<u32>(count, load<u32>(count) + 1)
    }
  }
}

// @ts-ignore: decorator
@inline
function putRecord(record: usize, kinds: usize, words: usize, entry: u32, cell: u32, weight: u32): void {
  store<u64>(record, load<u64>(words + (<usize>entry << 3)))
  store<u32>(record, cell, 8)
  store<u32>(record, (weight << 4) | load<u8>(kinds + entry), 12)
}

/** Writes the records of all runs, sorted by key; those without one come last. `counts` becomes where the records of each key end. */
export function sortByKey(
  keys: usize,
  keyCount: u32,
  kinds: usize,
  words: usize,
  starts: usize,
  slots: usize,
  cells: usize,
  weights: usize,
  runCount: u32,
  counts: usize,
  records: usize,
): void {
  let next = records
  for (let key: u32 = 0; key <= keyCount; key++) {
    const count = counts + (<usize>key << 2)
    const size = load<u32>(count) * RECORD_BYTES
    store<u32>(count, <u32>next)
    next += size
  }
  for (let run: u32 = 0; run < runCount; run++) {
    const start = starts + (<usize>wordAt(slots, run) << 2)
    const end = load<u32>(start, 4)
    const cell = wordAt(cells, run)
    const weight = wordAt(weights, run)
    for (let entry = load<u32>(start); entry < end; entry++) {
      const cursor = counts + (<usize>min(wordAt(keys, entry), keyCount) << 2)
      const record: usize = load<u32>(cursor)
      putRecord(record, kinds, words, entry, cell, weight)
      store<u32>(cursor, <u32>(record + RECORD_BYTES))
    }
  }
}

/** Writes the records of runs whose slot has a kind, and returns where they end: a slot is an entry, all are of one key. Writes up to 16 bytes beyond. */
export function listSlots(kinds: usize, words: usize, slots: usize, cells: usize, weights: usize, runCount: u32, records: usize): usize {
  for (let run: u32 = 0; run < runCount; run++) {
    const slot = wordAt(slots, run)
    putRecord(records, kinds, words, slot, wordAt(cells, run), wordAt(weights, run))
    records += <usize>(load<u8>(kinds + slot) != 0) * RECORD_BYTES
  }
  return records
}

/** The same of slots with ids of texts. */
export function listIds(ids: usize, slots: usize, cells: usize, weights: usize, runCount: u32, records: usize): usize {
  for (let run: u32 = 0; run < runCount; run++) {
    const id = wordAt(ids, wordAt(slots, run))
    store<u64>(records, id)
    store<u32>(records, wordAt(cells, run), 8)
    store<u32>(records, (wordAt(weights, run) << 4) | TEXT, 12)
    records += <usize>(id != NONE) * RECORD_BYTES
  }
  return records
}

/** Words within this distance have a place of their own in the table of near words. */
const NEAR: u64 = 1 << 17

let members: usize = 0
/** Open addressing: a number plus 1 in each slot; what is not above `base` is free. */
let table: usize = 0
let mask: u32 = 0
let cleared: u32 = 0
let base: u32 = 0

/** Slots that `count` records of a key may take in the table of far words. */
// @ts-ignore: decorator
@inline
function slotsFor(count: u32): u32 {
  return count < 8 ? 16 : <u32>4 << (31 - clz(count))
}

function openTable(recordCount: u32): void {
  const size = slotsFor(recordCount)
  mask = size - 1
  if (size <= cleared) return
  memory.fill(table + (<usize>cleared << 2), 0, <usize>(size - cleared) << 2)
  cleared = size
}

// @ts-ignore: decorator
@inline
function hashOf(word: u64): u32 {
  const mixed = word * 0xc2b2ae3d27d4eb4f
  return <u32>(mixed >> 32) ^ <u32>(mixed >> 15)
}

/** The slot of a value of the present key in the table of far words. */
function farSlot(name: u32, word: u64, recordCount: u32): usize {
  if (mask == 0) openTable(recordCount)
  let slot = hashOf(word) & mask
  let at = table + (<usize>slot << 2)
  for (let known = load<u32>(at); known > base; known = load<u32>(at)) {
    const member = members + (<usize>(known - 1) << 4)
    if (load<u64>(member) == word && load<u32>(member, 8) == name) break
    slot = (slot + 1) & mask
    at = table + (<usize>slot << 2)
  }
  return at
}

/**
 * Numbers the values of records that are sorted by key, in the order of the records, and puts the number into each record. Returns how many there are. `ends` has the end of each key's records, `names` the attribute · 8 of each key. Of each number 16 bytes are kept as its member, the word and
 * then attribute · 8 + kind, and two words as its tally: the weights of its runs in cells below `side`, and in the others. Entries of no kind or of several
 * values are of kind 0. Space: `texts` a word for each id, `near` 2^17 words, `far` four words for each record of the key that has most (at least 16),
 * `outMembers` and `tallies` for as many numbers as there are records.
 */
export function numberRecords(
  records: usize,
  ends: usize,
  names: usize,
  keyCount: u32,
  side: u32,
  texts: usize,
  idCount: u32,
  near: usize,
  far: usize,
  outMembers: usize,
  tallies: usize,
): u32 {
  memory.fill(texts, 0, <usize>idCount << 2)
  table = far
  members = outMembers
  cleared = 0
  let nearCleared = false
  let count: u32 = 0
  let record = records
  for (let key: u32 = 0; key < keyCount; key++) {
    const end: usize = wordAt(ends, key)
    const recordCount = <u32>((end - record) / RECORD_BYTES)
    const attribute = wordAt(names, key)
    base = count
    mask = 0
    let nearKind: u32 = 0
    let lowest: u64 = 0
    for (; record < end; record += RECORD_BYTES) {
      let word = load<u64>(record)
      const weightAndKind = load<u32>(record, 12)
      let kind = weightAndKind & 15
      let slot: usize
      if (kind == TEXT) slot = texts + (<usize>word << 2)
      else {
        if (kind == 0 || kind == SEVERAL) {
          kind = 0
          word = 0
        } else if (nearKind == 0) {
          nearKind = kind
          lowest = word - (NEAR >> 1)
          if (!nearCleared) memory.fill(near, 0, <usize>NEAR << 2)
          nearCleared = true
        }
        const distance = word - lowest
        slot = kind == nearKind && kind && distance < NEAR ? near + (<usize>distance << 2) : farSlot(attribute | kind, word, recordCount)
      }
      const known = load<u32>(slot)
      // Without branches: which value is new cannot be foretold.
      const isNew = <u32>(known <= base)
      const number = (known - 1) ^ ((known - 1 ^ count) & (0 - isNew))
      count += isNew
      store<u32>(slot, number + 1)
      const member = outMembers + (<usize>number << 4)
      store<u64>(member, word)
      store<u32>(member, attribute | kind, 8)
      const tally = tallies + (<usize>number << 3)
      const shift: u64 = load<u32>(record, 8) >= side ? 32 : 0
      store<u64>(tally, (load<u64>(tally) & (<u64>isNew - 1)) + (<u64>(weightAndKind >> 4) << shift))
      store<u32>(record, number)
    }
  }
  return count
}
