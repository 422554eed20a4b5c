import type { Aggregate, Pipeline, ScalarExpression, SpansetExpression, SpansetOperator, Stage } from './ast.ts';
import { parseFieldExpression } from './parse-field.ts';
import { parseReferenceList } from './parse-reference.ts';
import {
  beginsAggregate,
  beginsScalar,
  continueScalar,
  parseAggregate,
  parseScalarFilter,
  parseScalarOperand,
  scalarFamily,
} from './parse-scalar.ts';
import { accept, advance, climb, expect, expectSilently, nested, type OperatorFamily, type Parser } from './parser.ts';
import { spansetLevel } from './precedence.ts';
import { unexpected } from './syntax-error.ts';

/**
 * What parentheses may hold: a spanset expression, a scalar expression, a pipeline (or pipelines joined by operators), a pipeline that
 * ends in an aggregate. It decides what is an error where; what it is shows only at the end.
 */
interface Allowed {
  readonly spanset: boolean;
  readonly scalar: boolean;
  readonly pipeline: boolean;
  readonly scalarPipeline: boolean;
}

const nothing: Allowed = { spanset: false, scalar: false, pipeline: false, scalarPipeline: false };
const atStart: Allowed = { spanset: true, scalar: true, pipeline: true, scalarPipeline: true };
const inStage: Allowed = { ...nothing, spanset: true, scalar: true };
const spansetOnly: Allowed = { ...nothing, spanset: true };
const pipelineOnly: Allowed = { ...nothing, pipeline: true };
const scalarPipelineOnly: Allowed = { ...nothing, scalarPipeline: true };

/** What parentheses turned out to hold, or what stands without any. */
export type Item =
  | { readonly kind: 'spanset'; readonly value: SpansetExpression }
  | { readonly kind: 'scalar'; readonly value: ScalarExpression }
  | { readonly kind: 'pipeline'; readonly value: Pipeline }
  | { readonly kind: 'scalarPipeline'; readonly value: ScalarExpression };

/** Between filters; `&&` and `||` bind alike, structural operators tighter (spec traceql §2.2). */
const spansetFamily: OperatorFamily<SpansetExpression> = {
  level: spansetLevel,
  operand: (parser) => {
    const item = parseItem(parser, spansetOnly);
    if (item.kind !== 'spanset') throw unexpected(parser.token);
    return item.value;
  },
  combine: (operator, left, right) => ({ kind: 'spansetOperation', operator: operator as SpansetOperator, left, right }),
};

/** Between parenthesised pipelines. */
const pipelineFamily: OperatorFamily<Pipeline> = {
  level: spansetLevel,
  operand: (parser) => {
    if (parser.token.kind !== '(') throw unexpected(parser.token, '(');
    const item = parseParentheses(parser, pipelineOnly);
    if (item.kind !== 'pipeline') throw unexpected(parser.token);
    return item.value;
  },
  combine: (operator, left, right) => ({ kind: 'pipelineOperation', operator: operator as SpansetOperator, left, right }),
};

/** One operand of arithmetic between pipelines that end in an aggregate. */
export function parseScalarPipelineOperand(parser: Parser): ScalarExpression {
  if (parser.token.kind !== '(') throw unexpected(parser.token, '(');
  const item = parseParentheses(parser, scalarPipelineOnly);
  if (item.kind !== 'scalarPipeline') throw unexpected(parser.token);
  return item.value;
}

const scalarPipelineFamily = scalarFamily(parseScalarPipelineOperand);

/** Takes the operators after a first operand, whatever it is. */
export function continueItem(parser: Parser, item: Item): Item {
  switch (item.kind) {
    case 'spanset':
      return { kind: 'spanset', value: climb(parser, spansetFamily, item.value) };
    case 'scalar':
      return { kind: 'scalar', value: continueScalar(parser, item.value) };
    case 'pipeline':
      return { kind: 'pipeline', value: climb(parser, pipelineFamily, item.value) };
    case 'scalarPipeline':
      return { kind: 'scalarPipeline', value: climb(parser, scalarPipelineFamily, item.value) };
  }
}

/** `{ }` is `{ true }`. */
export function parseFilter(parser: Parser): SpansetExpression {
  expect(parser, '{');
  if (accept(parser, '}')) return { kind: 'filter', expression: { kind: 'literal', value: { kind: 'boolean', value: true } } };
  const expression = parseFieldExpression(parser);
  expectSilently(parser, '}');
  return { kind: 'filter', expression };
}

/** A filter, a scalar operand or parentheses, without the operators behind. */
function parseItem(parser: Parser, allowed: Allowed): Item {
  const { kind } = parser.token;
  if (kind === '(') return parseParentheses(parser, allowed);
  if (kind === '{') return { kind: 'spanset', value: parseFilter(parser) };
  if (allowed.scalar && beginsScalar(kind)) return { kind: 'scalar', value: parseScalarOperand(parser) };
  throw allowed.scalar ? unexpected(parser.token) : unexpected(parser.token, '{', '(');
}

/** What the first stage of a pipeline within such parentheses may be makes more allowed inside than at their own level. */
function inside(allowed: Allowed): Allowed {
  const holdsPipeline = allowed.pipeline || allowed.scalarPipeline;
  return { ...allowed, spanset: allowed.spanset || holdsPipeline, scalar: allowed.scalar || holdsPipeline };
}

function parseParentheses(parser: Parser, allowed: Allowed): Item {
  expect(parser, '(');
  return nested(parser, () => parseContent(parser, allowed));
}

/** The content of parentheses and the closing one. */
function parseContent(parser: Parser, allowed: Allowed): Item {
  const { kind } = parser.token;
  const within = inside(allowed);
  const holdsPipeline = allowed.pipeline || allowed.scalarPipeline;
  if (holdsPipeline && (kind === 'by' || kind === 'select')) return continuePipeline(parser, [parseStage(parser)], allowed);
  const item = continueItem(parser, parseItem(parser, within));
  if (item.kind === 'spanset') {
    if (allowed.spanset && accept(parser, ')')) return item;
    if (holdsPipeline) return continuePipeline(parser, [item.value], allowed);
    throw unexpected(parser.token);
  }
  if (item.kind === 'scalar') {
    if (allowed.scalar && accept(parser, ')')) return item;
    if (holdsPipeline) return continuePipeline(parser, [parseScalarFilter(parser, item.value)], allowed);
    throw unexpected(parser.token);
  }
  expectSilently(parser, ')');
  return item;
}

/** Stages up to the closing parenthesis, perhaps with an aggregate at the end. */
function continuePipeline(parser: Parser, first: readonly Stage[], allowed: Allowed): Item {
  const stages: (Stage | Aggregate)[] = [...first];
  for (;;) {
    if (allowed.pipeline && accept(parser, ')')) return { kind: 'pipeline', value: { kind: 'pipeline', stages } };
    if (!accept(parser, '|')) throw allowed.pipeline ? unexpected(parser.token, ')', '|') : unexpected(parser.token, '|');
    if (!allowed.scalarPipeline || !beginsAggregate(parser.token.kind)) {
      stages.push(parseStage(parser));
      continue;
    }
    const aggregate = parseAggregate(parser);
    if (accept(parser, ')')) {
      return { kind: 'scalarPipeline', value: { kind: 'scalarPipeline', pipeline: { kind: 'pipeline', stages: [...stages, aggregate] } } };
    }
    stages.push(parseScalarFilter(parser, continueScalar(parser, aggregate)));
  }
}

/** A stage after the first (spec traceql §2.1). */
export function parseStage(parser: Parser): Stage {
  switch (parser.token.kind) {
    case 'by': {
      advance(parser);
      expect(parser, '(');
      const expression = parseFieldExpression(parser);
      expectSilently(parser, ')');
      return { kind: 'groupBy', expression };
    }
    case 'coalesce':
      advance(parser);
      expect(parser, '(');
      expect(parser, ')');
      return { kind: 'coalesce' };
    case 'select':
      advance(parser);
      return { kind: 'select', references: parseReferenceList(parser) };
    default: {
      const item = continueItem(parser, parseItem(parser, inStage));
      if (item.kind === 'spanset') return item.value;
      return parseScalarFilter(parser, item.value as ScalarExpression);
    }
  }
}

/** What a query begins with and the operators behind it; `by` and `select` apart (see {@link parseStage}). */
export function parseFirstItem(parser: Parser): Item {
  return continueItem(parser, parseItem(parser, atStart));
}
