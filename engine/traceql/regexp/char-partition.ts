import { type CharSet, charCount, codePointEnd, hasChar } from './char-set.ts';

/** Code points in classes that a pattern cannot tell apart. */
export interface CharPartition {
  readonly classCount: number;
  /** Class of each code point below {@link tableEnd}. */
  readonly table: Uint16Array;
  /** Starts of the intervals of equal class, ascending from 0, for all code points. */
  readonly starts: Uint32Array;
  /** Class of each interval. */
  readonly classes: Uint16Array;
  /** Smallest member of each class. */
  readonly samples: Uint32Array;
}

/** Code points with one or two UTF-8 bytes have their class in a table. */
export const tableEnd = 0x800;
/** Most classes; a pattern that needs more is refused. */
export const maxClasses = 0xffff;

/** Splits all code points by the sets. Undefined when there are more than {@link maxClasses} classes. */
export function partitionChars(sets: readonly CharSet[]): CharPartition | undefined {
  const starts = boundaries(sets);
  const classes = new Uint32Array(starts.length);
  // How many intervals each class has.
  const sizes: number[] = [starts.length];
  for (const set of sets) splitBy(set, starts, classes, sizes);
  if (sizes.length > maxClasses) return undefined;
  const table = new Uint16Array(tableEnd);
  const samples = new Uint32Array(sizes.length).fill(codePointEnd);
  for (let i = starts.length - 1; i >= 0; i--) {
    samples[classes[i]] = starts[i];
    const end = i + 1 < starts.length ? starts[i + 1] : codePointEnd;
    if (starts[i] < tableEnd) table.fill(classes[i], starts[i], Math.min(end, tableEnd));
  }
  return { classCount: sizes.length, table, starts, classes: Uint16Array.from(classes), samples };
}

/** Class of any code point. */
export function classOf(partition: CharPartition, codePoint: number): number {
  if (codePoint < tableEnd) return partition.table[codePoint];
  return partition.classes[intervalOf(partition.starts, codePoint)];
}

/** The classes whose code points are in the set, which must be one the partition was made from. */
export function classesIn(partition: CharPartition, set: CharSet): readonly number[] {
  if (charCount(set) === 1) return [classOf(partition, set[0])];
  const classes: number[] = [];
  for (let i = 0; i < partition.classCount; i++) if (hasChar(set, partition.samples[i])) classes.push(i);
  return classes;
}

function boundaries(sets: readonly CharSet[]): Uint32Array {
  const all = new Set<number>([0]);
  for (const set of sets) for (const bound of set) if (bound < codePointEnd) all.add(bound);
  return Uint32Array.from(all).sort();
}

/** Gives the intervals inside the set a class of their own, unless all intervals of their class are inside. */
function splitBy(set: CharSet, starts: Uint32Array, classes: Uint32Array, sizes: number[]): void {
  const inside = new Map<number, number[]>();
  for (let i = 0; i < set.length; i += 2) {
    for (let at = intervalOf(starts, set[i]); at < starts.length && starts[at] < set[i + 1]; at++) {
      const members = inside.get(classes[at]);
      if (members) members.push(at);
      else inside.set(classes[at], [at]);
    }
  }
  for (const [old, members] of inside) {
    if (members.length === sizes[old]) continue;
    sizes[old] -= members.length;
    for (const at of members) classes[at] = sizes.length;
    sizes.push(members.length);
  }
}

function intervalOf(starts: Uint32Array, codePoint: number): number {
  let low = 0;
  let high = starts.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (starts[middle] <= codePoint) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
