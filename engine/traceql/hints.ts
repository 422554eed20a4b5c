import type { Query, Static } from './ast.ts';

/** The value of a hint: the first entry of that name in the last `with(…)` (spec traceql §10). */
export function hintValue(query: Query, name: string): Static | undefined {
  return query.hints.find((hint) => hint.name === name)?.value;
}

/** Whether a search asks for its latest traces rather than any; a value of another type is ignored (spec traceql §7.4, §10). */
export function wantsMostRecent(query: Query): boolean {
  const value = hintValue(query, 'most_recent');
  return value?.kind === 'boolean' && value.value;
}
