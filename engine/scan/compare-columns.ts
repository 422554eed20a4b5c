import { AppError } from '#engine/base/errors.ts';
import type { Dictionary, Pages } from '#engine/kernels/kernels.ts';
import { noNumber, type SlotNumbers, tallyNumbers } from '#engine/kernels/tally.ts';
import { hashDictionary } from '#engine/kernels/text-hashes.ts';
import { openValueNumbers } from '#engine/kernels/value-numbers.ts';
import type { LeafColumn } from '#engine/parquet/schema.ts';
import type { ColumnSource } from '#engine/vparquet/sources.ts';
import type { Comparison } from './compare.ts';
import type { ComparedLevel, RowGroupRuns, Runs } from './compare-runs.ts';
import { dictionaryTexts, type NumberedTexts, numberPlaces, numberPlainTexts } from './compare-texts.ts';
import { comparedKind, type LocalValues } from './compare-values.ts';
import { dictionaryOf, onColumn, pagesOf, type RowGroup } from './row-group.ts';
import { slotBound } from './structure.ts';
import { readValues, type Values, valueKind } from './values.ts';

/** The values of a column as numbers, in WASM memory. */
interface NumberedColumn {
  readonly slots: SlotNumbers;
  /** What the numbers stand for; to be asked for when memory does not move any more. */
  readonly values: () => LocalValues;
}

/** Counts the values of a column; spans without one count for nil. */
export async function countColumn(
  comparison: Comparison,
  group: RowGroup,
  source: ColumnSource & { readonly level: ComparedLevel },
  attribute: number,
  { of, cellTotals }: RowGroupRuns,
): Promise<void> {
  const { counts } = comparison;
  const { kernels } = group;
  const runs = await of(source.level);
  const pages = await pagesOf(group, source.column);
  if (pages.valueCount === 0) return counts.addNil(attribute, cellTotals);
  const isList = source.repeatedValues && pages.entryCount !== slotBound(group, source.level);
  if (!isList) checkEntries(group, source.column, pages, runs);
  const dictionary = source.column.type === 'bytes' ? await dictionaryOf(group, source.column) : undefined;
  const lists = isList ? await readValues(group, { level: source.level, sources: [source] }, distinctSlots(group, runs)) : undefined;
  const mark = kernels.mark();
  const { slots, values } =
    lists !== undefined
      ? numberLists(group, lists, attribute, runs)
      : dictionary !== undefined
        ? await numberDictionary(group, source.column, pages, dictionary, attribute)
        : await numberEntries(group, source, pages, attribute);
  const tallied = tallyNumbers(kernels, slots, runs, comparison.intervals);
  counts.addNil(
    attribute,
    cellTotals.map((total, cell) => total - tallied.cellTotals[cell]),
  );
  counts.add(tallied, values());
  kernels.release(mark);
}

/** Columns of one level must cover its slots, or slots would mean different spans. */
function checkEntries(group: RowGroup, column: LeafColumn, { entryCount }: Pages, { slotEnd }: Runs): void {
  if (entryCount >= slotEnd) return;
  const place = `block ${group.reader.name}, row group ${group.index}, column ${column.path}`;
  throw new AppError('corrupt_block', `${place}: it has ${entryCount} entries where its level has ${slotEnd}`);
}

/** Dictionary ids are numbers already. */
async function numberDictionary(
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
    values: () => ({ attribute, members: undefined, texts: dictionaryTexts(kernels, dictionary, hashesAt) }),
  };
}

/** Texts without a dictionary, and whole numbers. */
async function numberEntries(group: RowGroup, { column, meaning }: ColumnSource, pages: Pages, attribute: number): Promise<NumberedColumn> {
  const { kernels } = group;
  if (column.type === 'bytes') return numberedTexts(await numberPlainTexts(group, column, pages), attribute);
  const numbers = openValueNumbers(kernels, 0, pages.entryCount);
  const at = kernels.alloc(8 * pages.entryCount);
  const presentAt = kernels.alloc(pages.entryCount);
  await onColumn(group, column, () => {
    kernels.ints(pages, at);
    kernels.matchPresent(pages, presentAt);
  });
  const kind = meaning === 'status' ? comparedKind.status : meaning === 'kind' ? comparedKind.kind : comparedKind.int;
  numbers.addWords(at, presentAt, 0, kind, 8);
  return {
    slots: { numbers: numbers.numbers, count: numbers.count(), starts: 0 },
    values: () => ({ attribute, members: numbers.members(), texts: undefined }),
  };
}

function numberedTexts({ ids, count, texts }: NumberedTexts, attribute: number): NumberedColumn {
  return { slots: { numbers: ids, count, starts: 0 }, values: () => ({ attribute, members: undefined, texts }) };
}

function distinctSlots({ kernels }: RowGroup, { slots, count }: Runs): Uint32Array {
  return kernels.u32(slots, count).filter((slot, i, all) => i === 0 || all[i - 1] !== slot);
}

/** A column with arrays in it: those have no number, and so are nil. */
function numberLists(group: RowGroup, { kinds, textAt, textLength, ints }: Values, attribute: number, runs: Runs): NumberedColumn {
  const { kernels } = group;
  const distinct = distinctSlots(group, runs);
  const placesAt = kernels.alloc(8 * distinct.length);
  const places = kernels.u32(placesAt, 2 * distinct.length);
  kinds.forEach((kind, i) => {
    places[2 * i] = textAt[i];
    places[2 * i + 1] = kind === valueKind.text ? textLength[i] : noNumber;
  });
  const texts = numberPlaces(kernels, placesAt, distinct.length);
  const words = kernels.alloc(8 * distinct.length);
  kernels.i64(words, distinct.length).set(ints);
  const present = kernels.put(Uint8Array.from(kinds, (kind) => Number(kind === valueKind.int)));
  const numbers = openValueNumbers(kernels, 0, distinct.length);
  numbers.addTexts(texts.ids, texts.count, 0, comparedKind.text);
  numbers.addWords(words, present, 0, comparedKind.int, 8);
  // From the numbers of distinct slots to those of all.
  const numbersAt = kernels.alloc(4 * runs.slotEnd);
  const ofDistinct = kernels.u32(numbers.numbers, distinct.length);
  const ofSlots = kernels.u32(numbersAt, runs.slotEnd).fill(noNumber);
  distinct.forEach((slot, i) => {
    ofSlots[slot] = ofDistinct[i];
  });
  return {
    slots: { numbers: numbersAt, count: numbers.count(), starts: 0 },
    values: () => ({ attribute, members: numbers.members(), texts: texts.texts }),
  };
}
