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
  /** Group of each span, from its number in each column; the columns are those of every call, and overwritten. Not to be changed. */
  readonly groupsOf: (columns: readonly GroupColumn[], length: number) => Uint32Array;
  /** The numbers that make up a group, one for each column. */
  readonly members: (group: number) => readonly number[];
}

let zeros = new Uint32Array(0);

/** Shared: new memory costs more than what is done with it. */
function zerosOf(count: number): Uint32Array {
  if (zeros.length < count) zeros = new Uint32Array(2 * count);
  return zeros.subarray(0, count);
}

/** An empty table of tuples. Spans without value (0) in the column of that index have {@link noGroup}. */
export function createGroupTable(columnCount: number, requiredColumn?: number): GroupTable {
  const lists = Array.from({ length: columnCount }, createPairList);
  const tables = lists.map((list, index) => (index === 0 ? createFirstTable(list) : createPairTable(list)));
  return {
    count: () => (columnCount === 0 ? 1 : lists[columnCount - 1].count()),
    groupsOf: (columns, length) => {
      if (columnCount === 0) return zerosOf(length);
      let groups = columns[0].ids;
      columns.forEach((column, index) => {
        const height = index === 0 ? 1 : lists[index - 1].count();
        tables[index](groups, height, column, index === requiredColumn);
        groups = column.ids;
      });
      return groups;
    },
    members: (group) => {
      const members: number[] = [];
      let id = group;
      for (let index = columnCount - 1; index >= 0; index--) {
        members.unshift(lists[index].second(id));
        id = lists[index].first(id);
      }
      return members;
    },
  };
}

/** Distinct pairs, numbered from 0. */
interface PairList {
  readonly count: () => number;
  readonly first: (id: number) => number;
  readonly second: (id: number) => number;
  readonly add: (first: number, second: number) => number;
}

/** Replaces each span's number in a column by that of its pair: of its group so far, below `height`, and that number. */
type PairTable = (first: Uint32Array, height: number, column: GroupColumn, required: boolean) => void;

function createPairList(): PairList {
  let parts = new Uint32Array(128);
  let count = 0;
  return {
    count: () => count,
    first: (id) => parts[2 * id],
    second: (id) => parts[2 * id + 1],
    add: (first, second) => {
      if (count === maxGroups) throw new AppError('resource_exhausted', `more than ${maxGroups} series; group by fewer attributes`);
      if (2 * count === parts.length) {
        const larger = new Uint32Array(2 * parts.length);
        larger.set(parts);
        parts = larger;
      }
      parts[2 * count] = first;
      parts[2 * count + 1] = second;
      return count++;
    },
  };
}

/** The first column: there are no groups yet, so its numbers alone are looked up. */
function createFirstTable(list: PairList): PairTable {
  let known = new Int32Array(0);
  return (_, _height, { ids, size }, required) => {
    if (known.length < size) {
      known = new Int32Array(2 * size).fill(notMet);
      for (let id = 0; id < list.count(); id++) known[list.second(id)] = id;
    }
    const table = known;
    for (let i = 0; i < ids.length; i++) {
      const id = ids[i];
      if (required && id === 0) {
        ids[i] = noGroup;
        continue;
      }
      if (table[id] === notMet) table[id] = list.add(0, id);
      ids[i] = table[id];
    }
  };
}

/** A further column: an array of rows while that is small enough, then a map. */
function createPairTable(list: PairList): PairTable {
  let dense = new Int32Array(0);
  let width = 0;
  let sparse: Map<number, number> | undefined;

  /** Makes room for rows and columns; false where that is too much. */
  const makeRoom = (height: number, columns: number): boolean => {
    if (sparse !== undefined) return false;
    if (columns <= width && height * width <= dense.length) return true;
    const wider = Math.max(width, columns);
    if (height * wider > maxDensePairs) return false;
    width = wider;
    dense = new Int32Array(Math.min(maxDensePairs, 2 * height * width)).fill(notMet);
    for (let id = 0; id < list.count(); id++) dense[list.first(id) * width + list.second(id)] = id;
    return true;
  };
  return (first, height, { ids, size }, required) => {
    if (!makeRoom(height, size)) {
      sparse ??= mapOf(list);
      pairSparsely(list, sparse, first, ids, required);
      return;
    }
    const table = dense;
    for (let i = 0; i < ids.length; i++) {
      if (first[i] === noGroup || (required && ids[i] === 0)) {
        ids[i] = noGroup;
        continue;
      }
      const at = first[i] * width + ids[i];
      if (table[at] === notMet) table[at] = list.add(first[i], ids[i]);
      ids[i] = table[at];
    }
  };
}

function mapOf(list: PairList): Map<number, number> {
  const map = new Map<number, number>();
  for (let id = 0; id < list.count(); id++) map.set(list.first(id) * maxGroups + list.second(id), id);
  return map;
}

function pairSparsely(list: PairList, known: Map<number, number>, first: Uint32Array, second: Uint32Array, required: boolean): void {
  for (let i = 0; i < second.length; i++) {
    if (first[i] === noGroup || (required && second[i] === 0)) {
      second[i] = noGroup;
      continue;
    }
    const key = first[i] * maxGroups + second[i];
    let id = known.get(key);
    if (id === undefined) {
      id = list.add(first[i], second[i]);
      known.set(key, id);
    }
    second[i] = id;
  }
}
