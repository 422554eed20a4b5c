import { AppError, type ErrorCode } from '#engine/base/errors.ts';

interface Fault {
  readonly code: ErrorCode;
  /** `#` stands for the number that the kernel tells beside the fault. */
  readonly text: string;
}

function corrupt(text: string): Fault {
  return { code: 'corrupt_block', text };
}

/** What the kernels' negative numbers mean, from -1 on; `assembly/fault.ts` has the same list. */
const faults: readonly Fault[] = [
  corrupt('a thrift structure is damaged or ends too early'),
  corrupt('the footer has a negative or too large number'),
  corrupt('the footer has row groups of different columns, or more columns than it has bytes for'),
  corrupt('a page header lacks a number or has a negative one'),
  corrupt('a page ends behind its column chunk'),
  corrupt('the levels of a page are longer than the page'),
  corrupt('a page header has an implausible number of entries'),
  { code: 'unimplemented', text: 'page type # is not supported' },
  corrupt('a page header claims more bytes than its compressed data can hold'),
  { code: 'unimplemented', text: 'encoding # is not supported for this column' },
  corrupt('snappy data is damaged'),
  corrupt('a run of levels ends behind the page'),
  corrupt('the definition levels do not agree with the number of nulls in the page header'),
  corrupt('an id is not in the dictionary'),
  corrupt('a run of dictionary ids ends behind the page'),
  corrupt('the head of delta-encoded numbers is damaged'),
  corrupt('delta-encoded numbers end behind the page'),
  corrupt('delta-encoded numbers are not as many as the page header says'),
  corrupt('a byte array ends behind its page'),
  corrupt('a page is too short for its values'),
  corrupt('a dictionary entry ends behind its page'),
  corrupt('a column starts with an entry that continues a list'),
  corrupt('a column has more owners than the columns beside it'),
  { code: 'resource_exhausted', text: 'a result has more members than there is room for' },
  { code: 'internal', text: 'entries to gather do not ascend or are in none of the pages' },
  { code: 'internal', text: 'the kernel does not fit the type of the column' },
  { code: 'internal', text: 'a page was not decompressed' },
  { code: 'unimplemented', text: 'data pages of version 1 are not supported' },
];

/** Encodings by their number in parquet. */
const encodingNames: Readonly<Record<number, string>> = {
  0: 'PLAIN',
  2: 'PLAIN_DICTIONARY',
  3: 'RLE',
  4: 'BIT_PACKED',
  5: 'DELTA_BINARY_PACKED',
  6: 'DELTA_LENGTH_BYTE_ARRAY',
  7: 'DELTA_BYTE_ARRAY',
  8: 'RLE_DICTIONARY',
  9: 'BYTE_STREAM_SPLIT',
};

const encodingFault = -10;

/** The error for a negative number that a kernel returned; `page` is -1 where the fault is in no page. */
export function faultError(fault: number, page: number, detail: number): AppError {
  const known = faults[-fault - 1];
  if (known === undefined) return new AppError('internal', `a kernel returned the unknown fault ${fault}`);
  const name = fault === encodingFault ? (encodingNames[detail] ?? String(detail)) : String(detail);
  const text = known.text.replace('#', name);
  return new AppError(known.code, page < 0 ? text : `page ${page}: ${text}`);
}

/** A `corrupt_block` error found by the binding rather than by a kernel. */
export function corruptBlock(text: string, cause?: unknown): AppError {
  return new AppError('corrupt_block', text, { cause });
}
