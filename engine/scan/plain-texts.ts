import type { Pages } from '#engine/kernels/kernels.ts';
import type { LeafColumn } from '#engine/parquet/schema.ts';
import type { Meaning } from '#engine/vparquet/sources.ts';
import { onColumn, pagesOf, type RowGroup } from './row-group.ts';
import { idPredicate, matchesText, printId, type StringPredicate } from './string-predicates.ts';

const nullLength = 0xffffffff;

/** Texts of a column: where their (address, length) pairs are, and the part of memory that holds them all. */
interface PlainTexts {
  readonly at: number;
  readonly count: number;
  readonly start: number;
  readonly end: number;
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
    const needle = needleOf(predicate, meaning, kernels.u32(texts.at, 2 * texts.count));
    const memory = new Uint8Array(kernels.memory.buffer);
    const all = Buffer.from(memory.buffer, texts.start, texts.end - texts.start);
    if (needle !== undefined && !all.includes(Buffer.from(needle))) {
      tellNoHit(group, column, pages);
      return undefined;
    }
    const out = kernels.alloc(pages.entryCount);
    const pairs = kernels.u32(texts.at, 2 * texts.count);
    matchEach(pairs, new Uint8Array(kernels.memory.buffer), predicate, meaning, kernels.u8(out, pages.entryCount));
    return out;
  });
}

function tellNoHit({ observe }: RowGroup, column: LeafColumn, pages: Pages): void {
  observe?.({ kind: 'noHit', column: column.path, lookedIn: 'values', entries: pages.entryCount });
}

function readTexts({ kernels }: RowGroup, pages: Pages): PlainTexts {
  const count = pages.entryCount;
  const at = kernels.alloc(8 * count);
  kernels.byteArrays(pages, at);
  const pairs = kernels.u32(at, 2 * count);
  // Texts lie in memory in the order of their entries.
  let first = 0;
  while (first < pairs.length && pairs[first + 1] === nullLength) first += 2;
  let last = pairs.length - 2;
  while (last > first && pairs[last + 1] === nullLength) last -= 2;
  if (first >= pairs.length) return { at, count, start: 0, end: 0 };
  return { at, count, start: pairs[first], end: pairs[last] + pairs[last + 1] };
}

/** Whether all texts have this length. */
function allHaveLength(pairs: Uint32Array, length: number): boolean {
  let odd = 0;
  for (let i = 1; i < pairs.length; i += 2) odd |= pairs[i] === nullLength ? 0 : pairs[i] ^ length;
  return odd === 0;
}

/** Bytes that stand in memory wherever an equality holds; undefined where there is no such thing. Ids are stored as they were received, mostly in full length. */
function needleOf(predicate: StringPredicate, meaning: Meaning, pairs: Uint32Array): Uint8Array | undefined {
  if (predicate.kind !== 'compare' || predicate.operator !== '=' || predicate.literal.length === 0) return undefined;
  if (meaning === 'text') return predicate.literal;
  const digits = new TextDecoder().decode(predicate.literal);
  const idLength = meaning === 'spanId' ? 8 : 16;
  if (!/^[0-9a-f]+$/.test(digits) || digits.length > 2 * idLength || !allHaveLength(pairs, idLength)) return undefined;
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
