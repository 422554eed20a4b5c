import { AppError } from '#engine/base/errors.ts';
import { readBinary, readListHeader, readStruct, thriftCursor } from './thrift.ts';

/** Bounds of the data pages of one column chunk, as stored: values of byte arrays as they are, maybe cut short. */
export interface PageBounds {
  readonly least: readonly Uint8Array[];
  readonly greatest: readonly Uint8Array[];
}

/** Decodes a chunk's ColumnIndex (parquet-format PageIndex). Throws `corrupt_block` when it has no bounds for every page. */
export function parseColumnIndex(bytes: Uint8Array): PageBounds {
  const cursor = thriftCursor(bytes);
  let least: readonly Uint8Array[] = [];
  let greatest: readonly Uint8Array[] = [];
  const readList = () => Array.from({ length: readListHeader(cursor).size }, () => readBinary(cursor));
  readStruct(cursor, (id) => {
    if (id === 2) least = readList();
    else if (id === 3) greatest = readList();
    else return false;
    return true;
  });
  if (least.length === 0 || least.length !== greatest.length) {
    throw new AppError('corrupt_block', `parquet column index has ${least.length} least and ${greatest.length} greatest values`);
  }
  return { least, greatest };
}
