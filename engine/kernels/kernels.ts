import type { AppError } from '#engine/base/errors.ts';

/**
 * The contract of the kernels: hot loops over WASM memory, written in AssemblyScript (`assembly/`), bound in `load.ts`.
 *
 * Addresses are byte offsets into one linear memory. The caller owns the layout: it takes space from the arena, fills it, calls kernels that
 * write into space it took, and gives everything back at once with `release`. A view is valid until memory moves, which calls that take space may do:
 * those of the arena, of files and of dictionaries, and the kernels of byte arrays.
 *
 * Words: an **entry** is one (repetition, definition) pair of a column; entries of a column whose repetition level is k are the slots of that
 * level, placeholders of empty lists included, so all columns of one level and the same ancestors have the same entries. A **byte map** is one
 * byte per slot, 0 or 1. A **value** is an entry that is not null. Ends are exclusive.
 *
 * Every kernel that reads file bytes checks lengths against the page and the page against its chunk. What does not fit throws an AppError
 * `corrupt_block` with a text that names the fault; the caller adds block, row group and column.
 *
 * What a kernel writes may run over the end of `out` by up to 64 bytes, which is the slack of `alloc`: give every output its own space. What a
 * kernel reads beside file bytes (byte maps, start lists, entry lists) is the caller's: check that columns of one level have equally many entries.
 */
export interface Kernels {
  readonly memory: WebAssembly.Memory;
  /** The module's raw functions, for bindings in files of their own (`encode.ts`). */
  readonly exports: WebAssembly.Exports;

  // ---- arena

  /** Takes `sizeBytes` (plus 64 bytes of slack behind it), aligned to 16. Throws `resource_exhausted` beyond the limit given to `loadKernels`. */
  readonly alloc: (sizeBytes: number) => number;
  /** The arena's top, for `release`. */
  readonly mark: () => number;
  /** Gives back all that was taken since that mark. */
  readonly release: (mark: number) => void;
  /** Copies bytes into newly taken space and returns its address. */
  readonly put: (bytes: Uint8Array) => number;
  readonly u8: (at: number, length: number) => Uint8Array;
  readonly u32: (at: number, length: number) => Uint32Array;
  readonly i64: (at: number, length: number) => BigInt64Array;
  readonly f64: (at: number, length: number) => Float64Array;

  // ---- files

  /** Walks a parquet footer (thrift compact FileMetaData) once. */
  readonly footer: (at: number, length: number) => FooterTable;
  /** Walks the page headers of `[at, at+length)`, which holds whole pages, and checks page checksums where present. */
  readonly pages: (at: number, length: number, column: ColumnShape, plain?: PlainPages) => Pages;
  /** Joins pages of the same column; `firstEntry` of each page becomes what the list says (for pages picked through the offset index). */
  readonly joinPages: (parts: readonly { readonly pages: Pages; readonly firstEntry: number }[]) => Pages;
  /** Decompresses and checks a dictionary page. */
  readonly dictionary: (at: number, length: number, column: ColumnShape) => Dictionary;
  /** The same dictionary from what was decompressed and checked before. */
  readonly plainDictionary: (plain: PlainDictionary, column: ColumnShape) => Dictionary;

  // ---- dictionaries (BYTE_ARRAY)

  /** Id of the entry that equals these bytes, or -1. */
  readonly findInDictionary: (dictionary: Dictionary, needle: Uint8Array) => number;
  /** Compares every entry with these bytes (order of unsigned bytes), writes a hit table of `count` bytes and returns the number of hits. */
  readonly compareDictionary: (dictionary: Dictionary, comparison: Comparison, literal: Uint8Array, hits: number) => number;

  // ---- whole columns, one byte per entry (0 for null)

  /** `out[entry] = hits[id]`. */
  readonly matchIds: (pages: Pages, hits: number, dictionaryCount: number, out: number) => void;
  /** INT32 (sign-extended) and INT64, PLAIN and DELTA_BINARY_PACKED, compared as signed 64-bit. */
  readonly matchInts: (pages: Pages, comparison: Comparison, literal: bigint, out: number) => void;
  /** DOUBLE; IEEE comparison (NaN satisfies `!=` only). */
  readonly matchDoubles: (pages: Pages, comparison: Comparison, literal: number, out: number) => void;
  /** BOOLEAN; `=` and `!=` only. */
  readonly matchBooleans: (pages: Pages, comparison: Comparison, literal: boolean, out: number) => void;
  /** `out[entry] = 1` where the entry is a value. */
  readonly matchPresent: (pages: Pages, out: number) => void;

  // ---- decoded arrays

  /** `out[i] = 1` where the signed 64-bit `values[i]` satisfies the comparison. */
  readonly compareInts: (values: number, count: number, comparison: Comparison, literal: bigint, out: number) => void;
  /** The same of float64; IEEE comparison (NaN satisfies `!=` only). */
  readonly compareDoubles: (values: number, count: number, comparison: Comparison, literal: number, out: number) => void;

  // ---- whole columns, decoded

  /** Dictionary id per entry as u32, 0xFFFFFFFF for null. Throws where an id is not below `dictionaryCount`. */
  readonly ids: (pages: Pages, dictionaryCount: number, out: number) => void;
  /** Signed 64-bit value per entry, 0 for null. */
  readonly ints: (pages: Pages, out: number) => void;
  /** Float64 per entry, 0 for null. */
  readonly doubles: (pages: Pages, out: number) => void;
  /** 0 or 1 per entry as a byte, 2 for null. */
  readonly booleans: (pages: Pages, out: number) => void;
  /** (address, length) per entry as two u32; null is (0, 0xFFFFFFFF). DELTA_LENGTH_BYTE_ARRAY and PLAIN. Decompressed bytes stay in the arena. */
  readonly byteArrays: (pages: Pages, out: number) => void;
  /**
   * Several columns as one list of kinds (u8, zeroed by the caller) and words (u64): each entry without a kind that has a value in this column gets `kind`, and the
   * value as word (id, i64, bits of a float64, or 0 and 1). An entry with several values (repetition levels above `level`) gets kind 8. Returns the number of
   * entries; more than `capacity` are `corrupt_block`.
   */
  readonly typed: (
    pages: Pages,
    dictionaryCount: number,
    level: number,
    kind: number,
    kinds: number,
    words: number,
    capacity: number,
  ) => number;
  /** Repetition level per entry as a byte. */
  readonly repetitions: (pages: Pages, out: number) => void;
  /** Definition level per entry as a byte. */
  readonly definitions: (pages: Pages, out: number) => void;

  // ---- some entries (ascending u32 list), decoding only pages that hold one

  readonly gatherIds: (pages: Pages, dictionaryCount: number, entries: number, count: number, out: number) => void;
  readonly gatherInts: (pages: Pages, entries: number, count: number, out: number) => void;
  readonly gatherDoubles: (pages: Pages, entries: number, count: number, out: number) => void;
  /** As {@link Kernels.booleans}. */
  readonly gatherBooleans: (pages: Pages, entries: number, count: number, out: number) => void;
  /** As {@link Kernels.byteArrays}. */
  readonly gatherByteArrays: (pages: Pages, entries: number, count: number, out: number) => void;

  // ---- levels and slots

  /**
   * Where parents start: for each entry whose repetition level is ≤ `level`, its index; then `count` as sentinel. Returns the number of parents
   * (the list has one more). Throws `resource_exhausted` when there are more than `capacity` parents.
   */
  readonly starts: (repetitions: number, count: number, level: number, out: number, capacity: number) => number;
  /** `out[child] = parents[p]` for the children `[starts[p], starts[p+1])` of each parent. */
  readonly expand: (parents: number, starts: number, parentCount: number, out: number) => void;
  /** `out[p] = 1` where any child of p is 1. */
  readonly anyChild: (children: number, starts: number, parentCount: number, out: number) => void;
  /** As anyChild, with parents told by repetition levels: an entry with level ≤ `level` starts a parent. Returns the number of parents. */
  readonly anyByRepetition: (children: number, repetitions: number, count: number, level: number, out: number) => number;

  // ---- byte maps

  readonly and: (a: number, b: number, out: number, count: number) => void;
  readonly or: (a: number, b: number, out: number, count: number) => void;
  readonly andNot: (a: number, b: number, out: number, count: number) => void;
  /** `out = 1 - a`. */
  readonly not: (a: number, out: number, count: number) => void;
  readonly any: (a: number, count: number) => boolean;
  readonly countOnes: (a: number, count: number) => number;
  /** Indexes of the ones as u32, ascending; stops at `capacity`. Returns how many were written. */
  readonly indexes: (a: number, count: number, out: number, capacity: number) => number;

  // ---- attribute lists (key column at level k; owners are the slots of level k-1)

  /** `out[owner] = 1` where an attribute with a hit key is a candidate. `out` holds `ownerCapacity` bytes, zeroed here. `candidates` = 0: all. Returns the number of owners met; more than `ownerCapacity` are `corrupt_block`. */
  readonly matchAttributes: (
    keys: Pages,
    keyHits: number,
    dictionaryCount: number,
    candidates: number,
    out: number,
    ownerCapacity: number,
  ) => number;
  /**
   * The attributes with a hit key whose owner is wanted (`wanted` = 0: all): owner and entry of each as u32, ascending. Returns how many there are;
   * throws `resource_exhausted` beyond `capacity`. `wanted` holds `ownerCapacity` bytes; more owners than that are `corrupt_block`.
   */
  readonly findAttributes: (
    keys: Pages,
    keyHits: number,
    dictionaryCount: number,
    wanted: number,
    ownerCapacity: number,
    outOwners: number,
    outEntries: number,
    capacity: number,
  ) => number;

  // ---- results

  /**
   * Picks what an answer shows. For each trace t in `[firstTrace, traceCount)` with a matched span: trace index, number of matched spans, index of its
   * first picked span and number of picked spans (u32 × 4 into `outTraces`); picked spans, at most `spansPerTrace` of each trace, as span slots into
   * `outSpans`. Stops after `limit` traces. Returns how many traces were written.
   */
  readonly pickSpans: (
    matched: number,
    traceStarts: number,
    firstTrace: number,
    traceCount: number,
    spansPerTrace: number,
    limit: number,
    outTraces: number,
    outSpans: number,
  ) => number;
}

/** `=`, `!=`, `<`, `<=`, `>`, `>=`. */
export type Comparison = '=' | '!=' | '<' | '<=' | '>' | '>=';

/** What a kernel must know of a column beside its bytes. */
export interface ColumnShape {
  readonly type: 'boolean' | 'int32' | 'int64' | 'double' | 'bytes';
  readonly codec: 'none' | 'snappy' | 'zstd';
  readonly maxRepetition: number;
  readonly maxDefinition: number;
}

/** The page table of a run of data pages; built by `Kernels.pages`, read by kernels. */
export interface Pages {
  readonly shape: ColumnShape;
  /** Address of the table. */
  readonly table: number;
  readonly pageCount: number;
  /** Entries of all pages. */
  readonly entryCount: number;
  /** Entries that are not null. */
  readonly valueCount: number;
  /** Rows of all pages. */
  readonly rowCount: number;
}

/** A decompressed dictionary page outside WASM memory, so that it can be cached. */
export interface PlainDictionary {
  readonly bytes: Uint8Array;
  readonly count: number;
}

/** A cache of what costly codecs (zstd) give for the pages of one run, by their position in it. */
export interface PlainPages {
  readonly get: (page: number) => Uint8Array | undefined;
  readonly set: (page: number, bytes: Uint8Array) => void;
}

/** A decompressed dictionary page in WASM memory. */
export interface Dictionary {
  readonly shape: ColumnShape;
  readonly at: number;
  readonly sizeBytes: number;
  readonly count: number;
  /** BYTE_ARRAY: u32 × (count + 1): entry i is `[offsets[i] + 4, offsets[i+1])` from `at`. 0 for other types. */
  readonly offsets: number;
}

/** A footer as numbers; kept outside WASM memory, so that it can be cached. */
export interface FooterTable {
  readonly rowCount: number;
  /** Rows of each row group. */
  readonly rowGroupRows: Float64Array;
  readonly columnCount: number;
  /** `[offset, length)` of the schema list inside the footer, for the schema parser. */
  readonly schema: { readonly start: number; readonly end: number };
  /** {@link chunkFields} numbers per row group and column. */
  readonly chunks: Float64Array;
}

/** Members of a chunk in {@link FooterTable.chunks}, in order. Offsets are file offsets; 0 where absent. */
export const chunkFields = [
  'codec', // parquet CompressionCodec: 0 none, 1 snappy, 6 zstd
  'valueCount', // entries, nulls included
  'uncompressedBytes',
  'compressedBytes', // dictionary page included
  'dictionaryOffset',
  'dataOffset',
  'offsetIndexOffset',
  'offsetIndexBytes',
  'columnIndexOffset',
  'columnIndexBytes',
] as const;

/** How kernels report damage: see {@link Kernels}. */
export type CorruptBlock = AppError & { readonly code: 'corrupt_block' };
