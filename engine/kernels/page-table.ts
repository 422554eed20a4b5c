import zlib from 'node:zlib';
import { AppError } from '#engine/base/errors.ts';
import type { Arena } from './arena.ts';
import { corruptBlock, faultError } from './faults.ts';
import type { ColumnShape, Dictionary, Pages, PlainDictionary, PlainPages } from './kernels.ts';
import type { WasmExports } from './wasm-exports.ts';

/** Bytes of a record of the page table; `assembly/page.ts` says what is in it. */
const recordBytes = 64;
const firstCapacity = 64;
/** Places of a record's members, counted in u32. */
const place = {
  body: 0,
  storedBytes: 1,
  values: 4,
  storedValues: 5,
  plainBytes: 6,
  codec: 7,
  entries: 9,
  firstEntry: 12,
  crc: 13,
  shape: 14,
};

const codecNumbers = { none: 0, snappy: 1, zstd: 6 } as const;
const typeNumbers = { boolean: 0, int32: 1, int64: 2, double: 5, bytes: 6 } as const;

/** What the making of page tables needs of the module. */
export interface PageContext {
  readonly wasm: WasmExports;
  readonly arena: Arena;
  /** Returns a result, or throws the error that a negative one stands for. */
  readonly check: (result: number) => number;
  readonly verifyChecksums: boolean;
}

/** See `Kernels.pages`. */
export function walkPages(context: PageContext, at: number, length: number, column: ColumnShape, plain?: PlainPages): Pages {
  const { wasm, arena } = context;
  const { table, pageCount } = fillTable(context, at, length, column);
  const entryCount = wasm.walkedEntries();
  const valueCount = entryCount - wasm.walkedNulls();
  const rowCount = wasm.walkedRows();
  arena.needScratch({ pageBytes: wasm.walkedScratch() >>> 0 });
  preparePages(context, table, pageCount, plain);
  return { shape: column, table, pageCount, entryCount, valueCount, rowCount };
}

function fillTable({ wasm, arena, check }: PageContext, at: number, length: number, column: ColumnShape) {
  const columnShape = typeNumbers[column.type] | (column.maxRepetition << 8) | (column.maxDefinition << 16);
  const start = arena.mark();
  for (let capacity = firstCapacity; ; ) {
    const table = arena.alloc(capacity * recordBytes);
    const pageCount = check(wasm.walkPages(at, length, codecNumbers[column.codec], columnShape, table, capacity));
    arena.release(start);
    if (pageCount <= capacity) return { table: arena.alloc(pageCount * recordBytes), pageCount };
    capacity = pageCount;
  }
}

/** Checks the checksums of a new table's pages and decompresses what kernels cannot. */
function preparePages(context: PageContext, table: number, pageCount: number, plain: PlainPages | undefined): void {
  const { wasm, verifyChecksums } = context;
  const words = (pageCount * recordBytes) >> 2;
  let view = u32(wasm, table, words);
  for (let page = 0; page < pageCount; page++) {
    const record = (page * recordBytes) >> 2;
    if (verifyChecksums && view[record + place.shape] & 1) {
      const body = u8(wasm, view[record + place.body], view[record + place.storedBytes]);
      if (zlib.crc32(body) !== view[record + place.crc]) throw corruptBlock(`page ${page}: the checksum does not match`);
    }
    if (view[record + place.codec] !== codecNumbers.zstd) continue;
    const plainBytes = view[record + place.plainBytes];
    const copy =
      plainBytes && inflatePage(context, view[record + place.values], view[record + place.storedValues], plainBytes, page, plain);
    // Memory may have grown meanwhile, which leaves the old view empty.
    view = u32(wasm, table, words);
    view[record + place.values] = copy;
    view[record + place.storedValues] = plainBytes;
    view[record + place.codec] = codecNumbers.none;
  }
}

/** See `Kernels.joinPages`. */
export function joinPages({ wasm, arena }: PageContext, parts: readonly { readonly pages: Pages; readonly firstEntry: number }[]): Pages {
  if (parts.length === 0) throw new AppError('internal', 'there are no pages to join');
  const sum = (member: 'pageCount' | 'entryCount' | 'valueCount' | 'rowCount') =>
    parts.reduce((total, part) => total + part.pages[member], 0);
  const pageCount = sum('pageCount');
  const table = arena.alloc(pageCount * recordBytes);
  let to = table;
  for (const part of parts) {
    const size = part.pages.pageCount * recordBytes;
    u8(wasm, to, size).set(u8(wasm, part.pages.table, size));
    const view = u32(wasm, to, size >> 2);
    let entry = part.firstEntry;
    for (let record = 0; record < view.length; record += recordBytes >> 2) {
      view[record + place.firstEntry] = entry;
      entry += view[record + place.entries];
    }
    to += size;
  }
  const shape = parts[0].pages.shape;
  return { shape, table, pageCount, entryCount: sum('entryCount'), valueCount: sum('valueCount'), rowCount: sum('rowCount') };
}

/** See `Kernels.dictionary`. */
export function openDictionary(context: PageContext, at: number, length: number, column: ColumnShape): Dictionary {
  const { wasm, check } = context;
  if (check(wasm.walkDictionary(at, length, codecNumbers[column.codec])) === 0) {
    throw corruptBlock('the column chunk does not start with a dictionary page');
  }
  const count = wasm.dictionaryEntries();
  return indexDictionary(context, dictionaryBytes(context, column), count, column);
}

/** See `Kernels.plainDictionary`. */
export function placeDictionary(context: PageContext, { bytes, count }: PlainDictionary, column: ColumnShape): Dictionary {
  return indexDictionary(context, { at: putBytes(context, bytes), sizeBytes: bytes.length }, count, column);
}

function indexDictionary(
  { wasm, arena, check }: PageContext,
  bytes: { readonly at: number; readonly sizeBytes: number },
  count: number,
  column: ColumnShape,
): Dictionary {
  needHits(arena, count);
  if (column.type !== 'bytes') return { shape: column, ...bytes, count, offsets: 0 };
  const offsets = arena.alloc((count + 1) * 4);
  check(wasm.dictionaryOffsets(bytes.at, bytes.sizeBytes, count, offsets));
  return { shape: column, ...bytes, count, offsets };
}

/** The plain bytes of the dictionary page walked last. */
function dictionaryBytes(context: PageContext, column: ColumnShape): { readonly at: number; readonly sizeBytes: number } {
  const { wasm, arena, check, verifyChecksums } = context;
  const body = wasm.dictionaryBody() >>> 0;
  const storedBytes = wasm.dictionaryStored();
  const sizeBytes = column.codec === 'none' ? storedBytes : wasm.dictionaryPlain();
  if (verifyChecksums && wasm.dictionaryHasCrc() && zlib.crc32(u8(wasm, body, storedBytes)) !== wasm.dictionaryCrc() >>> 0) {
    throw corruptBlock('dictionary page: the checksum does not match');
  }
  if (column.codec === 'none' || sizeBytes === 0) return { at: body, sizeBytes };
  if (column.codec === 'zstd') return { at: inflate(context, body, storedBytes, sizeBytes, 'dictionary page'), sizeBytes };
  const at = arena.alloc(sizeBytes);
  check(wasm.unsnap(body, storedBytes, at, sizeBytes));
  return { at, sizeBytes };
}

/** Makes room in scratch for a hit table of so many ids. */
export function needHits(arena: Arena, dictionaryCount: number): void {
  // A power of two, so that packed ids cannot go beyond it; at most twice the count, and slack.
  arena.needScratch({ hitBytes: 2 * dictionaryCount + 128 });
}

function u32(wasm: WasmExports, at: number, count: number): Uint32Array {
  return new Uint32Array(wasm.memory.buffer, at, count);
}

function u8(wasm: WasmExports, at: number, count: number): Uint8Array {
  return new Uint8Array(wasm.memory.buffer, at, count);
}

/** Decompresses a page's values, or takes them from the cache. */
function inflatePage(
  context: PageContext,
  at: number,
  storedBytes: number,
  plainBytes: number,
  page: number,
  plain: PlainPages | undefined,
) {
  const held = plain?.get(page);
  const bytes = held?.length === plainBytes ? held : unzstd(u8(context.wasm, at, storedBytes), plainBytes, `page ${page}`);
  if (bytes !== held) plain?.set(page, bytes);
  return putBytes(context, bytes);
}

function putBytes({ wasm, arena }: PageContext, bytes: Uint8Array): number {
  const copy = arena.alloc(bytes.length);
  u8(wasm, copy, bytes.length).set(bytes);
  return copy;
}

function inflate(context: PageContext, at: number, storedBytes: number, plainBytes: number, what: string): number {
  return putBytes(context, unzstd(u8(context.wasm, at, storedBytes), plainBytes, what));
}

/** Decompresses a zstd frame that must give `plainBytes` bytes. */
function unzstd(stored: Uint8Array, plainBytes: number, what: string): Uint8Array {
  if (typeof zlib.zstdDecompressSync !== 'function') {
    throw new AppError('unimplemented', 'zstd pages need Node 22.15 or newer: update Node');
  }
  let plain: Uint8Array;
  try {
    plain = zlib.zstdDecompressSync(stored, { maxOutputLength: Math.max(1, plainBytes) });
  } catch (error) {
    throw corruptBlock(`${what}: zstd data is damaged`, error);
  }
  if (plain.length !== plainBytes) throw corruptBlock(`${what}: zstd data has ${plain.length} bytes, the header says ${plainBytes}`);
  return plain;
}

/** Turns a negative result of the module into the error that it stands for. */
export function createCheck(wasm: WasmExports): (result: number) => number {
  return (result) => {
    if (result < 0) throw faultError(result, wasm.faultPage(), wasm.faultDetail());
    return result;
  };
}
