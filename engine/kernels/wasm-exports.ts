/**
 * What the module exports: see `assembly/`. Parameters named as there; addresses, counts and results are numbers, i64 is bigint. A negative result is
 * a fault. Several kernels take `scratch`, space behind the arena for one page at a time.
 */
export interface WasmExports {
  readonly memory: WebAssembly.Memory;
  readonly heapBase: () => number;
  readonly faultPage: () => number;
  readonly faultDetail: () => number;

  readonly footer: (at: number, length: number, chunks: number, chunkCapacity: number, groupRows: number, groupCapacity: number) => number;
  readonly footerRows: () => number;
  readonly footerColumns: () => number;
  readonly footerSchemaStart: () => number;
  readonly footerSchemaEnd: () => number;

  readonly walkPages: (at: number, length: number, codec: number, columnShape: number, table: number, capacity: number) => number;
  readonly walkedEntries: () => number;
  readonly walkedNulls: () => number;
  readonly walkedRows: () => number;
  readonly walkedScratch: () => number;
  readonly walkDictionary: (at: number, length: number, codec: number) => number;
  readonly dictionaryBody: () => number;
  readonly dictionaryStored: () => number;
  readonly dictionaryPlain: () => number;
  readonly dictionaryEntries: () => number;
  readonly dictionaryHasCrc: () => number;
  readonly dictionaryCrc: () => number;
  readonly unsnap: (at: number, length: number, out: number, size: number) => number;
  readonly dictionaryOffsets: (at: number, size: number, count: number, out: number) => number;
  readonly findInDictionary: (at: number, offsets: number, count: number, needle: number, length: number) => number;
  readonly compareDictionary: (
    at: number,
    offsets: number,
    count: number,
    comparison: number,
    literal: number,
    length: number,
    out: number,
  ) => number;

  readonly matchIds: (pages: number, pageCount: number, hits: number, dictionaryCount: number, scratch: number, out: number) => number;
  readonly matchInts: (pages: number, pageCount: number, comparison: number, literal: bigint, scratch: number, out: number) => number;
  readonly matchDoubles: (pages: number, pageCount: number, comparison: number, literal: number, scratch: number, out: number) => number;
  readonly matchBooleans: (pages: number, pageCount: number, satisfied: number, scratch: number, out: number) => number;
  readonly matchPresent: (pages: number, pageCount: number, scratch: number, out: number) => number;
  readonly compareInts: (values: number, count: number, comparison: number, literal: bigint, out: number) => void;
  readonly compareDoubles: (values: number, count: number, comparison: number, literal: number, out: number) => void;

  readonly decodeIds: (pages: number, pageCount: number, dictionaryEntries: number, scratch: number, out: number) => number;
  readonly decodeInts: (pages: number, pageCount: number, scratch: number, out: number) => number;
  readonly decodeDoubles: (pages: number, pageCount: number, scratch: number, out: number) => number;
  readonly decodeBooleans: (pages: number, pageCount: number, scratch: number, out: number) => number;
  readonly decodeByteArrays: (pages: number, pageCount: number, scratch: number, keep: number, out: number) => number;
  readonly addTyped: (
    type: number,
    pages: number,
    pageCount: number,
    dictionaryEntries: number,
    scratch: number,
    level: number,
    kind: number,
    kinds: number,
    words: number,
    capacity: number,
  ) => number;
  readonly decodeRepetitions: (pages: number, pageCount: number, out: number) => number;
  readonly decodeDefinitions: (pages: number, pageCount: number, out: number) => number;

  readonly gatherIds: (
    pages: number,
    pageCount: number,
    dictionaryEntries: number,
    entries: number,
    count: number,
    scratch: number,
    out: number,
  ) => number;
  readonly gatherInts: (pages: number, pageCount: number, entries: number, count: number, scratch: number, out: number) => number;
  readonly gatherDoubles: (pages: number, pageCount: number, entries: number, count: number, scratch: number, out: number) => number;
  readonly gatherBooleans: (pages: number, pageCount: number, entries: number, count: number, scratch: number, out: number) => number;
  readonly gatherByteArrays: (
    pages: number,
    pageCount: number,
    entries: number,
    count: number,
    scratch: number,
    keep: number,
    out: number,
  ) => number;
  readonly keptBytes: (pages: number, pageCount: number, entries: number, count: number) => number;

  readonly starts: (repetitions: number, count: number, level: number, out: number, capacity: number) => number;
  readonly expand: (parents: number, startList: number, parentCount: number, out: number) => void;
  readonly anyChild: (children: number, startList: number, parentCount: number, out: number) => void;
  readonly anyByRepetition: (children: number, repetitions: number, count: number, level: number, out: number) => number;

  readonly and: (a: number, b: number, out: number, count: number) => void;
  readonly or: (a: number, b: number, out: number, count: number) => void;
  readonly andNot: (a: number, b: number, out: number, count: number) => void;
  readonly not: (a: number, out: number, count: number) => void;
  readonly any: (a: number, count: number) => number;
  readonly countOnes: (a: number, count: number) => number;
  readonly indexes: (a: number, count: number, out: number, capacity: number) => number;

  readonly matchAttributes: (
    pages: number,
    pageCount: number,
    keyHits: number,
    dictionaryCount: number,
    candidates: number,
    scratch: number,
    out: number,
    ownerCapacity: number,
  ) => number;
  readonly findAttributes: (
    pages: number,
    pageCount: number,
    keyHits: number,
    dictionaryCount: number,
    wanted: number,
    ownerCapacity: number,
    scratch: number,
    outOwners: number,
    outEntries: number,
    capacity: number,
  ) => number;
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
