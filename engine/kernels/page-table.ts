import zlib from 'node:zlib';
import { AppError } from '#engine/base/errors.ts';
import type { Arena } from './arena.ts';
import { corruptBlock, faultError } from './faults.ts';
import type { ColumnShape, Dictionary, Pages } from './kernels.ts';
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

/** Makes the page tables and dictionaries that kernels read. */
export interface PageTables {
  readonly pages: (at: number, length: number, column: ColumnShape) => Pages;
  readonly joinPages: (parts: readonly { readonly pages: Pages; readonly firstEntry: number }[]) => Pages;
  readonly dictionary: (at: number, length: number, column: ColumnShape) => Dictionary;
  /** Makes room for a hit table of so many ids beside the scratch of the largest page. */
  readonly needHits: (dictionaryCount: number) => void;
}

/** Binds the walking of pages to the module. `check` turns a negative result into an error. */
export function createPageTables(wasm: WasmExports, arena: Arena, check: (result: number) => number): PageTables {
  let largestPage = 0;
  let largestTable = 0;

  function needPage(sizeBytes: number): void {
    if (sizeBytes > largestPage) arena.needScratch(sizeBytes + largestTable);
    largestPage = Math.max(largestPage, sizeBytes);
  }

  function needHits(dictionaryCount: number): void {
    // A power of two, so that packed ids cannot go beyond it; at most twice the count, and slack.
    const sizeBytes = 2 * dictionaryCount + 128;
    if (sizeBytes > largestTable) arena.needScratch(largestPage + sizeBytes);
    largestTable = Math.max(largestTable, sizeBytes);
  }

  function u32(at: number, count: number): Uint32Array {
    return new Uint32Array(wasm.memory.buffer, at, count);
  }

  function u8(at: number, count: number): Uint8Array {
    return new Uint8Array(wasm.memory.buffer, at, count);
  }

  function inflate(at: number, storedBytes: number, plainBytes: number, what: string): number {
    const plain = unzstd(u8(at, storedBytes), plainBytes, what);
    const copy = arena.alloc(plainBytes);
    u8(copy, plainBytes).set(plain);
    return copy;
  }

  /** Checks the checksums of a new table's pages and decompresses what kernels cannot. */
  function prepare(table: number, pageCount: number): void {
    let view = u32(table, (pageCount * recordBytes) >> 2);
    for (let page = 0; page < pageCount; page++) {
      const record = (page * recordBytes) >> 2;
      if (view[record + place.shape] & 1) {
        const body = u8(view[record + place.body], view[record + place.storedBytes]);
        if (zlib.crc32(body) !== view[record + place.crc]) throw corruptBlock(`page ${page}: the checksum does not match`);
      }
      if (view[record + place.codec] !== codecNumbers.zstd) continue;
      const plainBytes = view[record + place.plainBytes];
      const copy = plainBytes && inflate(view[record + place.values], view[record + place.storedValues], plainBytes, `page ${page}`);
      view = u32(table, view.length);
      view[record + place.values] = copy;
      view[record + place.storedValues] = plainBytes;
      view[record + place.codec] = codecNumbers.none;
    }
  }

  function walk(at: number, length: number, column: ColumnShape): { readonly table: number; readonly pageCount: number } {
    const columnShape = typeNumbers[column.type] | (column.maxRepetition << 8) | (column.maxDefinition << 16);
    const start = arena.mark();
    for (let capacity = firstCapacity; ; ) {
      const table = arena.alloc(capacity * recordBytes);
      const pageCount = check(wasm.walkPages(at, length, codecNumbers[column.codec], columnShape, table, capacity));
      arena.release(start);
      const fits = pageCount <= capacity;
      if (fits) return { table: arena.alloc(pageCount * recordBytes), pageCount };
      capacity = pageCount;
    }
  }

  function pages(at: number, length: number, column: ColumnShape): Pages {
    const { table, pageCount } = walk(at, length, column);
    const entryCount = wasm.walkedEntries();
    const valueCount = entryCount - wasm.walkedNulls();
    const rowCount = wasm.walkedRows();
    needPage(wasm.walkedScratch() >>> 0);
    prepare(table, pageCount);
    return { shape: column, table, pageCount, entryCount, valueCount, rowCount };
  }

  function joinPages(parts: readonly { readonly pages: Pages; readonly firstEntry: number }[]): Pages {
    if (parts.length === 0) throw new AppError('internal', 'there are no pages to join');
    const sum = (member: 'pageCount' | 'entryCount' | 'valueCount' | 'rowCount') =>
      parts.reduce((total, part) => total + part.pages[member], 0);
    const pageCount = sum('pageCount');
    const table = arena.alloc(pageCount * recordBytes);
    let to = table;
    for (const part of parts) {
      const size = part.pages.pageCount * recordBytes;
      u8(to, size).set(u8(part.pages.table, size));
      const view = u32(to, size >> 2);
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

  /** The plain bytes of the dictionary page walked last. */
  function dictionaryBytes(column: ColumnShape): { readonly at: number; readonly sizeBytes: number } {
    const body = wasm.dictionaryBody() >>> 0;
    const storedBytes = wasm.dictionaryStored();
    const sizeBytes = column.codec === 'none' ? storedBytes : wasm.dictionaryPlain();
    if (wasm.dictionaryHasCrc() && zlib.crc32(u8(body, storedBytes)) !== wasm.dictionaryCrc() >>> 0) {
      throw corruptBlock('dictionary page: the checksum does not match');
    }
    if (column.codec === 'none' || sizeBytes === 0) return { at: body, sizeBytes };
    if (column.codec === 'zstd') return { at: inflate(body, storedBytes, sizeBytes, 'dictionary page'), sizeBytes };
    const at = arena.alloc(sizeBytes);
    check(wasm.unsnap(body, storedBytes, at, sizeBytes));
    return { at, sizeBytes };
  }

  function dictionary(at: number, length: number, column: ColumnShape): Dictionary {
    if (check(wasm.walkDictionary(at, length, codecNumbers[column.codec])) === 0) {
      throw corruptBlock('the column chunk does not start with a dictionary page');
    }
    const count = wasm.dictionaryEntries();
    const bytes = dictionaryBytes(column);
    needHits(count);
    if (column.type !== 'bytes') return { shape: column, ...bytes, count, offsets: 0 };
    const offsets = arena.alloc((count + 1) * 4);
    check(wasm.dictionaryOffsets(bytes.at, bytes.sizeBytes, count, offsets));
    return { shape: column, ...bytes, count, offsets };
  }

  return { pages, joinPages, dictionary, needHits };
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
