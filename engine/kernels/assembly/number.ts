/*
 * Numbers values in order of appearance: a value is an attribute, a kind and a word of 64 bits. The table is open addressing, a number plus 1 in each slot,
 * 0 where free. Of each number 16 bytes are kept: the word, and attribute · 8 + kind. An entry keeps its first number, so that there are not more numbers
 * than entries.
 */
export const NONE: u32 = 0xffffffff

const FIRST_SLOTS: u32 = 4096

let slots: usize = 0
let mask: u32 = 0
let members: usize = 0
let count: u32 = 0

/** Forgets all numbers and fills `numbers` with none. `table` has room for a power of two of at least 4096 words, twice what may be numbered. */
export function openNumbers(table: usize, outMembers: usize, numbers: usize, entryCount: u32): void {
  slots = table
  mask = FIRST_SLOTS - 1
  members = outMembers
  count = 0
  memory.fill(table, 0, <usize>FIRST_SLOTS << 2)
  memory.fill(numbers, 0xff, <usize>entryCount << 2)
}

export function numberedCount(): u32 {
  return count
}

// @ts-ignore: decorator
@inline
function hashOf(name: u32, word: u64): u32 {
  const mixed = (word ^ (<u64>name * 0x9e3779b97f4a7c15)) * 0xc2b2ae3d27d4eb4f
  return <u32>(mixed >> 32) ^ <u32>(mixed >> 15)
}

function grow(): void {
  const size = (mask + 1) << 1
  mask = size - 1
  memory.fill(slots, 0, <usize>size << 2)
  for (let number: u32 = 0; number < count; number++) {
    const member = members + (<usize>number << 4)
    let slot = hashOf(load<u32>(member, 8), load<u64>(member)) & mask
    while (load<u32>(slots + (<usize>slot << 2))) slot = (slot + 1) & mask
    store<u32>(slots + (<usize>slot << 2), number + 1)
  }
}

function numberOf(name: u32, word: u64): u32 {
  let slot = hashOf(name, word) & mask
  for (;;) {
    const number = load<u32>(slots + (<usize>slot << 2))
    if (number == 0) break
    const member = members + (<usize>(number - 1) << 4)
    if (load<u64>(member) == word && load<u32>(member, 8) == name) return number - 1
    slot = (slot + 1) & mask
  }
  const member = members + (<usize>count << 4)
  store<u64>(member, word)
  store<u32>(member, name, 8)
  store<u32>(slots + (<usize>slot << 2), ++count)
  if (count << 1 > mask) grow()
  return count - 1
}

// @ts-ignore: decorator
@inline
function attributeAt(attributes: usize, entry: u32): u32 {
  return attributes ? load<u32>(attributes + (<usize>entry << 2)) : 0
}

/** True for an entry with several values. */
// @ts-ignore: decorator
@inline
function isList(firsts: usize, entry: u32): bool {
  if (firsts == 0) return false
  const at = firsts + (<usize>entry << 2)
  return load<u32>(at, 4) - load<u32>(at) > 1
}

// @ts-ignore: decorator
@inline
function valueAt(firsts: usize, entry: u32): usize {
  return firsts ? load<u32>(firsts + (<usize>entry << 2)) : entry
}

/**
 * Numbers texts, which `ids` tells apart. `attributes` 0: all of attribute 0. `firsts` has the first id of each entry (0: the entry's own); one with
 * several has kind 0. `owners` has room for two words for each of `idCount` ids: most texts belong to one attribute, whose number is found there.
 */
export function numberTexts(
  attributes: usize,
  ids: usize,
  idCount: u32,
  firsts: usize,
  entryCount: u32,
  kind: u32,
  owners: usize,
  numbers: usize,
): void {
  memory.fill(owners, 0, <usize>idCount << 3)
  for (let entry: u32 = 0; entry < entryCount; entry++) {
    const attribute = attributeAt(attributes, entry)
    const out = numbers + (<usize>entry << 2)
    if (attribute == NONE || load<u32>(out) != NONE) continue
    if (isList(firsts, entry)) {
      store<u32>(out, numberOf(attribute << 3, 0))
      continue
    }
    const id = load<u32>(ids + (valueAt(firsts, entry) << 2))
    if (id == NONE) continue
    const owner = owners + (<usize>id << 3)
    const known = load<u64>(owner)
    if (<u32>known == attribute + 1) {
      store<u32>(out, <u32>(known >> 32))
      continue
    }
    const number = numberOf((attribute << 3) | kind, id)
    store<u32>(out, number)
    if (known == 0) store<u64>(owner, (<u64>number << 32) | (attribute + 1))
  }
}

/** Numbers words of 64 bits, or of a byte (`bytes`), where `present` is 1. See `numberTexts`. */
export function numberWords(
  attributes: usize,
  words: usize,
  present: usize,
  firsts: usize,
  entryCount: u32,
  kind: u32,
  bytes: bool,
  numbers: usize,
): void {
  for (let entry: u32 = 0; entry < entryCount; entry++) {
    const attribute = attributeAt(attributes, entry)
    const out = numbers + (<usize>entry << 2)
    if (attribute == NONE || load<u32>(out) != NONE) continue
    if (isList(firsts, entry)) {
      store<u32>(out, numberOf(attribute << 3, 0))
      continue
    }
    const at = valueAt(firsts, entry)
    if (load<u8>(present + at) == 0) continue
    store<u32>(out, numberOf((attribute << 3) | kind, bytes ? <u64>load<u8>(words + at) : load<u64>(words + (at << 3))))
  }
}

/** Numbers entries with an attribute and nothing else: kind 0. */
export function numberRest(attributes: usize, entryCount: u32, numbers: usize): void {
  for (let entry: u32 = 0; entry < entryCount; entry++) {
    const out = numbers + (<usize>entry << 2)
    if (load<u32>(out) != NONE) continue
    const attribute = attributeAt(attributes, entry)
    if (attribute != NONE) store<u32>(out, numberOf(attribute << 3, 0))
  }
}

/** Replaces each of `entryCount` ids by what the table has for it; none stays none. */
export function translateIds(ids: usize, entryCount: u32, table: usize): void {
  const stop = ids + (<usize>entryCount << 2)
  for (; ids < stop; ids += 4) {
    const id = load<u32>(ids)
    if (id != NONE) store<u32>(ids, load<u32>(table + (<usize>id << 2)))
  }
}
