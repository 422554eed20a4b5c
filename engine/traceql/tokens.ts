/** Words reserved everywhere outside attribute names, less those that stand for constants (spec traceql §1.5). */
export const keywords = [
  ...(['true', 'false', 'nil', 'ok', 'error', 'unset', 'unspecified', 'internal', 'server', 'client', 'producer', 'consumer'] as const),
  ...(['duration', 'childCount', 'name', 'status', 'statusMessage', 'kind', 'rootName', 'rootServiceName', 'rootService'] as const),
  ...(['traceDuration', 'nestedSetLeft', 'nestedSetRight', 'nestedSetParent', 'id', 'traceID', 'spanID', 'parentID'] as const),
  ...(['timeSinceStart', 'version', 'parent', 'count', 'avg', 'max', 'min', 'sum', 'by', 'coalesce', 'select', 'rate'] as const),
  ...(['count_over_time', 'min_over_time', 'max_over_time', 'avg_over_time', 'sum_over_time', 'quantile_over_time'] as const),
  ...(['histogram_over_time', 'compare', 'topk', 'bottomk', 'with'] as const),
] as const;

/** Operators and punctuation (spec traceql §1.4), `.` excepted. */
export const operators = [
  ...(['{', '}', '(', ')', ',', '=', '!=', '=~', '!~', '>', '>=', '<', '<=', '+', '-', '*', '/', '%', '^'] as const),
  ...(['&&', '||', '!', '|', '>>', '<<', '~', '!>', '!<', '!>>', '!<<', '&>', '&>>', '&<', '&<<', '&~'] as const),
] as const;

/** Scope words with their dot: an attribute name follows (spec traceql §1.5). */
export const attributeScopes = ['.', 'span.', 'resource.', 'event.', 'link.', 'instrumentation.', 'parent.'] as const;

/** Scope words with their colon: the name of an intrinsic follows (spec traceql §1.5). */
export const intrinsicScopes = ['trace:', 'span:', 'event:', 'link:', 'instrumentation:'] as const;

/** A token's name as messages spell it (spec traceql §3.4). */
export type TokenKind =
  | (typeof keywords)[number]
  | (typeof operators)[number]
  | (typeof attributeScopes)[number]
  | (typeof intrinsicScopes)[number]
  | 'IDENTIFIER'
  | 'STRING'
  | 'INTEGER'
  | 'FLOAT'
  | 'DURATION'
  | 'END_ATTRIBUTE'
  | '$end';

/** Where a token starts: columns count code points from 1, lines from 1 with the exceptions of spec traceql §3.4. Column 0: nowhere. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

/**
 * One token. `text` is the word of an IDENTIFIER, the attribute's name, or the value of a STRING; `value` the number of an INTEGER or
 * DURATION (nanoseconds) as bigint, of a FLOAT as number.
 */
export interface Token extends Position {
  readonly kind: TokenKind;
  readonly text: string;
  readonly value?: bigint | number;
}
