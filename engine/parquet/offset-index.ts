import { AppError } from '#engine/base/errors.ts';
import { readListHeader, readStruct, readZigzag, thriftCursor } from './thrift.ts';

/** Where the data pages of one column chunk lie. */
export interface PageLocations {
  /** File offset of each page's header. */
  readonly offsets: Float64Array;
  /** Bytes of each page, header included. */
  readonly sizes: Float64Array;
  /** First row of each page, counted from the row group's start; ascending. */
  readonly firstRows: Float64Array;
}

/** Decodes a chunk's OffsetIndex (parquet-format PageIndex). Throws `corrupt_block` when it does not add up. */
export function parseOffsetIndex(bytes: Uint8Array): PageLocations {
  const cursor = thriftCursor(bytes);
  let locations: PageLocations | undefined;
  readStruct(cursor, (id) => {
    if (id !== 1) return false;
    const { size } = readListHeader(cursor);
    locations = { offsets: new Float64Array(size), sizes: new Float64Array(size), firstRows: new Float64Array(size) };
    for (let i = 0; i < size; i++) readLocation(cursor, locations, i);
    return true;
  });
  if (locations === undefined) throw new AppError('corrupt_block', 'parquet offset index has no page locations');
  return locations;
}

function readLocation(cursor: ReturnType<typeof thriftCursor>, locations: PageLocations, page: number): void {
  readStruct(cursor, (id) => {
    if (id === 1) locations.offsets[page] = readZigzag(cursor);
    else if (id === 2) locations.sizes[page] = readZigzag(cursor);
    else if (id === 3) locations.firstRows[page] = readZigzag(cursor);
    else return false;
    return true;
  });
  const previousEnd = page === 0 ? 0 : locations.offsets[page - 1] + locations.sizes[page - 1];
  const previousRow = page === 0 ? -1 : locations.firstRows[page - 1];
  if (locations.offsets[page] < previousEnd || locations.sizes[page] <= 0 || locations.firstRows[page] <= previousRow) {
    throw new AppError('corrupt_block', `parquet offset index: page ${page} is not behind page ${page - 1}`);
  }
}
