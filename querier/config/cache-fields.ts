import { AppError } from '#engine/base/errors.ts';
import { nearest } from './nearest.ts';
import type { ConfigValue, KeyType } from './schema/key.ts';
import { scalarValue, typeName } from './value.ts';

/** Fields of one level: name → type and default, in the decoded form. Undefined: accepted, without effect here. */
export type FieldTable = Readonly<Record<string, readonly [type: KeyType, default_: ConfigValue] | undefined>>;

/** Values by the names of a table. */
export type Fields = Readonly<Record<string, ConfigValue>>;

/** A level of a subtree that the schema keeps unread. Throws `config` unless it is a map. */
export function mapOf(raw: unknown, path: string): Readonly<Record<string, unknown>> {
  if (raw === null || raw === undefined) return {};
  if (typeof raw !== 'object' || Array.isArray(raw)) throw new AppError('config', `${path} must be a section`);
  return raw as Readonly<Record<string, unknown>>;
}

/** Throws `config` for a field that is none of these. */
export function checkFields(map: Readonly<Record<string, unknown>>, known: readonly string[], path: string): void {
  for (const name of Object.keys(map)) {
    if (known.includes(name)) continue;
    const meant = nearest(name, known);
    throw new AppError('config', `field ${name} not found in ${path}${meant === undefined ? '' : `, did you mean ${meant}?`}`);
  }
}

/** Reads a level by its table, strictly. Throws `config` for unknown fields and wrong types. */
export function readFields(raw: unknown, table: FieldTable, path: string): Fields {
  const map = mapOf(raw, path);
  checkFields(map, Object.keys(table), path);
  const entries = Object.entries(table).flatMap(([name, field]): [string, ConfigValue][] => {
    if (field === undefined) return [];
    const [type, default_] = field;
    const given = map[name];
    if (given === undefined || given === null) return [[name, default_]];
    const value = typeof given === 'object' ? undefined : scalarValue(type, { text: String(given), quoted: false });
    if (value === undefined) throw new AppError('config', `${path}.${name}: cannot read ${JSON.stringify(given)} as ${typeName(type)}`);
    return [[name, value]];
  });
  return Object.fromEntries(entries);
}
