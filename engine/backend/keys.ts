import { AppError } from '#engine/base/errors.ts';
import type { BlockId, TenantId } from '#engine/base/units.ts';

/** S3's limit, the lowest of all stores. */
const maxKeyBytes = 1024;

/** The objects of a block and of a tenant that a reader knows (spec blocks §1). */
export type ObjectName = 'meta.json' | 'meta.compacted.json' | 'data.parquet' | 'index' | `bloom-${number}`;

/** Throws `bad_request` unless the key is a list of plain names joined by `/`: nothing that any store could take for a way out of its folder. */
export function checkKey(key: string): void {
  if (Buffer.byteLength(key) > maxKeyBytes) throw new AppError('bad_request', `object key is longer than ${maxKeyBytes} bytes`);
  for (const segment of key.split('/')) checkSegment(segment, key);
}

/** Throws `bad_request` unless the prefix is '' or a good key that ends in `/`. */
export function checkPrefix(prefix: string): void {
  if (prefix === '') return;
  if (!prefix.endsWith('/')) throw new AppError('bad_request', `listing prefix ${JSON.stringify(prefix)} must end in '/'`);
  checkKey(prefix.slice(0, -1));
}

/** Joins names to a key. Throws `bad_request` when one of them is empty, `.` or `..`, or holds `/`, `\` or NUL. */
export function joinKey(...names: readonly string[]): string {
  const key = names.join('/');
  for (const name of names) {
    checkSegment(name, key);
    if (name.includes('/')) throw new AppError('bad_request', `object key ${JSON.stringify(key)}: a name contains '/'`);
  }
  checkKey(key);
  return key;
}

/** Key of an object of a block: `<tenant>/<block>/<name>`. Errors as {@link joinKey}. */
export function blockObjectKey(tenant: TenantId, block: BlockId, name: ObjectName): string {
  return joinKey(tenant, block, name);
}

/** A prefix from the configuration in the one form that the backends use: '' or `a/b/`. Throws `config`. */
export function normalizePrefix(prefix: string): string {
  const trimmed = prefix.replace(/^\/+|\/+$/g, '');
  if (trimmed === '') return '';
  try {
    checkKey(trimmed);
  } catch (cause) {
    throw new AppError('config', `prefix ${JSON.stringify(prefix)} is not a path of plain names`, { cause });
  }
  return `${trimmed}/`;
}

function checkSegment(segment: string, key: string): void {
  if (segment === '' || segment === '.' || segment === '..') {
    throw new AppError('bad_request', `object key ${JSON.stringify(key)} has an empty, '.' or '..' segment`);
  }
  if (segment.includes('\0') || segment.includes('\\')) {
    throw new AppError('bad_request', `object key ${JSON.stringify(key)} contains NUL or a backslash`);
  }
}
