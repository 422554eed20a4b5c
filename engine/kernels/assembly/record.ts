/*
 * A record is eight words: the address of the next equal record (0: none), the value's name (attribute · 8 + kind), its low half (of texts their address) and
 * high half (of texts their length), its counts on both sides, where the cells are that it was met in, and its order of appearance.
 */
export const RECORD_BYTES: usize = 32
export const TEXT: u32 = 1
/** Name of a record that has become part of an equal one. */
export const JOINED: u32 = 0xffffffff
/** Tells cells that stand elsewhere from addresses. */
export const ELSEWHERE: u32 = 0x80000000
