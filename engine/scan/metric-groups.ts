import { AppError } from '#engine/base/errors.ts';

/** A span that no group counts. */
export const noGroup = 0xffffffff;
/** Groups of one job: a bound for its memory. */
const maxGroups = 2 ** 22;
/** Pairs that are looked up in an array rather than in a map. */
const maxDensePairs = 2 ** 20;
const notMet = -1;

/** A column of value numbers, one for each span, all below `size`. */
export interface GroupColumn {
  readonly ids: Uint32Array;
  readonly size: number;
}

/** Tuples of value numbers that a job has met, numbered from 0 in order of appearance. */
export interface GroupTable {
  readonly count: () => number;
  /** Group of each span, from its number in each column; the columns are those of every call. */
  readonly groupsOf: (columns: readonly GroupColumn[], length: number) => Uint32Array;
  /** The numbers that make up a group, one for each column. */
  readonly members: (group: number) => readonly number[];
}

/** An empty table of tuples. Spans without value (0) in the column of that index have {@link noGroup}. */
export function createGroupTable(columnCount: number, requiredColumn?: number): GroupTable {
  const pairs = Array.from({ length: columnCount }, () => createPairTable());
  return {
    count: () => (columnCount === 0 ? 1 : pairs[columnCount - 1].count()),
    groupsOf: (columns, length) => {
      let groups = new Uint32Array(length);
      columns.forEach((column, index) => {
        const table = pairs[index];
        const required = index === requiredColumn;
        const next = new Uint32Array(length);
        if (index === 0) table.single(column, required, next);
        else table.pair(groups, pairs[index - 1].count(), column, required, next);
        groups = next;
      });
      return groups;
    },
    members: (group) => {
      const members: number[] = [];
      let id = group;
      for (let index = columnCount - 1; index >= 0; index--) {
        const { first, second } = pairs[index].parts(id);
        members.unshift(second);
        id = first;
      }
      return members;
    },
  };
}

/** Pairs of numbers, numbered from 0. */
function createPairTable() {
  let firsts = new Uint32Array(64);
  let seconds = new Uint32Array(64);
  let count = 0;
  // The pairs as an array of rows while that is small enough, then as a map.
  let dense = new Int32Array(0);
  let width = 0;
  let sparse: Map<number, number> | undefined;

  const add = (first: number, second: number): number => {
    if (count === maxGroups) throw new AppError('resource_exhausted', `more than ${maxGroups} series; group by fewer attributes`);
    if (count === firsts.length) {
      firsts = grown(firsts);
      seconds = grown(seconds);
    }
    firsts[count] = first;
    seconds[count] = second;
    return count++;
  };
  /** Makes room for rows and columns; false where that is too much. */
  const makeRoom = (height: number, columns: number): boolean => {
    if (sparse !== undefined) return false;
    if (columns <= width && height * width <= dense.length) return true;
    const wider = Math.max(width, columns);
    if (height * wider > maxDensePairs) return false;
    width = wider;
    dense = new Int32Array(Math.min(maxDensePairs, 2 * height * width)).fill(notMet);
    for (let id = 0; id < count; id++) dense[firsts[id] * width + seconds[id]] = id;
    return true;
  };
  const toSparse = (): Map<number, number> => {
    if (sparse !== undefined) return sparse;
    sparse = new Map();
    for (let id = 0; id < count; id++) sparse.set(firsts[id] * maxGroups + seconds[id], id);
    dense = new Int32Array(0);
    return sparse;
  };
  const pairSparsely = (first: Uint32Array, second: Uint32Array, required: boolean, out: Uint32Array): void => {
    const known = toSparse();
    for (let i = 0; i < out.length; i++) {
      if (first[i] === noGroup || (required && second[i] === 0)) {
        out[i] = noGroup;
        continue;
      }
      const key = first[i] * maxGroups + second[i];
      let id = known.get(key);
      if (id === undefined) {
        id = add(first[i], second[i]);
        known.set(key, id);
      }
      out[i] = id;
    }
  };
  return {
    count: () => count,
    parts: (id: number) => ({ first: firsts[id], second: seconds[id] }),
    /** Numbers alone: pairs with 0. */
    single: ({ ids, size }: GroupColumn, required: boolean, out: Uint32Array): void => {
      if (dense.length < size) {
        dense = new Int32Array(2 * size).fill(notMet);
        for (let id = 0; id < count; id++) dense[seconds[id]] = id;
      }
      const known = dense;
      for (let i = 0; i < out.length; i++) {
        const id = ids[i];
        if (required && id === 0) out[i] = noGroup;
        else {
          if (known[id] === notMet) known[id] = add(0, id);
          out[i] = known[id];
        }
      }
    },
    /** Numbers below `height` with those of a column. */
    pair: (first: Uint32Array, height: number, { ids, size }: GroupColumn, required: boolean, out: Uint32Array): void => {
      if (!makeRoom(height, size)) {
        pairSparsely(first, ids, required, out);
        return;
      }
      const known = dense;
      for (let i = 0; i < out.length; i++) {
        if (first[i] === noGroup || (required && ids[i] === 0)) out[i] = noGroup;
        else {
          const at = first[i] * width + ids[i];
          if (known[at] === notMet) known[at] = add(first[i], ids[i]);
          out[i] = known[at];
        }
      }
    },
  };
}

function grown(numbers: Uint32Array): Uint32Array<ArrayBuffer> {
  const larger = new Uint32Array(2 * numbers.length);
  larger.set(numbers);
  return larger;
}
