/** Types that differ only in meaning: a TenantId is no BlockId though both are strings. Only this file casts. */
declare const unit: unique symbol;
type Branded<Base, Name extends string> = Base & { readonly [unit]: Name };

/** A tenant's name as it stands in object keys; checked by {@link tenantId}. */
export type TenantId = Branded<string, 'TenantId'>;
/** A block's UUID in lower case with dashes; checked by {@link blockId}. */
export type BlockId = Branded<string, 'BlockId'>;
/** Lower-case hex of a trace id, without leading zeros unless said otherwise. */
export type TraceId = Branded<string, 'TraceId'>;
/** Nanoseconds since the Unix epoch. */
export type UnixNanos = Branded<bigint, 'UnixNanos'>;
/** Whole seconds since the Unix epoch. */
export type UnixSeconds = Branded<number, 'UnixSeconds'>;
/** A number of bytes. */
export type Bytes = Branded<number, 'Bytes'>;

/** The tenant of a process without multitenancy (spec http-api §2.1). */
export const singleTenant = 'single-tenant' as TenantId;

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const tenantCharacters = /^[a-zA-Z0-9!\-_.*'()]$/;
const maxTenantLength = 150;

/** Why a text is no tenant id, in Tempo's words, or undefined when it is one (spec http-api §2.1). */
export function tenantIdProblem(text: string): string | undefined {
  if (text === '') return 'no org id';
  if (Buffer.byteLength(text) > maxTenantLength) return `tenant ID is too long: max ${maxTenantLength} characters`;
  for (const character of text) {
    if (!tenantCharacters.test(character)) return `tenant ID '${text}' contains unsupported character '${character}'`;
  }
  if (text === '.' || text === '..') return "tenant ID is '.' or '..'";
  return undefined;
}

/** Brands a text that {@link tenantIdProblem} has accepted; anything else is a programming error and throws RangeError. */
export function tenantId(text: string): TenantId {
  const problem = tenantIdProblem(text);
  if (problem !== undefined) throw new RangeError(problem);
  return text as TenantId;
}

/** True for a UUID in lower case with dashes, the only spelling that object keys have. */
export function isBlockId(text: string): text is BlockId {
  return uuid.test(text);
}

/** Brands a UUID of any case; undefined when the text is none. */
export function blockId(text: string): BlockId | undefined {
  const lower = text.toLowerCase();
  return isBlockId(lower) ? lower : undefined;
}

/** Brands nanoseconds since the epoch. */
export function unixNanos(value: bigint): UnixNanos {
  return value as UnixNanos;
}

/** Brands whole seconds since the epoch. */
export function unixSeconds(value: number): UnixSeconds {
  return value as UnixSeconds;
}

/** Brands a byte count. */
export function bytes(value: number): Bytes {
  return value as Bytes;
}
