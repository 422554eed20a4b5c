import { createArena } from './arena.ts';
import { kernelsWasmBase64 } from './gen/kernels-wasm.js';
import type { ColumnShape, Comparison, Dictionary, FooterTable, Kernels, Pages } from './kernels.ts';
import { chunkFields } from './kernels.ts';
import { createCheck, joinPages, needHits, openDictionary, type PageContext, placeDictionary, walkPages } from './page-table.ts';
import type { WasmExports } from './wasm-exports.ts';

/** Numbers of the comparisons in `assembly/compare.ts`. */
const comparisonNumbers: Readonly<Record<Comparison, number>> = { '=': 0, '!=': 1, '<': 2, '<=': 3, '>': 4, '>=': 5 };
/** Numbers of what columns are decoded to in `assembly/decode.ts`; of byte arrays their ids. */
const decodedTypes: Readonly<Record<ColumnShape['type'], number>> = { bytes: 0, int32: 1, int64: 1, double: 2, boolean: 4 };
const maxMemoryBytes = 65536 * 65536;

let compiled: WebAssembly.Module | undefined;

/** Options of {@link loadKernels}. */
export interface KernelOptions {
  /** Bound of the memory, scratch included; beyond it calls throw `resource_exhausted`. */
  readonly maxBytes: number;
  /** Default true. Checking takes about a fifth of a nanosecond for each byte of a page. */
  readonly verifyChecksums?: boolean;
  /** For tests: views become empty whenever space is taken, so that one that is used too long is noticed. */
  readonly detachViews?: boolean;
}

/** A new instance of the kernels with a memory of its own; the module is compiled once in a process. */
export function loadKernels(options: KernelOptions): Kernels {
  compiled ??= new WebAssembly.Module(Buffer.from(kernelsWasmBase64, 'base64'));
  const { exports } = new WebAssembly.Instance(compiled);
  const wasm = exports as unknown as WasmExports;
  const arena = createArena(wasm.memory, wasm.heapBase(), Math.min(options.maxBytes, maxMemoryBytes), options.detachViews ?? false);
  const binding: PageContext = { wasm, arena, check: createCheck(wasm), verifyChecksums: options.verifyChecksums ?? true };
  return {
    memory: wasm.memory,
    exports,
    ...bindArena(binding),
    footer: (at, length) => readFooter(binding, at, length),
    pages: (at, length, column, plain) => walkPages(binding, at, length, column, plain),
    joinPages: (parts) => joinPages(binding, parts),
    dictionary: (at, length, column) => openDictionary(binding, at, length, column),
    plainDictionary: (plain, column) => placeDictionary(binding, plain, column),
    ...bindDictionaries(binding),
    ...bindMatching(binding),
    ...bindDecoding(binding),
    ...bindGathering(binding),
    ...bindSlots(binding),
    ...bindAttributes(binding),
  };
}

function bindArena({ wasm, arena }: PageContext) {
  return {
    alloc: arena.alloc,
    mark: arena.mark,
    release: arena.release,
    put(bytes: Uint8Array): number {
      const at = arena.alloc(bytes.length);
      new Uint8Array(wasm.memory.buffer, at, bytes.length).set(bytes);
      return at;
    },
    u8: (at: number, length: number) => new Uint8Array(wasm.memory.buffer, at, length),
    u32: (at: number, length: number) => new Uint32Array(wasm.memory.buffer, at, length),
    i64: (at: number, length: number) => new BigInt64Array(wasm.memory.buffer, at, length),
    f64: (at: number, length: number) => new Float64Array(wasm.memory.buffer, at, length),
  };
}

// A column chunk takes more than 24 bytes of a footer and a row group more than 4, so the length bounds both.
const chunkMinBytes = 24;
const rowGroupMinBytes = 4;

function readFooter({ wasm, arena, check }: PageContext, at: number, length: number): FooterTable {
  const start = arena.mark();
  const chunkCapacity = Math.ceil(length / chunkMinBytes);
  const groupCapacity = Math.ceil(length / rowGroupMinBytes);
  const chunks = arena.alloc(chunkCapacity * chunkFields.length * 8);
  const groupRows = arena.alloc(groupCapacity * 8);
  try {
    const groupCount = check(wasm.footer(at, length, chunks, chunkCapacity, groupRows, groupCapacity));
    const columnCount = wasm.footerColumns();
    return {
      rowCount: wasm.footerRows(),
      rowGroupRows: new Float64Array(wasm.memory.buffer, groupRows, groupCount).slice(),
      columnCount,
      schema: { start: wasm.footerSchemaStart(), end: wasm.footerSchemaEnd() },
      chunks: new Float64Array(wasm.memory.buffer, chunks, groupCount * columnCount * chunkFields.length).slice(),
    };
  } finally {
    arena.release(start);
  }
}

function bindDictionaries({ wasm, arena }: PageContext) {
  /** Runs `use` with the bytes in WASM memory. */
  function withBytes(bytes: Uint8Array, use: (at: number) => number): number {
    const start = arena.mark();
    const at = arena.alloc(bytes.length);
    new Uint8Array(wasm.memory.buffer, at, bytes.length).set(bytes);
    const result = use(at);
    arena.release(start);
    return result;
  }
  return {
    findInDictionary: ({ at, offsets, count }: Dictionary, needle: Uint8Array) =>
      withBytes(needle, (needleAt) => wasm.findInDictionary(at, offsets, count, needleAt, needle.length)),
    compareDictionary: ({ at, offsets, count }: Dictionary, comparison: Comparison, literal: Uint8Array, hits: number) =>
      withBytes(literal, (literalAt) =>
        wasm.compareDictionary(at, offsets, count, comparisonNumbers[comparison], literalAt, literal.length, hits),
      ),
  };
}

function bindMatching({ wasm, arena, check }: PageContext) {
  return {
    matchIds({ table, pageCount }: Pages, hits: number, dictionaryCount: number, out: number): void {
      needHits(arena, dictionaryCount);
      check(wasm.matchIds(table, pageCount, hits, dictionaryCount, arena.scratch(), out));
    },
    matchInts({ table, pageCount }: Pages, comparison: Comparison, literal: bigint, out: number): void {
      check(wasm.matchInts(table, pageCount, comparisonNumbers[comparison], literal, arena.scratch(), out));
    },
    matchDoubles({ table, pageCount }: Pages, comparison: Comparison, literal: number, out: number): void {
      check(wasm.matchDoubles(table, pageCount, comparisonNumbers[comparison], literal, arena.scratch(), out));
    },
    matchBooleans({ table, pageCount }: Pages, comparison: Comparison, literal: boolean, out: number): void {
      if (comparison !== '=' && comparison !== '!=') throw new RangeError(`booleans have no order: ${comparison}`);
      const satisfied = (comparison === '=') === literal ? 1 : 2;
      check(wasm.matchBooleans(table, pageCount, satisfied, arena.scratch(), out));
    },
    matchPresent({ table, pageCount }: Pages, out: number): void {
      check(wasm.matchPresent(table, pageCount, arena.scratch(), out));
    },
    compareInts(values: number, count: number, comparison: Comparison, literal: bigint, out: number): void {
      wasm.compareInts(values, count, comparisonNumbers[comparison], literal, out);
    },
    compareDoubles(values: number, count: number, comparison: Comparison, literal: number, out: number): void {
      wasm.compareDoubles(values, count, comparisonNumbers[comparison], literal, out);
    },
  };
}

function bindDecoding({ wasm, arena, check }: PageContext) {
  return {
    ids({ table, pageCount }: Pages, dictionaryCount: number, out: number): void {
      check(wasm.decodeIds(table, pageCount, dictionaryCount, arena.scratch(), out));
    },
    ints({ table, pageCount }: Pages, out: number): void {
      check(wasm.decodeInts(table, pageCount, arena.scratch(), out));
    },
    doubles({ table, pageCount }: Pages, out: number): void {
      check(wasm.decodeDoubles(table, pageCount, arena.scratch(), out));
    },
    booleans({ table, pageCount }: Pages, out: number): void {
      check(wasm.decodeBooleans(table, pageCount, arena.scratch(), out));
    },
    byteArrays({ table, pageCount }: Pages, out: number): void {
      const keep = arena.alloc(wasm.keptBytes(table, pageCount, 0, 0));
      check(wasm.decodeByteArrays(table, pageCount, arena.scratch(), keep, out));
    },
    typed(
      { shape, table, pageCount }: Pages,
      dictionaryCount: number,
      level: number,
      kind: number,
      kinds: number,
      words: number,
      capacity: number,
    ) {
      const type = decodedTypes[shape.type];
      return check(wasm.addTyped(type, table, pageCount, dictionaryCount, arena.scratch(), level, kind, kinds, words, capacity));
    },
    repetitions({ table, pageCount }: Pages, out: number): void {
      check(wasm.decodeRepetitions(table, pageCount, out));
    },
    definitions({ table, pageCount }: Pages, out: number): void {
      check(wasm.decodeDefinitions(table, pageCount, out));
    },
  };
}

function bindGathering({ wasm, arena, check }: PageContext) {
  return {
    gatherIds({ table, pageCount }: Pages, dictionaryCount: number, entries: number, count: number, out: number): void {
      check(wasm.gatherIds(table, pageCount, dictionaryCount, entries, count, arena.scratch(), out));
    },
    gatherInts({ table, pageCount }: Pages, entries: number, count: number, out: number): void {
      check(wasm.gatherInts(table, pageCount, entries, count, arena.scratch(), out));
    },
    gatherDoubles({ table, pageCount }: Pages, entries: number, count: number, out: number): void {
      check(wasm.gatherDoubles(table, pageCount, entries, count, arena.scratch(), out));
    },
    gatherBooleans({ table, pageCount }: Pages, entries: number, count: number, out: number): void {
      check(wasm.gatherBooleans(table, pageCount, entries, count, arena.scratch(), out));
    },
    gatherByteArrays({ table, pageCount }: Pages, entries: number, count: number, out: number): void {
      const keep = arena.alloc(wasm.keptBytes(table, pageCount, entries, count));
      check(wasm.gatherByteArrays(table, pageCount, entries, count, arena.scratch(), keep, out));
    },
  };
}

function bindSlots({ wasm, check }: PageContext) {
  return {
    starts: (repetitions: number, count: number, level: number, out: number, capacity: number) =>
      check(wasm.starts(repetitions, count, level, out, capacity)),
    expand: wasm.expand,
    anyChild: wasm.anyChild,
    anyByRepetition: (children: number, repetitions: number, count: number, level: number, out: number) =>
      check(wasm.anyByRepetition(children, repetitions, count, level, out)),
    and: wasm.and,
    or: wasm.or,
    andNot: wasm.andNot,
    not: wasm.not,
    any: (a: number, count: number) => wasm.any(a, count) !== 0,
    countOnes: wasm.countOnes,
    indexes: wasm.indexes,
    pickSpans: wasm.pickSpans,
  };
}

function bindAttributes({ wasm, arena, check }: PageContext): Pick<Kernels, 'matchAttributes' | 'findAttributes'> {
  return {
    matchAttributes({ table, pageCount }, keyHits, dictionaryCount, candidates, out, ownerCapacity) {
      needHits(arena, dictionaryCount);
      return check(wasm.matchAttributes(table, pageCount, keyHits, dictionaryCount, candidates, arena.scratch(), out, ownerCapacity));
    },
    findAttributes({ table, pageCount }, keyHits, dictionaryCount, wanted, ownerCapacity, outOwners, outEntries, capacity) {
      needHits(arena, dictionaryCount);
      const scratch = arena.scratch();
      return check(
        wasm.findAttributes(table, pageCount, keyHits, dictionaryCount, wanted, ownerCapacity, scratch, outOwners, outEntries, capacity),
      );
    },
  };
}
