import { stringify } from 'yaml';
import { printGoDuration } from '#engine/base/duration.ts';
import type { ConfigKey, ConfigValue } from './schema/key.ts';
import { configKeys } from './schema/schema.ts';

type Section = { [name: string]: unknown };

const secretName = /secret|password|token|_key$/i;

/** Masks what looks like a secret in a subtree that is kept unread. */
function masked(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(masked);
  if (value === null || typeof value !== 'object') return value;
  const entries = Object.entries(value).map(([name, inner]) => [name, secretName.test(name) && inner !== '' ? '<secret>' : masked(inner)]);
  return Object.fromEntries(entries);
}

function printed(key: ConfigKey, value: ConfigValue): unknown {
  if (key.secret) return value === '' ? '' : '<secret>';
  if (key.type === 'duration' || key.type === 'promDuration') return printGoDuration(BigInt(Math.round((value as number) * 1e6)));
  return key.type === 'any' ? masked(value) : value;
}

/** The configuration in force as YAML, secrets as `<secret>` (`/status/config`). Only what differs from the defaults with `onlyChanges`. */
export function printConfig(values: ReadonlyMap<string, ConfigValue>, onlyChanges = false): string {
  const root: Section = {};
  for (const key of configKeys) {
    const value = values.get(key.path);
    if (value === undefined || (key.status !== 'used' && key.status !== 'accepted')) continue;
    if (onlyChanges && JSON.stringify(value) === JSON.stringify(key.default)) continue;
    const names = key.path.split('.');
    let section = root;
    for (const name of names.slice(0, -1)) section = (section[name] ??= {}) as Section;
    section[names.at(-1)!] = printed(key, value);
  }
  return stringify(root);
}
