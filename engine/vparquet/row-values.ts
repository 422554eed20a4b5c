import type { RowColumn } from '#engine/parquet/row-column.ts';

/** Columns of one row, by path; undefined where the file has none. */
export type TraceRow = (path: string) => RowColumn | undefined;

// Typed reading of what a row holds in a column: a missing column or value reads as OTLP's default.

const noBytes = new Uint8Array(0);

/** A text, '' without. */
export function textAt(column: RowColumn | undefined, slot: number): string {
  const value = column?.values[slot];
  return typeof value === 'string' ? value : '';
}

/** Bytes, none without. */
export function bytesAt(column: RowColumn | undefined, slot: number): Uint8Array {
  const value = column?.values[slot];
  return value instanceof Uint8Array ? value : noBytes;
}

/** A signed 64-bit number, 0 without. */
export function longAt(column: RowColumn | undefined, slot: number): bigint {
  const value = column?.values[slot];
  return typeof value === 'bigint' ? value : 0n;
}

/** An unsigned 64-bit number, 0 without. */
export function nanosAt(column: RowColumn | undefined, slot: number): bigint {
  return BigInt.asUintN(64, longAt(column, slot));
}

/** An unsigned 32-bit number, 0 without. */
export function countAt(column: RowColumn | undefined, slot: number): number {
  const value = column?.values[slot];
  return typeof value === 'number' ? value >>> 0 : 0;
}

/** The slots below a parent, without the placeholder of an empty list. `column` has a value in every real slot. */
export function slotsOf(column: RowColumn | undefined, parent: number): readonly number[] {
  const slots: number[] = [];
  if (column === undefined) return slots;
  const end = column.starts[parent + 1] ?? 0;
  for (let slot = column.starts[parent] ?? 0; slot < end; slot++) if (column.values[slot] !== undefined) slots.push(slot);
  return slots;
}
