/** The abstract syntax of TraceQL: frozen plain data, told apart by `kind` (spec traceql §2). */

/** Where an attribute is looked up. `none` is the unscoped `.x`: span first, then resource. */
export type Scope = 'none' | 'span' | 'resource' | 'event' | 'link' | 'instrumentation';

/** Canonical (printed) names of intrinsics (spec traceql §1.7). */
export const intrinsics = [
  'duration',
  'name',
  'status',
  'statusMessage',
  'kind',
  'span:childCount',
  'span:id',
  'span:parentID',
  'rootName',
  'rootServiceName',
  'traceDuration',
  'trace:id',
  'event:name',
  'event:timeSinceStart',
  'link:traceID',
  'link:spanID',
  'instrumentation:name',
  'instrumentation:version',
  'nestedSetLeft',
  'nestedSetRight',
  'nestedSetParent',
  'parent',
] as const;

/** One of {@link intrinsics}. */
export type Intrinsic = (typeof intrinsics)[number];

/** Status words; their number is the stored code. */
export const statusNames = ['unset', 'ok', 'error'] as const;
/** Kind words; their number is the stored code. */
export const kindNames = ['unspecified', 'internal', 'server', 'client', 'producer', 'consumer'] as const;

/** A constant. Integers are signed 64-bit, durations signed nanoseconds; `code` is the stored number of the word. */
export type Static =
  | { readonly kind: 'nil' }
  | { readonly kind: 'int'; readonly value: bigint }
  | { readonly kind: 'float'; readonly value: number }
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'boolean'; readonly value: boolean }
  | { readonly kind: 'duration'; readonly nanos: bigint }
  | { readonly kind: 'status'; readonly code: number }
  | { readonly kind: 'kind'; readonly code: number };

/** Comparisons. */
export type ComparisonOperator = '=' | '!=' | '<' | '<=' | '>' | '>=' | '=~' | '!~';
/** Arithmetic. */
export type ArithmeticOperator = '+' | '-' | '*' | '/' | '%' | '^';
/** Operators between field expressions. */
export type BinaryOperator = ComparisonOperator | ArithmeticOperator | '&&' | '||';

/** An attribute reference. `parent` is the reserved parent scope; it parses and never validates. */
export interface AttributeReference {
  readonly kind: 'attribute';
  readonly scope: Scope;
  readonly name: string;
  readonly parent: boolean;
}

/** An intrinsic by its canonical name. */
export interface IntrinsicReference {
  readonly kind: 'intrinsic';
  readonly name: Intrinsic;
}

/** What `select()`, `by ()` of metrics and metrics functions take. */
export type Reference = AttributeReference | IntrinsicReference;

/** An expression inside `{ }`, `by()` or an aggregate. `exists` is `x != nil`, negated `x = nil`. */
export type FieldExpression =
  | { readonly kind: 'literal'; readonly value: Static }
  | Reference
  | { readonly kind: 'binary'; readonly operator: BinaryOperator; readonly left: FieldExpression; readonly right: FieldExpression }
  | { readonly kind: 'unary'; readonly operator: '-' | '!'; readonly operand: FieldExpression }
  | { readonly kind: 'exists'; readonly negated: boolean; readonly operand: FieldExpression };

/** Operators between spansets (spec traceql §5.3). */
export const spansetOperators = [
  '&&',
  '||',
  '>',
  '<',
  '>>',
  '<<',
  '~',
  '!>',
  '!<',
  '!>>',
  '!<<',
  '!~',
  '&>',
  '&<',
  '&>>',
  '&<<',
  '&~',
] as const;
/** One of {@link spansetOperators}. */
export type SpansetOperator = (typeof spansetOperators)[number];

/** `{ … }` and what combines them. */
export type SpansetExpression =
  | { readonly kind: 'filter'; readonly expression: FieldExpression }
  | {
      readonly kind: 'spansetOperation';
      readonly operator: SpansetOperator;
      readonly left: SpansetExpression;
      readonly right: SpansetExpression;
    };

/** An aggregate; `count` has no operand. */
export interface Aggregate {
  readonly kind: 'aggregate';
  readonly function: 'count' | 'min' | 'max' | 'avg' | 'sum';
  readonly operand?: FieldExpression;
}

/**
 * An expression over a spanset as a whole. `scalarPipeline` is a parenthesised pipeline that ends in an aggregate; it parses and never
 * validates.
 */
export type ScalarExpression =
  | Aggregate
  | { readonly kind: 'literal'; readonly value: Static }
  | {
      readonly kind: 'scalarOperation';
      readonly operator: ArithmeticOperator;
      readonly left: ScalarExpression;
      readonly right: ScalarExpression;
    }
  | { readonly kind: 'scalarPipeline'; readonly pipeline: Pipeline };

/** One step of a pipeline. */
export type Stage =
  | SpansetExpression
  | {
      readonly kind: 'scalarFilter';
      readonly operator: ComparisonOperator;
      readonly left: ScalarExpression;
      readonly right: ScalarExpression;
    }
  | { readonly kind: 'groupBy'; readonly expression: FieldExpression }
  | { readonly kind: 'coalesce' }
  | { readonly kind: 'select'; readonly references: readonly Reference[] };

/** A pipeline, or two parenthesised pipelines joined by a spanset operator. */
export type Pipeline =
  | { readonly kind: 'pipeline'; readonly stages: readonly (Stage | Aggregate)[] }
  | { readonly kind: 'pipelineOperation'; readonly operator: SpansetOperator; readonly left: Pipeline; readonly right: Pipeline };

/** A metrics function with its arguments (spec traceql §2.5). */
export interface MetricsFunction {
  readonly kind: 'metrics';
  readonly function:
    | 'rate'
    | 'count_over_time'
    | 'min_over_time'
    | 'max_over_time'
    | 'avg_over_time'
    | 'sum_over_time'
    | 'quantile_over_time'
    | 'histogram_over_time'
    | 'compare';
  readonly by: readonly Reference[];
  readonly argument?: Reference;
  readonly quantiles?: readonly number[];
  readonly compare?: { readonly selection: SpansetExpression; readonly topN: bigint; readonly start: bigint; readonly end: bigint };
}

/** What may follow a metrics function. */
export type SecondStage =
  | { readonly kind: 'topk' | 'bottomk'; readonly limit: bigint }
  | { readonly kind: 'metricsFilter'; readonly operator: ComparisonOperator; readonly value: number };

/** `name=value` of `with(…)`. */
export interface Hint {
  readonly name: string;
  readonly value: Static;
}

/** A whole query. */
export interface Query {
  readonly pipeline: Pipeline;
  readonly metrics?: MetricsFunction;
  readonly secondStages: readonly SecondStage[];
  /** Of the last `with(…)` group only. */
  readonly hints: readonly Hint[];
}
