import type { DedicatedColumn } from '#engine/api/dedicated-columns.ts';
import { type TenantId, tenantId, tenantIdProblem } from '#engine/base/units.ts';

/**
 * Values that many metas have in common, each held once: versions, and dedicated columns by the text they were read from. With a million blocks they
 * would otherwise be most of the lists' memory, and parsing them most of a poll.
 */
export interface MetaPool {
  readonly version: (text: string) => string;
  /** The tenant of that name; undefined for a text that is none. */
  readonly tenant: (text: string) => TenantId | undefined;
  /** The columns of a text; `parse` reads one that is new, and its error is passed on. */
  readonly columns: (text: string, parse: () => readonly DedicatedColumn[]) => readonly DedicatedColumn[];
}

/** Different texts that are remembered. There are a handful; a bucket full of odd ones must not fill the memory. */
const maxTexts = 16_384;

/** Creates an empty {@link MetaPool}. */
export function createMetaPool(): MetaPool {
  const versions = new Map<string, string>();
  const tenants = new Map<string, TenantId | undefined>();
  const columns = new Map<string, readonly DedicatedColumn[]>();
  const share = <Value>(known: Map<string, Value>, text: string, make: () => Value): Value => {
    const held = known.get(text);
    if (held !== undefined) return held;
    const made = make();
    if (known.size >= maxTexts) known.clear();
    known.set(text, made);
    return made;
  };
  return {
    tenant: (text) => share(tenants, text, () => (tenantIdProblem(text) === undefined ? tenantId(text) : undefined)),
    version: (text) => share(versions, text, () => text),
    columns: (text, parse) => share(columns, text, parse),
  };
}
