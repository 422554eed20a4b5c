import { COMPRESSED, LEVEL_COUNT, OK, setFaultPage } from './fault'
import { unpackLevels } from './hybrid'
import { countEqual, fillBytes } from './bytes'
import { unsnap } from './snappy'

/**
 * The page table: 64 bytes for each data page.
 *   0 body (address; repetition levels first)       4 stored bytes of the body
 *   8 bytes of repetition levels                    12 bytes of definition levels
 *   16 values (address)                             20 stored bytes of the values
 *   24 bytes of the values once decompressed        28 codec of the values: 0 none, 1 snappy, 6 zstd
 *   32 encoding                                     36 entries
 *   40 nulls                                        44 rows
 *   48 first entry                                  52 CRC-32 of the stored body
 *   56 has a CRC (u8), physical type (u8), maximum repetition level (u8), maximum definition level (u8)
 *   60 number of the page in its chunk
 */
export const PAGE_BYTES: usize = 64

/** Physical types as parquet numbers them. */
export const BOOLEAN: u32 = 0
export const INT32: u32 = 1
export const INT64: u32 = 2
export const DOUBLE: u32 = 5
export const BYTE_ARRAY: u32 = 6

export const PLAIN: u32 = 0
export const PLAIN_DICTIONARY: u32 = 2
export const DELTA_BINARY_PACKED: u32 = 5
export const DELTA_LENGTH_BYTE_ARRAY: u32 = 6
export const RLE_DICTIONARY: u32 = 8

const SNAPPY_CODEC: u32 = 1

/*
 * Scratch of one page, behind the caller's arena; `scratchOfPage` says how much it takes. Regions, each with slack:
 *   body     the decompressed values
 *   levels   repetition levels, a byte for each entry
 *   present  definition levels, a byte for each entry
 *   dense    values without nulls, 8 bytes for each entry
 *   ranks    a u32 for each entry
 */
const SLACK: usize = 64
let scratch: usize = 0

let record: usize = 0
let entries: u32 = 0
let values: u32 = 0
let levelsAt: usize = 0
let presentAt: usize = 0
let denseRegion: usize = 0
let ranksRegion: usize = 0
let valuesStart: usize = 0
let valuesStop: usize = 0

export function setScratch(at: usize): void {
  scratch = at
}

// @ts-ignore: decorator
@inline
function region(size: usize): usize {
  return (size + SLACK + 15) & ~(<usize>15)
}

export function scratchOfPage(entryCount: u32, plainBytes: u32): usize {
  return region(plainBytes) + 2 * region(entryCount) + region(<usize>entryCount << 3) + region(<usize>entryCount << 2)
}

/** Makes a page the current one. */
export function openPage(at: usize): void {
  record = at
  entries = load<u32>(at, 36)
  values = entries - load<u32>(at, 40)
  setFaultPage(<i32>load<u32>(at, 60))
  const plainBytes: usize = load<u32>(at, 28) == 0 ? 0 : <usize>load<u32>(at, 24)
  levelsAt = scratch + region(plainBytes)
  presentAt = levelsAt + region(entries)
  denseRegion = presentAt + region(entries)
  ranksRegion = denseRegion + region(<usize>entries << 3)
}

export function entryCount(): u32 {
  return entries
}

/** Entries of the current page that are not null. */
export function valueCount(): u32 {
  return values
}

export function firstEntry(): u32 {
  return load<u32>(record, 48)
}

export function encoding(): u32 {
  return load<u32>(record, 32)
}

export function physicalType(): u32 {
  return load<u8>(record, 57)
}

export function maxRepetition(): u32 {
  return load<u8>(record, 58)
}

export function maxDefinition(): u32 {
  return load<u8>(record, 59)
}

export function repetitionsAt(): usize {
  return levelsAt
}

export function definitionsAt(): usize {
  return presentAt
}

export function denseAt(): usize {
  return denseRegion
}

export function ranksAt(): usize {
  return ranksRegion
}

export function valuesAt(): usize {
  return valuesStart
}

export function valuesEnd(): usize {
  return valuesStop
}

/** Bytes that the values of the page at `at` take when decompressed; 0 when they are stored as they are. */
export function inflatedBytes(at: usize): u32 {
  return load<u32>(at, 28) == 0 ? 0 : load<u32>(at, 24)
}

/** Makes the values of the current page readable, decompressed into `into` (0: scratch). `valuesAt` and `valuesEnd` tell where they are. */
export function openValues(into: usize): i32 {
  const codec = load<u32>(record, 28)
  const stored = load<u32>(record, 16)
  if (codec == 0) {
    valuesStart = stored
    valuesStop = stored + load<u32>(record, 20)
    return OK
  }
  if (codec != SNAPPY_CODEC) return COMPRESSED
  const plainBytes = load<u32>(record, 24)
  valuesStart = into ? into : scratch
  valuesStop = valuesStart + plainBytes
  return plainBytes ? unsnap(stored, load<u32>(record, 20), valuesStart, plainBytes) : OK
}

// @ts-ignore: decorator
@inline
function bitsOf(max: u32): u32 {
  return 32 - clz(max)
}

/** Writes the repetition levels of the current page to `out`. */
export function readRepetitions(out: usize): i32 {
  const at = load<u32>(record)
  return unpackLevels(at, at + load<u32>(record, 8), bitsOf(maxRepetition()), entries, out)
}

/** Writes the definition levels of the current page to `out`; they must agree with the header's number of nulls. */
export function readDefinitions(out: usize): i32 {
  const max = maxDefinition()
  if (values == entries) {
    // Without nulls every level is the highest one; nothing to read.
    fillBytes(out, <u8>max, entries)
    return OK
  }
  const at = load<u32>(record) + load<u32>(record, 8)
  const result = unpackLevels(at, at + load<u32>(record, 12), bitsOf(max), entries, out)
  if (result != OK) return result
  return countEqual(out, entries, <u8>max) == values ? OK : LEVEL_COUNT
}
