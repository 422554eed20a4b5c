import type { Query } from './ast.ts';
import { parseQuery } from './parse.ts';
import { validateQuery } from './validate.ts';

/**
 * Parses and validates a query: what it goes through before it runs. Throws `bad_request` with Tempo's text as {@link parseQuery} and
 * {@link validateQuery} do; the caller puts its endpoint's prefix before it (spec traceql §3.7).
 */
export function compileQuery(text: string): Query {
  const query = parseQuery(text);
  validateQuery(query);
  return query;
}
