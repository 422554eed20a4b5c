import { AppError, toAppError } from '#engine/base/errors.ts';
import type { MetricsFunction, Pipeline, Query, Reference, ScalarExpression, SecondStage, Stage } from './ast.ts';
import { beginsMetrics, parseHints, parseMetrics, parseSecondStages } from './parse-metrics.ts';
import { continueItem, type Item, parseFirstItem, parseScalarPipelineOperand, parseStage } from './parse-pipeline.ts';
import { acceptComparison, parseScalarFilter } from './parse-scalar.ts';
import { parseNumberAfterMinus, parseStatic } from './parse-static.ts';
import { accept, createParser, type Parser } from './parser.ts';
import { negateStatic } from './static-values.ts';
import { unexpected } from './syntax-error.ts';

interface Body {
  readonly pipeline: Pipeline;
  readonly metrics?: MetricsFunction;
  readonly secondStages: readonly SecondStage[];
}

/** Stages after the first, and a metrics function with what may follow it. */
function parseRest(parser: Parser, first: Stage): Body {
  const stages = [first];
  const pipeline: Pipeline = { kind: 'pipeline', stages };
  while (accept(parser, '|')) {
    if (beginsMetrics(parser.token.kind)) {
      const metrics = parseMetrics(parser);
      return { pipeline, metrics, secondStages: parseSecondStages(parser) };
    }
    stages.push(parseStage(parser));
  }
  return { pipeline, secondStages: [] };
}

/** The right side of a comparison of pipelines that end in an aggregate. */
function parsePipelineComparand(parser: Parser): ScalarExpression {
  if (parser.token.kind === '(') {
    return continueItem(parser, { kind: 'scalarPipeline', value: parseScalarPipelineOperand(parser) }).value as ScalarExpression;
  }
  if (accept(parser, '-')) return { kind: 'literal', value: negateStatic(parseNumberAfterMinus(parser))! };
  const value = parseStatic(parser);
  if (value === undefined) throw unexpected(parser.token);
  return { kind: 'literal', value };
}

function parseBody(parser: Parser): Body {
  const { kind } = parser.token;
  if (kind === 'by' || kind === 'select') return parseRest(parser, parseStage(parser));
  const item: Item = parseFirstItem(parser);
  switch (item.kind) {
    case 'spanset':
      return parseRest(parser, item.value);
    case 'scalar':
      return parseRest(parser, parseScalarFilter(parser, item.value));
    case 'pipeline':
      return { pipeline: item.value, secondStages: [] };
    case 'scalarPipeline': {
      const operator = acceptComparison(parser);
      if (operator === undefined) throw unexpected(parser.token);
      const filter: Stage = { kind: 'scalarFilter', operator, left: item.value, right: parsePipelineComparand(parser) };
      return { pipeline: { kind: 'pipeline', stages: [filter] }, secondStages: [] };
    }
  }
}

/**
 * Parses a TraceQL query of any length. Constant expressions come out folded; nothing is validated yet. Throws `bad_request` with
 * Tempo's texts, `parse error at line 1, col 3: unknown identifier: foo` (spec traceql §2, §3.1, §3.4), and a clear one beyond the limits
 * of nesting.
 */
export function parseQuery(text: string): Query {
  const parser = createParser(text);
  const body = parseBody(parser);
  if (parser.token.kind !== '$end' && parser.token.kind !== 'with') throw unexpected(parser.token, 'with');
  const hints = parseHints(parser);
  if (parser.token.kind !== '$end') throw unexpected(parser.token, 'with');
  return { ...body, hints };
}

/**
 * Parses the name of an attribute or intrinsic as tag requests give it (`resource.service.name`, `name`, `.x`). Throws `bad_request`
 * `failed to parse identifier foo: parse error at line 1, col 2: unknown identifier: foo` (spec http-api, values of a tag).
 */
export function parseIdentifier(text: string): Reference {
  let problem = 'not an attribute or intrinsic';
  try {
    const { pipeline, metrics, hints } = parseQuery(`{${text}}`);
    const stage = pipeline.kind === 'pipeline' && pipeline.stages.length === 1 ? pipeline.stages[0] : undefined;
    const expression = stage?.kind === 'filter' && !metrics && hints.length === 0 ? stage.expression : undefined;
    if (expression?.kind === 'attribute' || expression?.kind === 'intrinsic') return expression;
  } catch (thrown) {
    problem = toAppError(thrown).message;
  }
  throw new AppError('bad_request', `failed to parse identifier ${text}: ${problem}`);
}
