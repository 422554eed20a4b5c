import type { Hint, MetricsFunction, Reference, SecondStage, Static } from './ast.ts';
import { parseFilter } from './parse-pipeline.ts';
import { parseReference, parseReferenceList } from './parse-reference.ts';
import { acceptComparison } from './parse-scalar.ts';
import { parseNumber, parseNumberAfterMinus, parseStatic } from './parse-static.ts';
import { accept, advance, expect, type Parser } from './parser.ts';
import { unexpected } from './syntax-error.ts';
import type { TokenKind } from './tokens.ts';

const functions: ReadonlySet<TokenKind> = new Set<MetricsFunction['function'] & TokenKind>([
  ...(['rate', 'count_over_time', 'min_over_time', 'max_over_time', 'avg_over_time', 'sum_over_time'] as const),
  ...(['quantile_over_time', 'histogram_over_time', 'compare'] as const),
]);

/** How many values `compare()` keeps unless told (spec traceql §8.9). */
const defaultTopN = 10n;
const nanosPerSecond = 1e9;

/** True for the name of a metrics function. */
export function beginsMetrics(kind: TokenKind): boolean {
  return functions.has(kind);
}

function parseInteger(parser: Parser): bigint {
  return expect(parser, 'INTEGER').value as bigint;
}

/** After a filter or number in a list: true for a comma, false for the closing parenthesis. */
function parseListStep(parser: Parser): boolean {
  if (accept(parser, ',')) return true;
  if (parser.token.kind !== ')') throw unexpected(parser.token, ')', ',');
  advance(parser);
  return false;
}

function parseQuantiles(parser: Parser): number[] {
  const quantiles: number[] = [];
  do {
    const { kind, value } = parser.token;
    if (kind !== 'INTEGER' && kind !== 'FLOAT') throw unexpected(parser.token, 'INTEGER', 'FLOAT');
    quantiles.push(Number(value));
    advance(parser);
  } while (parseListStep(parser));
  return quantiles;
}

/** `(filter [, topN [, start, end]])` (spec traceql §2.5). */
function parseCompare(parser: Parser): MetricsFunction {
  const selection = parseFilter(parser);
  let topN = defaultTopN;
  let start = 0n;
  let end = 0n;
  if (parseListStep(parser)) {
    topN = parseInteger(parser);
    if (parseListStep(parser)) {
      start = parseInteger(parser);
      expect(parser, ',');
      end = parseInteger(parser);
      expect(parser, ')');
    }
  }
  return { kind: 'metrics', function: 'compare', by: [], compare: { selection, topN, start, end } };
}

function parseArgument(parser: Parser): Reference {
  const argument = parseReference(parser);
  if (argument === undefined) throw unexpected(parser.token);
  return argument;
}

/** A metrics function with its arguments and `by (…)` (spec traceql §2.5). */
export function parseMetrics(parser: Parser): MetricsFunction {
  const name = advance(parser).kind as MetricsFunction['function'];
  expect(parser, '(');
  if (name === 'compare') return parseCompare(parser);
  let parsed: MetricsFunction = { kind: 'metrics', function: name, by: [] };
  if (name === 'quantile_over_time') {
    const argument = parseArgument(parser);
    expect(parser, ',');
    parsed = { ...parsed, argument, quantiles: parseQuantiles(parser) };
  } else {
    if (name !== 'rate' && name !== 'count_over_time') parsed = { ...parsed, argument: parseArgument(parser) };
    expect(parser, ')');
  }
  return accept(parser, 'by') ? { ...parsed, by: parseReferenceList(parser) } : parsed;
}

function plainNumber(value: Static): number {
  if (value.kind === 'duration') return Number(value.nanos) / nanosPerSecond;
  return Number((value as { readonly value: number | bigint }).value);
}

/** `| topk(n)`, `| bottomk(n)` and comparisons after a metrics function, in any order (spec traceql §2.5). */
export function parseSecondStages(parser: Parser): SecondStage[] {
  const stages: SecondStage[] = [];
  for (;;) {
    const operator = acceptComparison(parser);
    if (operator !== undefined) {
      const negative = accept(parser, '-');
      const value = negative ? parseNumberAfterMinus(parser) : parseNumber(parser);
      if (value === undefined) throw unexpected(parser.token, 'INTEGER', 'FLOAT', 'DURATION', '-');
      stages.push({ kind: 'metricsFilter', operator, value: negative ? -plainNumber(value) : plainNumber(value) });
    } else if (accept(parser, '|')) {
      const { kind } = parser.token;
      if (kind !== 'topk' && kind !== 'bottomk') throw unexpected(parser.token, 'topk', 'bottomk');
      advance(parser);
      expect(parser, '(');
      stages.push({ kind, limit: parseInteger(parser) });
      expect(parser, ')');
    } else return stages;
  }
}

/** The groups `with(name=value, …)` that end a query: the last one replaces the others (spec traceql §2.1, §10). */
export function parseHints(parser: Parser): Hint[] {
  let hints: Hint[] = [];
  while (accept(parser, 'with')) {
    expect(parser, '(');
    hints = [];
    do {
      const name = expect(parser, 'IDENTIFIER').text;
      expect(parser, '=');
      const value = parseStatic(parser);
      if (value === undefined) throw unexpected(parser.token);
      hints.push({ name, value });
    } while (parseListStep(parser));
  }
  return hints;
}
