import fc from 'fast-check';
import type {
  Aggregate,
  BinaryOperator,
  FieldExpression,
  Hint,
  MetricsFunction,
  Pipeline,
  Query,
  Reference,
  ScalarExpression,
  SecondStage,
  SpansetExpression,
  Stage,
  Static,
} from '#engine/traceql/ast.ts';
import { intrinsics, spansetOperators } from '#engine/traceql/ast.ts';
import { foldBinary, foldExists, foldUnary } from '#engine/traceql/fold.ts';

const maxInt = 2n ** 63n - 1n;
const unsigned = fc.oneof(fc.bigInt({ min: 0n, max: 20n }), fc.bigInt({ min: 0n, max: maxInt }));
const signed = fc.tuple(unsigned, fc.boolean()).map(([value, negative]) => (negative ? -value : value));
const finite = fc.oneof(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.constantFrom(0, -0, 1e6, 1e21, 0.1, 5e-324));
const text = fc.string({ unit: 'binary', maxLength: 8 });

/** Names of attributes: any text that a query can hold. */
const name = fc.oneof(
  fc.constantFrom(
    'a',
    'service.name',
    'a b',
    '',
    '1',
    'span.x',
    'resource.y',
    'quo"te',
    'back\\slash',
    'new\nline',
    'a-b*c',
    '🚀',
    '.x',
    "'",
  ),
  text.map((value) => value.replaceAll('\0', '')),
);

const word: fc.Arbitrary<Static> = fc.oneof(
  fc.boolean().map((value): Static => ({ kind: 'boolean', value })),
  fc.nat({ max: 2 }).map((code): Static => ({ kind: 'status', code })),
  fc.nat({ max: 5 }).map((code): Static => ({ kind: 'kind', code })),
  text.map((value): Static => ({ kind: 'string', value })),
);
const number = (integers: fc.Arbitrary<bigint>, floats: fc.Arbitrary<number>): fc.Arbitrary<Static> =>
  fc.oneof(
    integers.map((value): Static => ({ kind: 'int', value })),
    integers.map((nanos): Static => ({ kind: 'duration', nanos })),
    floats.map((value): Static => ({ kind: 'float', value })),
  );
const signedNumber = number(signed, finite);
const anyStatic = fc.oneof(
  word,
  signedNumber,
  fc.constantFrom<Static>(
    { kind: 'int', value: -maxInt - 1n },
    ...[Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY].map((value): Static => ({ kind: 'float', value })),
  ),
);

const reference: fc.Arbitrary<Reference> = fc.oneof(
  fc.constantFrom(...intrinsics).map((intrinsic): Reference => ({ kind: 'intrinsic', name: intrinsic })),
  fc
    .tuple(fc.constantFrom('none' as const, 'span' as const, 'resource' as const), name, fc.boolean())
    .map(([scope, attribute, parent]): Reference => ({ kind: 'attribute', scope, name: attribute, parent })),
  fc
    .tuple(fc.constantFrom('event' as const, 'link' as const, 'instrumentation' as const), name)
    .map(([scope, attribute]): Reference => ({ kind: 'attribute', scope, name: attribute, parent: false })),
);

const binaryOperators: readonly BinaryOperator[] = [
  ...(['=', '!=', '<', '<=', '>', '>=', '=~', '!~', '+', '-', '*', '/', '%', '^', '&&', '||', '*', '^', '-'] as const),
];

/** Field expressions, folded as the parser folds. */
const field = fc.letrec<{ expression: FieldExpression }>((tie) => ({
  expression: fc.oneof(
    { maxDepth: 6, depthSize: 'medium' },
    reference,
    anyStatic.map((value): FieldExpression => ({ kind: 'literal', value })),
    fc.tuple(fc.constantFrom('-' as const, '!' as const), tie('expression')).map(([operator, operand]) => foldUnary(operator, operand)),
    fc.tuple(fc.boolean(), tie('expression')).map(([negated, operand]) => foldExists(negated, operand)),
    fc
      .tuple(fc.constantFrom(...binaryOperators), tie('expression'), tie('expression'))
      .map(([operator, left, right]) => foldBinary(operator, left, right)),
    fc
      .tuple(fc.constantFrom(...binaryOperators), tie('expression'), tie('expression'))
      .map(([operator, left, right]) => foldBinary(operator, left, right)),
  ),
})).expression;

const spansetOperator = fc.constantFrom(...spansetOperators);
const filter = field.map((expression): SpansetExpression => ({ kind: 'filter', expression }));
const spansets = fc.letrec<{ expression: SpansetExpression }>((tie) => ({
  expression: fc.oneof(
    { maxDepth: 4, depthSize: 'small' },
    filter,
    fc
      .tuple(spansetOperator, tie('expression'), tie('expression'))
      .map(([operator, left, right]): SpansetExpression => ({ kind: 'spansetOperation', operator, left, right })),
  ),
})).expression;

const aggregate: fc.Arbitrary<Aggregate> = fc.oneof(
  fc.constant<Aggregate>({ kind: 'aggregate', function: 'count' }),
  fc
    .tuple(fc.constantFrom('min' as const, 'max' as const, 'avg' as const, 'sum' as const), field)
    .map(([name, operand]): Aggregate => ({ kind: 'aggregate', function: name, operand })),
);

/** Arithmetic over such leaves. */
function scalars(leaf: fc.Arbitrary<ScalarExpression>): fc.Arbitrary<ScalarExpression> {
  return fc.letrec<{ expression: ScalarExpression }>((tie) => ({
    expression: fc.oneof(
      { maxDepth: 4, depthSize: 'small' },
      leaf,
      fc
        .tuple(
          fc.constantFrom('+' as const, '-' as const, '*' as const, '/' as const, '%' as const, '^' as const),
          tie('expression'),
          tie('expression'),
        )
        .map(([operator, left, right]): ScalarExpression => ({ kind: 'scalarOperation', operator, left, right })),
    ),
  })).expression;
}

const scalar = scalars(
  fc.oneof(
    aggregate,
    signedNumber.map((value): ScalarExpression => ({ kind: 'literal', value })),
  ),
);
const comparison = fc.constantFrom('=' as const, '!=' as const, '<' as const, '<=' as const, '>' as const, '>=' as const);
const select = fc.array(reference, { minLength: 1, maxLength: 3 }).map((references): Stage => ({ kind: 'select', references }));
const firstStage: fc.Arbitrary<Stage> = fc.oneof(
  spansets,
  fc.tuple(comparison, scalar, scalar).map(([operator, left, right]): Stage => ({ kind: 'scalarFilter', operator, left, right })),
  field.map((expression): Stage => ({ kind: 'groupBy', expression })),
  select,
);
const stage: fc.Arbitrary<Stage> = fc.oneof(firstStage, fc.constant<Stage>({ kind: 'coalesce' }));

function pipelineOf(minRest: number): fc.Arbitrary<Pipeline> {
  return fc
    .tuple(firstStage, fc.array(stage, { minLength: minRest, maxLength: 3 }))
    .map(([first, rest]): Pipeline => ({ kind: 'pipeline', stages: [first, ...rest] }));
}

/** Operands have two stages at least: `({ a }) && …` is a spanset expression in parentheses, not a pipeline. */
const pipelineOperation = fc.letrec<{ operation: Pipeline; operand: Pipeline }>((tie) => ({
  operand: fc.oneof({ maxDepth: 3, depthSize: 'small' }, pipelineOf(1), tie('operation')),
  operation: fc
    .tuple(spansetOperator, tie('operand'), tie('operand'))
    .map(([operator, left, right]): Pipeline => ({ kind: 'pipelineOperation', operator, left, right })),
})).operation;

const scalarPipelines = scalars(
  fc.tuple(firstStage, fc.array(stage, { maxLength: 2 }), aggregate).map(
    ([first, rest, last]): ScalarExpression => ({
      kind: 'scalarPipeline',
      pipeline: { kind: 'pipeline', stages: [first, ...rest, last] },
    }),
  ),
);
const pipelineComparison = fc
  .tuple(
    comparison,
    scalarPipelines,
    fc.oneof(
      scalarPipelines,
      signedNumber.map((value): ScalarExpression => ({ kind: 'literal', value })),
    ),
  )
  .map(([operator, left, right]): Pipeline => ({ kind: 'pipeline', stages: [{ kind: 'scalarFilter', operator, left, right }] }));

const by = fc.array(reference, { maxLength: 3 });
const positive = finite.map(Math.abs);
const metrics: fc.Arbitrary<MetricsFunction> = fc.oneof(
  fc
    .tuple(fc.constantFrom('rate' as const, 'count_over_time' as const), by)
    .map(([name, labels]): MetricsFunction => ({ kind: 'metrics', function: name, by: labels })),
  fc
    .tuple(fc.constantFrom('min_over_time' as const, 'sum_over_time' as const, 'histogram_over_time' as const), by, reference)
    .map(([name, labels, argument]): MetricsFunction => ({ kind: 'metrics', function: name, by: labels, argument })),
  fc.tuple(by, reference, fc.array(positive, { minLength: 1, maxLength: 3 })).map(
    ([labels, argument, quantiles]): MetricsFunction => ({
      kind: 'metrics',
      function: 'quantile_over_time',
      by: labels,
      argument,
      quantiles,
    }),
  ),
  fc.tuple(filter, unsigned, unsigned, unsigned).map(
    ([selection, topN, start, end]): MetricsFunction => ({
      kind: 'metrics',
      function: 'compare',
      by: [],
      compare: { selection, topN, start, end },
    }),
  ),
);
const secondStage: fc.Arbitrary<SecondStage> = fc.oneof(
  fc.tuple(fc.constantFrom('topk' as const, 'bottomk' as const), unsigned).map(([kind, limit]): SecondStage => ({ kind, limit })),
  fc.tuple(comparison, finite).map(([operator, value]): SecondStage => ({ kind: 'metricsFilter', operator, value })),
);
const hint: fc.Arbitrary<Hint> = fc
  .tuple(fc.constantFrom('sample', 'most_recent', 'x', 'span', '_1'), fc.oneof(word, number(unsigned, positive)))
  .map(([hintName, value]) => ({ name: hintName, value }));

/** Any query that the parser can produce, valid or not. */
export const arbitraryQuery: fc.Arbitrary<Query> = fc
  .tuple(
    fc.oneof(
      { weight: 4, arbitrary: pipelineOf(0).map((pipeline) => ({ pipeline, secondStages: [] })) },
      fc
        .tuple(pipelineOf(0), metrics, fc.array(secondStage, { maxLength: 3 }))
        .map(([pipeline, metrics, secondStages]) => ({ pipeline, metrics, secondStages })),
      pipelineOperation.map((pipeline) => ({ pipeline, secondStages: [] })),
      pipelineComparison.map((pipeline) => ({ pipeline, secondStages: [] })),
    ),
    fc.array(hint, { maxLength: 3 }),
  )
  .map(([body, hints]) => ({ ...body, hints }));
