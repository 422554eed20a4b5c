import { AppError } from '#engine/base/errors.ts';
import type { Dictionary, Kernels, Pages } from '#engine/kernels/kernels.ts';
import type { LeafColumn } from './schema.ts';

/** A value of a column: text or bytes of a BYTE_ARRAY, a number of INT32 or DOUBLE, a bigint of INT64 (signed). Undefined is null. */
export type RowValue = string | Uint8Array | number | bigint | boolean | undefined;

/** What one row holds in one column. */
export interface RowColumn {
  /** One per entry. */
  readonly values: readonly RowValue[];
  /** First entry of each parent slot (the entries of a column whose repetition level is one lower), and the number of entries as last element. */
  readonly starts: readonly number[];
}

/** Pages that hold a row, in memory of the kernels. */
export interface RowPages {
  readonly kernels: Kernels;
  readonly column: LeafColumn;
  readonly pages: Pages;
  /** Decodes the column's dictionary, which is done only where the row has a value; undefined where the column has none. */
  readonly openDictionary: (() => Promise<Dictionary>) | undefined;
  /** The row's index among the rows of the pages. */
  readonly row: number;
  /** Whether BYTE_ARRAY is text (UTF-8; else U+FFFD) or bytes. */
  readonly asText: boolean;
}

/** Decodes one row of a column. The result does not depend on the kernels' memory. Throws `corrupt_block`. */
export async function readRowColumn(source: RowPages): Promise<RowColumn> {
  const { column, pages, row } = source;
  const { start, repetitions } = entriesOf(source);
  const count = repetitions.length;
  if (count === 0) throw new AppError('corrupt_block', `row ${row} of ${pages.rowCount} has no entry`);
  const starts: number[] = [];
  const parentLevel = column.maxRepetition - 1;
  for (let i = 0; i < count; i++) if (i === 0 || repetitions[i]! <= parentLevel) starts.push(i);
  starts.push(count);
  const present = presence(source, start, count);
  const values = present.includes(1) ? await valuesOf(source, start, present) : new Array<RowValue>(count).fill(undefined);
  return { values, starts };
}

/** The row's first entry and the repetition levels of its entries. */
function entriesOf({ kernels, column, pages, row }: RowPages): { readonly start: number; readonly repetitions: Uint8Array } {
  if (row >= pages.rowCount) throw new AppError('corrupt_block', `its pages hold ${pages.rowCount} rows, row ${row} is wanted`);
  if (column.maxRepetition === 0) return { start: row, repetitions: new Uint8Array(1) };
  const { entryCount } = pages;
  const levels = kernels.alloc(entryCount);
  kernels.repetitions(pages, levels);
  const rowsAt = kernels.alloc(4 * (entryCount + 1));
  const rows = kernels.starts(levels, entryCount, 0, rowsAt, entryCount);
  if (rows !== pages.rowCount) throw new AppError('corrupt_block', `its pages hold ${rows} rows, their headers say ${pages.rowCount}`);
  const [start, end] = kernels.u32(rowsAt + 4 * row, 2);
  return { start: start!, repetitions: kernels.u8(levels + start!, end! - start!).slice() };
}

/** 1 for entries that are not null. Told from levels alone, so that pages without a value of the row need not be decompressed. */
function presence({ kernels, column, pages }: RowPages, start: number, count: number): Uint8Array {
  if (pages.valueCount === pages.entryCount) return new Uint8Array(count).fill(1);
  const levels = kernels.alloc(pages.entryCount);
  kernels.definitions(pages, levels);
  return kernels.u8(levels + start, count).map((level) => (level === column.maxDefinition ? 1 : 0));
}

async function valuesOf(source: RowPages, start: number, present: Uint8Array): Promise<RowValue[]> {
  const { kernels, column, pages, openDictionary, asText } = source;
  const count = present.length;
  const entries = kernels.alloc(4 * count);
  const list = kernels.u32(entries, count);
  for (let i = 0; i < count; i++) list[i] = start + i;
  switch (column.type) {
    case 'bytes':
      if (openDictionary === undefined) return byteArrays(kernels, pages, entries, count, asText);
      return dictionaryTexts(kernels, pages, openDictionary, entries, count, asText);
    case 'boolean': {
      const at = kernels.alloc(count);
      kernels.gatherBooleans(pages, entries, count, at);
      return Array.from(kernels.u8(at, count), (value) => (value === 2 ? undefined : value === 1));
    }
    case 'double': {
      const at = kernels.alloc(8 * count);
      kernels.gatherDoubles(pages, entries, count, at);
      return Array.from(kernels.f64(at, count), (value, i) => (present[i] === 1 ? value : undefined));
    }
    default: {
      const at = kernels.alloc(8 * count);
      kernels.gatherInts(pages, entries, count, at);
      const small = column.type === 'int32';
      return Array.from(kernels.i64(at, count), (value, i) => (present[i] === 0 ? undefined : small ? Number(value) : value));
    }
  }
}

const nullLength = 0xffffffff;

function byteArrays(kernels: Kernels, pages: Pages, entries: number, count: number, asText: boolean): RowValue[] {
  const pairsAt = kernels.alloc(8 * count);
  kernels.gatherByteArrays(pages, entries, count, pairsAt);
  const pairs = kernels.u32(pairsAt, 2 * count);
  const memory = Buffer.from(kernels.memory.buffer);
  return Array.from({ length: count }, (_, i) => {
    const length = pairs[2 * i + 1]!;
    return length === nullLength ? undefined : content(memory, pairs[2 * i]!, length, asText);
  });
}

async function dictionaryTexts(
  kernels: Kernels,
  pages: Pages,
  openDictionary: () => Promise<Dictionary>,
  entries: number,
  count: number,
  asText: boolean,
): Promise<RowValue[]> {
  const dictionary = await openDictionary();
  const idsAt = kernels.alloc(4 * count);
  kernels.gatherIds(pages, dictionary.count, entries, count, idsAt);
  const ids = kernels.u32(idsAt, count);
  const offsets = kernels.u32(dictionary.offsets, dictionary.count + 1);
  const memory = Buffer.from(kernels.memory.buffer);
  // Most rows repeat few entries.
  const known = new Map<number, RowValue>();
  return Array.from(ids, (id) => {
    if (id === nullLength) return undefined;
    let value = known.get(id);
    if (value === undefined) {
      value = content(memory, dictionary.at + offsets[id]! + 4, offsets[id + 1]! - offsets[id]! - 4, asText);
      known.set(id, value);
    }
    return value;
  });
}

function content(memory: Buffer, at: number, length: number, asText: boolean): string | Uint8Array {
  return asText ? memory.toString('utf8', at, at + length) : Uint8Array.from(memory.subarray(at, at + length));
}
