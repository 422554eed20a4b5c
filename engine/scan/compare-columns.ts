import { AppError } from '#engine/base/errors.ts';
import type { Dictionary, Kernels, Pages } from '#engine/kernels/kernels.ts';
import { areFewIds, noNumber, type Tallied, tallyIds, tallyWithMissing } from '#engine/kernels/tally.ts';
import { hashDictionary, numberTexts } from '#engine/kernels/text-hashes.ts';
import { openTypedValues } from '#engine/kernels/typed-values.ts';
import { type NumberedValues, numberSlotIds, numberSlotValues } from '#engine/kernels/value-numbers.ts';
import type { LeafColumn } from '#engine/parquet/schema.ts';
import type { ColumnSource } from '#engine/vparquet/sources.ts';
import type { Comparison } from './compare.ts';
import type { ComparedLevel, RowGroupRuns, Runs } from './compare-runs.ts';
import { dictionaryTexts, numberedTexts, numberPlainTexts } from './compare-texts.ts';
import { comparedKind, type LocalTexts, type LocalValues } from './compare-values.ts';
import { dictionaryOf, onColumn, pagesOf, type RowGroup } from './row-group.ts';
import { slotBound } from './structure.ts';
import { readValues, type Values, valueKind } from './values.ts';

/** What was counted of a column. Views of WASM memory are in it: valid until that moves. */
interface CountedColumn {
  readonly tallied: Tallied;
  readonly values: LocalValues;
  /** Spans without a value, by cell. */
  readonly missing: Uint32Array;
}

/** Counts the values of a column; spans without one count for nil. */
export async function countColumn(
  comparison: Comparison,
  group: RowGroup,
  source: ColumnSource & { readonly level: ComparedLevel },
  attribute: number,
  { of, cellTotals }: RowGroupRuns,
): Promise<void> {
  const { counts, intervals } = comparison;
  const { kernels } = group;
  const { column } = source;
  const runs = await of(source.level);
  const pages = await pagesOf(group, column);
  if (pages.valueCount === 0) return counts.addNil(attribute, cellTotals);
  const isList = source.repeatedValues && pages.entryCount !== slotBound(group, source.level);
  if (!isList) checkEntries(group, column, pages, runs);
  const dictionary = column.type === 'bytes' ? await dictionaryOf(group, column) : undefined;
  const lists = isList ? await readValues(group, { level: source.level, sources: [source] }, distinctSlots(group, runs)) : undefined;
  const mark = kernels.mark();
  const counting: Counting = { kernels, attribute, runs, intervals, cellTotals };
  const { tallied, values, missing } =
    lists !== undefined
      ? countLists(counting, lists)
      : dictionary !== undefined
        ? await countDictionary(counting, group, column, pages, dictionary)
        : await countEntries(counting, group, source, pages);
  counts.addNil(attribute, missing);
  counts.add(tallied, values);
  kernels.release(mark);
}

/** Columns of one level must cover its slots, or slots would mean different spans. */
function checkEntries(group: RowGroup, column: LeafColumn, { entryCount }: Pages, { slotEnd }: Runs): void {
  if (entryCount >= slotEnd) return;
  const place = `block ${group.reader.name}, row group ${group.index}, column ${column.path}`;
  throw new AppError('corrupt_block', `${place}: it has ${entryCount} entries where its level has ${slotEnd}`);
}

/** What a column is counted for. */
interface Counting {
  readonly kernels: Kernels;
  readonly attribute: number;
  readonly runs: Runs;
  readonly intervals: number;
  readonly cellTotals: Uint32Array;
}

async function countDictionary(
  counting: Counting,
  group: RowGroup,
  column: LeafColumn,
  pages: Pages,
  dictionary: Dictionary,
): Promise<CountedColumn> {
  const { kernels } = group;
  const hashesAt = hashDictionary(kernels, dictionary);
  const ids = kernels.alloc(4 * pages.entryCount);
  await onColumn(group, column, () => kernels.ids(pages, dictionary.count, ids));
  return countIds(counting, ids, dictionary.count, () => dictionaryTexts(kernels, dictionary, hashesAt));
}

/** Texts without a dictionary, and whole numbers. */
async function countEntries(counting: Counting, group: RowGroup, { column, meaning }: ColumnSource, pages: Pages): Promise<CountedColumn> {
  const { kernels } = group;
  if (column.type === 'bytes') {
    const texts = await numberPlainTexts(group, column, pages);
    return countIds(counting, texts.ids, texts.count, () => numberedTexts(kernels, texts));
  }
  const kind = meaning === 'status' ? comparedKind.status : meaning === 'kind' ? comparedKind.kind : comparedKind.int;
  const values = openTypedValues(kernels, pages.entryCount, 0);
  await onColumn(group, column, () => values.add(pages, kind, column.maxRepetition));
  return countNumbered(counting, numberSlotValues(kernels, values, counting.runs, counting.intervals), () => undefined);
}

/** Counts ids of texts; `texts` is asked for when memory does not move any more. */
function countIds(counting: Counting, ids: number, idCount: number, texts: () => LocalTexts): CountedColumn {
  const { kernels, attribute, runs, intervals } = counting;
  if (!areFewIds(idCount, runs.count, intervals)) {
    return countNumbered(counting, numberSlotIds(kernels, ids, idCount, runs, intervals), texts);
  }
  // Few ids are numbers already.
  const { tallied, missing } = tallyIds(kernels, ids, idCount, runs, intervals);
  return { tallied, missing, values: { attribute, members: undefined, texts: texts() } };
}

function countNumbered(
  { kernels, attribute, cellTotals }: Counting,
  { records, members }: NumberedValues,
  texts: () => LocalTexts | undefined,
): CountedColumn {
  return {
    ...tallyWithMissing(kernels, records, cellTotals),
    values: { attribute, members: kernels.u32(members, 4 * records.count), texts: texts() },
  };
}

function distinctSlots({ kernels }: Pick<RowGroup, 'kernels'>, { slots, count }: Runs): Uint32Array {
  return kernels.u32(slots, count).filter((slot, i, all) => i === 0 || all[i - 1] !== slot);
}

/** A column with arrays in it: those have no number, and so are nil. */
function countLists(counting: Counting, { kinds, textAt, textLength, ints }: Values): CountedColumn {
  const { kernels, runs } = counting;
  const distinct = distinctSlots({ kernels }, runs);
  const placesAt = kernels.alloc(8 * distinct.length);
  const places = kernels.u32(placesAt, 2 * distinct.length);
  kinds.forEach((kind, i) => {
    places[2 * i] = textAt[i];
    places[2 * i + 1] = kind === valueKind.text ? textLength[i] : noNumber;
  });
  const texts = numberTexts(kernels, placesAt, distinct.length);
  const values = openTypedValues(kernels, runs.slotEnd, texts.count);
  const ids = kernels.u32(texts.ids, distinct.length);
  const ofSlots = kernels.u8(values.kinds, runs.slotEnd);
  const words = kernels.i64(values.words, runs.slotEnd);
  distinct.forEach((slot, i) => {
    if (kinds[i] !== valueKind.text && kinds[i] !== valueKind.int) return;
    ofSlots[slot] = kinds[i] === valueKind.text ? comparedKind.text : comparedKind.int;
    words[slot] = kinds[i] === valueKind.text ? BigInt(ids[i]) : ints[i];
  });
  return countNumbered(counting, numberSlotValues(kernels, values, runs, counting.intervals), () => numberedTexts(kernels, texts));
}
