import { AppError } from '#engine/base/errors.ts';
import type { Dictionary, Pages } from '#engine/kernels/kernels.ts';
import { noNumber, type SlotNumbers, tallyNumbers } from '#engine/kernels/tally.ts';
import { hashDictionary } from '#engine/kernels/text-hashes.ts';
import { openValueNumbers } from '#engine/kernels/value-numbers.ts';
import type { LeafColumn } from '#engine/parquet/schema.ts';
import type { ColumnSource } from '#engine/vparquet/sources.ts';
import type { Comparison } from './compare.ts';
import { comparedKind } from './compare-pairs.ts';
import type { ComparedLevel, RowGroupRuns, Runs } from './compare-runs.ts';
import { dictionaryTexts, internTexts, plainTextIds } from './compare-texts.ts';
import { dictionaryOf, onColumn, pagesOf, type RowGroup } from './row-group.ts';
import { slotBound } from './structure.ts';
import { readValues, type Values, valueKind } from './values.ts';

/** The values of a column as numbers. Takes back nothing: what they need stays in WASM memory. */
interface NumberedColumn {
  readonly slots: SlotNumbers;
  /** Says for which pair a number stands; to be made when memory does not move any more. */
  readonly pairs: () => (number: number) => number;
}

/** Counts the values of a column; spans without one count for nil. */
export async function countColumn(
  comparison: Comparison,
  group: RowGroup,
  source: ColumnSource & { readonly level: ComparedLevel },
  attribute: number,
  { of, cellTotals }: RowGroupRuns,
): Promise<void> {
  const { counts, pairs } = comparison;
  const { kernels } = group;
  const runs = await of(source.level);
  const pages = await pagesOf(group, source.column);
  const nil = pairs.pairOf(attribute, comparedKind.nil, 0, 0);
  if (pages.valueCount === 0) return counts.addCells(nil, cellTotals);
  const isList = source.repeatedValues && pages.entryCount !== slotBound(group, source.level);
  if (!isList) checkEntries(group, source.column, pages, runs);
  const dictionary = source.column.type === 'bytes' ? await dictionaryOf(group, source.column) : undefined;
  const values = isList ? await readValues(group, { level: source.level, sources: [source] }, distinctSlots(group, runs)) : undefined;
  const mark = kernels.mark();
  const numbered =
    values !== undefined
      ? numberLists(comparison, group, values, attribute, runs)
      : dictionary !== undefined
        ? await numberDictionary(comparison, group, source.column, pages, dictionary, attribute)
        : await numberEntries(comparison, group, source, pages, attribute);
  const tallied = tallyNumbers(kernels, numbered.slots, runs, comparison.intervals);
  counts.add(tallied, numbered.pairs());
  counts.addCells(
    nil,
    cellTotals.map((total, cell) => total - tallied.cellTotals[cell]),
  );
  kernels.release(mark);
}

/** Columns of one level must cover its slots, or slots would mean different spans. */
function checkEntries(group: RowGroup, column: LeafColumn, { entryCount }: Pages, { slotEnd }: Runs): void {
  if (entryCount >= slotEnd) return;
  const place = `block ${group.reader.name}, row group ${group.index}, column ${column.path}`;
  throw new AppError('corrupt_block', `${place}: it has ${entryCount} entries where its level has ${slotEnd}`);
}

/** Dictionary ids are numbers already; each entry that occurs is looked at once. */
async function numberDictionary(
  { pairs, texts }: Comparison,
  group: RowGroup,
  column: LeafColumn,
  pages: Pages,
  dictionary: Dictionary,
  attribute: number,
): Promise<NumberedColumn> {
  const { kernels } = group;
  const numbers = kernels.alloc(4 * pages.entryCount);
  await onColumn(group, column, () => kernels.ids(pages, dictionary.count, numbers));
  const hashesAt = hashDictionary(kernels, dictionary);
  return {
    slots: { numbers, count: dictionary.count, starts: 0 },
    pairs: () => {
      const textOf = dictionaryTexts(texts, kernels, dictionary, hashesAt);
      return (id) => pairs.pairOfText(attribute, textOf(id));
    },
  };
}

/** Texts without a dictionary, and whole numbers. */
async function numberEntries(
  { pairs, texts }: Comparison,
  group: RowGroup,
  { column, meaning }: ColumnSource,
  pages: Pages,
  attribute: number,
): Promise<NumberedColumn> {
  const { kernels } = group;
  const numbers = openValueNumbers(kernels, 0, pages.entryCount);
  if (column.type === 'bytes') numbers.addTexts(await plainTextIds(texts, group, column, pages), texts.count(), 0, comparedKind.text);
  else {
    const at = kernels.alloc(8 * pages.entryCount);
    const presentAt = kernels.alloc(pages.entryCount);
    await onColumn(group, column, () => {
      kernels.ints(pages, at);
      kernels.matchPresent(pages, presentAt);
    });
    const kind = meaning === 'status' ? comparedKind.status : meaning === 'kind' ? comparedKind.kind : comparedKind.int;
    numbers.addWords(at, presentAt, 0, kind, 8);
  }
  return {
    slots: { numbers: numbers.numbers, count: numbers.count(), starts: 0 },
    pairs: () => {
      const members = numbers.members();
      return (number) => pairs.pairOf(attribute, members[4 * number + 2], members[4 * number], members[4 * number + 1]);
    },
  };
}

function distinctSlots({ kernels }: RowGroup, { slots, count }: Runs): Uint32Array {
  return kernels.u32(slots, count).filter((slot, i, all) => i === 0 || all[i - 1] !== slot);
}

/** A column with arrays in it: those have no number, and so are nil. */
function numberLists({ pairs, texts }: Comparison, group: RowGroup, values: Values, attribute: number, runs: Runs): NumberedColumn {
  const { kernels } = group;
  const { kinds, textAt, textLength, ints } = values;
  const slots = distinctSlots(group, runs);
  const placesAt = kernels.alloc(8 * slots.length);
  const places = kernels.u32(placesAt, 2 * slots.length);
  kinds.forEach((kind, i) => {
    places[2 * i] = textAt[i];
    places[2 * i + 1] = kind === valueKind.text ? textLength[i] : noNumber;
  });
  const textsAt = internTexts(texts, kernels, placesAt, slots.length);
  const numbersAt = kernels.alloc(4 * runs.slotEnd);
  const numbers = kernels.u32(numbersAt, runs.slotEnd).fill(noNumber);
  const ofTexts = kernels.u32(textsAt, slots.length);
  const members: number[] = [];
  const known = new Map<number, number>();
  slots.forEach((slot, i) => {
    let pair: number;
    if (kinds[i] === valueKind.text) pair = pairs.pairOfText(attribute, ofTexts[i]);
    else if (kinds[i] === valueKind.int)
      pair = pairs.pairOf(attribute, comparedKind.int, Number(BigInt.asUintN(32, ints[i])), Number(ints[i] >> 32n));
    else return;
    let number = known.get(pair);
    if (number === undefined) {
      number = members.push(pair) - 1;
      known.set(pair, number);
    }
    numbers[slot] = number;
  });
  return { slots: { numbers: numbersAt, count: members.length, starts: 0 }, pairs: () => (number) => members[number] };
}
