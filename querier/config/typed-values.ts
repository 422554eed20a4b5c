import type { ConfigValue } from './schema/key.ts';

/** Every key with its value in force, by path. */
export type Values = ReadonlyMap<string, ConfigValue>;

/** Reads a key of the schema; the decoder has checked its type. A key that has neither value nor default is a programming error. */
export function number(values: Values, path: string): number {
  return typed(values, path, 'number') as number;
}

/** As {@link number}. */
export function text(values: Values, path: string): string {
  return typed(values, path, 'string') as string;
}

/** As {@link number}. */
export function flag(values: Values, path: string): boolean {
  return typed(values, path, 'boolean') as boolean;
}

/** As {@link number}. */
export function list(values: Values, path: string): readonly string[] {
  return typed(values, path, 'object') as readonly string[];
}

function typed(values: Values, path: string, type: string): ConfigValue {
  const value = values.get(path);
  if (value === undefined || typeof value !== type) throw new RangeError(`configuration key ${path} has no ${type}`);
  return value;
}
