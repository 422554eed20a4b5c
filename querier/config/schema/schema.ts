import type { ConfigKey } from './key.ts';
import { overridesKeys } from './overrides.ts';
import { querierKeys } from './querier.ts';
import { queryFrontendKeys } from './query-frontend.ts';
import { serverKeys } from './server.ts';
import { spillKeys } from './spill.ts';
import { storageKeys } from './storage.ts';
import { topKeys } from './top.ts';

/** Every key that a configuration file of Tempo 2.7 or 3.0 may have (spec config §2-§8). */
export const configKeys: readonly ConfigKey[] = [
  ...topKeys,
  ...serverKeys,
  ...queryFrontendKeys,
  ...querierKeys,
  ...spillKeys,
  ...storageKeys,
  ...overridesKeys,
];

/** A level of the key tree: deeper levels, or the key itself. */
export type SchemaNode =
  | { readonly kind: 'section'; readonly children: ReadonlyMap<string, SchemaNode> }
  | { readonly kind: 'key'; readonly key: ConfigKey };

function insert(children: Map<string, SchemaNode>, names: readonly string[], key: ConfigKey): void {
  const [name, ...rest] = names as [string, ...string[]];
  if (rest.length === 0) {
    if (children.has(name)) throw new RangeError(`configuration key ${key.path} is defined twice`);
    children.set(name, { kind: 'key', key });
    return;
  }
  const found = children.get(name) ?? { kind: 'section', children: new Map<string, SchemaNode>() };
  if (found.kind === 'key') throw new RangeError(`configuration key ${key.path} lies below a key`);
  children.set(name, found);
  insert(found.children as Map<string, SchemaNode>, rest, key);
}

/** The keys as a tree, for walking a file. Throws RangeError where the tables contradict each other. */
export function schemaTree(keys: readonly ConfigKey[]): SchemaNode {
  const children = new Map<string, SchemaNode>();
  for (const key of keys) insert(children, key.path.split('.'), key);
  return { kind: 'section', children };
}
