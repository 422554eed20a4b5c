import { AppError } from '#engine/base/errors.ts';

/** A span that no group counts. */
export const noGroup = 0xffffffff;
/** Groups of one job: a bound for its memory. */
const maxGroups = 2 ** 22;
/** Pairs that are looked up in an array rather than in a map. */
const maxDensePairs = 2 ** 20;

/** Tuples of value numbers that a job has met, numbered from 0 in order of appearance. */
export interface GroupTable {
  readonly count: () => number;
  /** Group of each span, from its number in each column; the columns are those of every call. Columns of `required` without value (0) give {@link noGroup}. */
  readonly groupsOf: (columns: readonly Uint32Array[], length: number) => Uint32Array;
  /** The numbers that make up a group, one for each column. */
  readonly members: (group: number) => readonly number[];
}

/** An empty table of tuples; `requiredColumn`: index of the column whose 0 leaves a span out. */
export function createGroupTable(columnCount: number, requiredColumn?: number): GroupTable {
  const pairs = Array.from({ length: columnCount }, () => createPairTable());
  return {
    count: () => (columnCount === 0 ? 1 : pairs[columnCount - 1].count()),
    groupsOf: (columns, length) => {
      let groups = new Uint32Array(length);
      columns.forEach((column, index) => {
        const next = new Uint32Array(length);
        pairs[index].pair(groups, column, next, index === requiredColumn);
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
  // The same pairs as an array of rows where numbers are small, and as a map where they are not.
  let dense = new Int32Array(0);
  let width = 0;
  const sparse = new Map<number, number>();

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
  const lookUp = (first: number, second: number): number => {
    const key = first * 2 ** 24 + second;
    let id = sparse.get(key);
    if (id === undefined) {
      id = add(first, second);
      sparse.set(key, id);
    }
    return id;
  };
  /** Makes room for pairs below these numbers; false where that is too much. */
  const prepareDense = (height: number, wanted: number): boolean => {
    if (height * wanted > maxDensePairs || sparse.size > 0) return false;
    if (wanted <= width && height * width <= dense.length) return true;
    width = Math.max(width, wanted);
    if (height * width > maxDensePairs) return false;
    dense = new Int32Array(Math.max(height * width, Math.min(maxDensePairs, 2 * dense.length))).fill(-1);
    for (let id = 0; id < count; id++) dense[firsts[id] * width + seconds[id]] = id;
    return true;
  };
  const toSparse = () => {
    if (sparse.size === 0) for (let id = 0; id < count; id++) sparse.set(firsts[id] * 2 ** 24 + seconds[id], id);
  };
  return {
    count: () => count,
    parts: (id: number) => ({ first: firsts[id], second: seconds[id] }),
    pair: (first: Uint32Array, second: Uint32Array, out: Uint32Array, required: boolean): void => {
      const isDense = prepareDense(largest(first) + 1, largest(second) + 1);
      if (!isDense) toSparse();
      for (let i = 0; i < out.length; i++) {
        if (first[i] === noGroup || (required && second[i] === 0)) out[i] = noGroup;
        else if (!isDense) out[i] = lookUp(first[i], second[i]);
        else {
          const at = first[i] * width + second[i];
          if (dense[at] < 0) dense[at] = add(first[i], second[i]);
          out[i] = dense[at];
        }
      }
    },
  };
}

function largest(numbers: Uint32Array): number {
  let most = 0;
  for (let i = 0; i < numbers.length; i++) if (numbers[i] > most && numbers[i] !== noGroup) most = numbers[i];
  return most;
}

function grown(numbers: Uint32Array): Uint32Array<ArrayBuffer> {
  const larger = new Uint32Array(2 * numbers.length);
  larger.set(numbers);
  return larger;
}
