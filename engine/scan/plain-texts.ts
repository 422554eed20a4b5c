import type { Pages } from '#engine/kernels/kernels.ts';
import type { LeafColumn } from '#engine/parquet/schema.ts';
import type { Meaning } from '#engine/vparquet/sources.ts';
import { onColumn, pagesOf, type RowGroup } from './row-group.ts';
import { idPredicate, matchesText, printId, type StringPredicate } from './string-predicates.ts';

const nullLength = 0xffffffff;

/** Texts of a column, as (address, length) pairs, and the part of memory that holds them all. */
interface PlainTexts {
  readonly pairs: Uint32Array;
  readonly start: number;
  readonly end: number;
  /** The length that all of them have, or undefined when they differ. */
  readonly commonLength: number | undefined;
}

/**
 * One byte per entry of a byte-array column without dictionary (ids, status messages, blobs), or undefined when no text satisfies the
 * predicate. An equality is looked for in all texts at once first: most often the literal stands nowhere.
 */
export async function matchPlainTexts(
  group: RowGroup,
  column: LeafColumn,
  strings: StringPredicate,
  meaning: Meaning,
): Promise<number | undefined> {
  const pages = await pagesOf(group, column);
  return onColumn(group, column, () => {
    const { kernels } = group;
    const texts = readTexts(group, pages);
    const predicate = meaning === 'text' ? strings : idPredicate(strings, meaning);
    const needle = needleOf(predicate, meaning, texts.commonLength);
    const memory = new Uint8Array(kernels.memory.buffer);
    if (needle !== undefined && !Buffer.from(memory.buffer, texts.start, texts.end - texts.start).includes(Buffer.from(needle))) {
      tellNoHit(group, column, pages);
      return undefined;
    }
    const out = kernels.alloc(pages.entryCount);
    matchEach(texts.pairs, new Uint8Array(kernels.memory.buffer), predicate, meaning, kernels.u8(out, pages.entryCount));
    if (group.observe !== undefined && !kernels.any(out, pages.entryCount)) tellNoHit(group, column, pages);
    return out;
  });
}

function tellNoHit({ observe }: RowGroup, column: LeafColumn, pages: Pages): void {
  observe?.({ kind: 'noHit', column: column.path, lookedIn: 'values', entries: pages.entryCount });
}

function readTexts({ kernels }: RowGroup, pages: Pages): PlainTexts {
  const count = pages.entryCount;
  const pairsAt = kernels.alloc(8 * count);
  kernels.byteArrays(pages, pairsAt);
  // Taken now, so that the views stay valid when the flags are allocated behind them.
  const pairs = kernels.u32(pairsAt, 2 * count).slice();
  let start = Number.POSITIVE_INFINITY;
  let end = 0;
  let commonLength: number | undefined;
  let mixed = false;
  for (let i = 0; i < pairs.length; i += 2) {
    const length = pairs[i + 1];
    if (length === nullLength) continue;
    if (pairs[i] < start) start = pairs[i];
    if (pairs[i] + length > end) end = pairs[i] + length;
    if (commonLength === undefined) commonLength = length;
    else if (length !== commonLength) mixed = true;
  }
  return { pairs, start: Math.min(start, end), end, commonLength: mixed ? undefined : commonLength };
}

/** Bytes that stand in memory wherever an equality holds; undefined where there is no such thing. Ids are stored as they were received, mostly in full length. */
function needleOf(predicate: StringPredicate, meaning: Meaning, commonLength: number | undefined): Uint8Array | undefined {
  if (predicate.kind !== 'compare' || predicate.operator !== '=' || predicate.literal.length === 0) return undefined;
  if (meaning === 'text') return predicate.literal;
  const digits = new TextDecoder().decode(predicate.literal);
  const idLength = meaning === 'spanId' ? 8 : 16;
  if (commonLength !== idLength || !/^[0-9a-f]+$/.test(digits) || digits.length > 2 * idLength) return undefined;
  return Buffer.from(digits.padStart(2 * idLength, '0'), 'hex');
}

function matchEach(pairs: Uint32Array, memory: Uint8Array, predicate: StringPredicate, meaning: Meaning, flags: Uint8Array): void {
  const printed = new Uint8Array(32);
  for (let i = 0; i < flags.length; i++) {
    const at = pairs[2 * i];
    const length = pairs[2 * i + 1];
    if (length === nullLength) flags[i] = 0;
    else if (meaning === 'text') flags[i] = Number(matchesText(predicate, memory, at, at + length));
    else {
      const text = printId(memory, at, length, meaning, printed);
      flags[i] = Number(matchesText(predicate, printed, text.start, text.end));
    }
  }
}
