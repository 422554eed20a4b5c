import type { SeededRandom } from './random.ts';
import type { FileRange, SampleBlock } from './sample-block.ts';

/** A damaged block. */
export interface DamagedBlock {
  readonly data: Uint8Array;
  /** Text of meta.json. */
  readonly meta: string;
  /** What was done to it. */
  readonly what: string;
  /** True where page checksums must reveal the damage: an answer that differs from the whole block's is wrong. */
  readonly checksummed: boolean;
}

/** `pages` are those that the query reads; there may be none. */
type Damage = (block: SampleBlock, random: SeededRandom, pages: readonly FileRange[]) => Partial<DamagedBlock> & { readonly what: string };

/** Page headers are shorter; they are not covered by the checksum that stands in them. */
const maxPageHeaderBytes = 160;
const wildNumbers = [0, 1, 2, 7, 100, 65_536, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1, 2 ** 53 - 1, -1, 1.5, '12', null];

const damages: readonly Damage[] = [
  truncate,
  wrongMagic,
  wrongFooterLength,
  (block, random) => flip(block, random, block.footer, 'footer'),
  (block, random) => flip(block, random, block.footer, 'footer'),
  (block, random) => flip(block, random, block.indexes, 'indexes'),
  flipPagePayload,
  flipPagePayload,
  flipPageHeader,
  flipPageHeader,
  overwrite,
  swap,
  wildMeta,
  flipMeta,
];

/** Damages a block in one of many ways; `pages` are those that are read. */
export function damage(block: SampleBlock, pages: readonly FileRange[], random: SeededRandom): DamagedBlock {
  const done = random.pick(damages)(block, random, pages);
  return { data: block.data, meta: JSON.stringify(block.meta), checksummed: false, ...done };
}

function truncate({ data, meta }: SampleBlock, random: SeededRandom) {
  const sizeBytes = random.below(data.length);
  const told = random.below(2) === 0 ? { meta: JSON.stringify({ ...meta, size: sizeBytes }) } : {};
  return { data: data.subarray(0, sizeBytes), ...told, what: `cut to ${sizeBytes} of ${data.length} bytes` };
}

function wrongMagic({ data }: SampleBlock, random: SeededRandom) {
  const at = random.pick([0, data.length - 4]) + random.below(4);
  return { data: withBytes(data, at, [random.below(256)]), what: `magic byte ${at}` };
}

function wrongFooterLength({ data }: SampleBlock, random: SeededRandom) {
  const length = random.pick([0, 1, 8, 1000, data.length - 8, data.length, 2 ** 31, 2 ** 32 - 1, random.below(data.length)]);
  const little = [length & 255, (length >>> 8) & 255, (length >>> 16) & 255, (length >>> 24) & 255];
  return { data: withBytes(data, data.length - 8, little), what: `footer length ${length}` };
}

function flip({ data }: SampleBlock, random: SeededRandom, { start, end }: FileRange, place: string) {
  const changed = data.slice();
  const places = Array.from({ length: 1 + random.below(4) }, () => start + random.below(end - start));
  for (const at of places) changed[at]! ^= 1 << random.below(8);
  return { data: changed, what: `${place}: bit flips at ${places.join(', ')}` };
}

function flipPagePayload(block: SampleBlock, random: SeededRandom, pages: readonly FileRange[]) {
  const isLong = ({ start, end }: FileRange): boolean => end - start > 2 * maxPageHeaderBytes;
  const { start, end } = random.pick(pages.some(isLong) ? pages.filter(isLong) : block.pages.filter(isLong));
  return { ...flip(block, random, { start: start + maxPageHeaderBytes, end }, `page [${start}, ${end})`), checksummed: true };
}

function flipPageHeader(block: SampleBlock, random: SeededRandom, pages: readonly FileRange[]) {
  const { start, end } = random.pick(pages.length > 0 ? pages : block.pages);
  return flip(block, random, { start, end: Math.min(end, start + 40) }, `page header at ${start}`);
}

function overwrite({ data }: SampleBlock, random: SeededRandom) {
  const start = random.below(data.length);
  const end = Math.min(data.length, start + 1 + random.below(5_000));
  const value = random.pick([0, 0x7f, 0x80, 0xff]);
  return { data: data.slice().fill(value, start, end), what: `[${start}, ${end}) filled with ${value}` };
}

function swap({ data }: SampleBlock, random: SeededRandom) {
  const length = 1 + random.below(2_000);
  const [from, to] = [random.below(data.length - length), random.below(data.length - length)];
  const changed = data.slice();
  changed.copyWithin(to, from, from + length);
  return { data: changed, what: `${length} bytes copied from ${from} to ${to}` };
}

function wildMeta({ meta }: SampleBlock, random: SeededRandom) {
  const wild = {
    size: random.pick(wildNumbers),
    footerSize: random.pick(wildNumbers),
    totalRecords: random.pick(wildNumbers),
    format: random.pick(['vParquet2', 'vParquet3', 'vParquet4', 'vParquet5', 'vParquet99', 'v2', '', null]),
    dedicatedColumns: random.pick<unknown>([
      [],
      {},
      null,
      [{ n: 'http.method' }],
      [{ s: 'resource', n: 'x', t: 'int' }],
      [{ n: '' }],
      Array.from({ length: 500 }, (_, i) => ({ n: `a${i}` })),
    ]),
    blockID: random.pick(['', 'x', null]),
    startTime: random.pick(['', '0001-01-01T00:00:00Z', null]),
  };
  const member = random.pick(Object.keys(wild) as (keyof typeof wild)[]);
  return {
    meta: JSON.stringify({ ...meta, [member]: wild[member] }),
    what: `meta.json: ${member} ${JSON.stringify(wild[member])?.slice(0, 40)}`,
  };
}

function flipMeta({ meta }: SampleBlock, random: SeededRandom) {
  const text = Buffer.from(JSON.stringify(meta));
  const at = random.below(text.length);
  text[at] = random.below(256);
  return { meta: text.toString('latin1'), what: `meta.json: byte ${at}` };
}

function withBytes(data: Uint8Array, at: number, bytes: readonly number[]): Uint8Array {
  const changed = data.slice();
  changed.set(bytes, at);
  return changed;
}
