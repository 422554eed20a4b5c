/**
 * What kernels return instead of a result when something does not fit: a negative number. `../faults.ts` gives each number its text and its
 * error code; keep both lists in step. 0 and above are results.
 */
export const OK: i32 = 0
export const THRIFT_BROKEN: i32 = -1
export const FOOTER_NUMBER: i32 = -2
export const FOOTER_COLUMNS: i32 = -3
export const PAGE_NUMBER: i32 = -4
export const PAGE_BEYOND_CHUNK: i32 = -5
export const PAGE_LEVELS: i32 = -6
export const PAGE_ENTRIES: i32 = -7
export const PAGE_KIND: i32 = -8
export const PAGE_INFLATED: i32 = -9
export const ENCODING: i32 = -10
export const SNAPPY: i32 = -11
export const LEVEL_RUN: i32 = -12
export const LEVEL_COUNT: i32 = -13
export const ID_RANGE: i32 = -14
export const ID_RUN: i32 = -15
export const DELTA_HEADER: i32 = -16
export const DELTA_BLOCK: i32 = -17
export const DELTA_COUNT: i32 = -18
export const BYTES_LENGTH: i32 = -19
export const VALUES_SHORT: i32 = -20
export const DICTIONARY: i32 = -21
export const FIRST_REPETITION: i32 = -22
export const OWNERS: i32 = -23
export const CAPACITY: i32 = -24
export const ENTRY_LIST: i32 = -25
export const COLUMN_TYPE: i32 = -26
export const COMPRESSED: i32 = -27
export const PAGE_V1: i32 = -28

/** Number of the page in its chunk that the fault is in; -1 where there is none. */
let page: i32 = -1
/** What the fault speaks of, where it has a number: an encoding, a page type. */
let detail: i32 = 0

export function setFaultPage(number: i32): void {
  page = number
}

export function setFaultDetail(number: i32): void {
  detail = number
}

export function faultPage(): i32 {
  return page
}

export function faultDetail(): i32 {
  return detail
}
