import { type Reference, type Scope, statusNames } from './ast.ts';
import type { Condition, Predicate, SearchPlan, SpansetPlan, Test } from './plan.ts';

/** What a tag search asks for. */
export interface TagSearch {
  readonly tags: ReadonlyMap<string, string>;
  /** Of the trace; absent: any. */
  readonly minDurationMs?: number;
  readonly maxDurationMs?: number;
}

const nanosPerMs = 1_000_000n;

const intrinsicTags: ReadonlyMap<string, 'name' | 'rootName' | 'rootServiceName'> = new Map([
  ['name', 'name'],
  ['root.name', 'rootName'],
  ['root.service.name', 'rootServiceName'],
]);

/** Attributes that have had columns of their own since the first block format; a part of the value is enough for them. */
const wellKnownTags: ReadonlyMap<string, Scope> = new Map([
  ...[
    'service.name',
    'cluster',
    'namespace',
    'pod',
    'container',
    'k8s.cluster.name',
    'k8s.namespace.name',
    'k8s.pod.name',
    'k8s.container.name',
  ].map((name) => [name, 'resource'] as const),
  ['http.method', 'span'],
  ['http.url', 'span'],
]);

/**
 * Plans a tag search (docs/traceql.md, "Tag search"): every tag must be met somewhere in the trace, not all by the same span. The answer names traces
 * without spansets.
 */
export function planTagSearch({ tags, minDurationMs = 0, maxDurationMs = 0 }: TagSearch): SearchPlan {
  const tests: Test[] = [];
  const add = (reference: Reference, predicate: Predicate): Condition => ({ kind: 'test', test: tests.push({ reference, predicate }) - 1 });
  const traceDuration: Reference = { kind: 'intrinsic', name: 'traceDuration' };
  const conditions: Condition[] = [];
  if (minDurationMs > 0) conditions.push(add(traceDuration, { kind: 'int', operator: '>=', value: BigInt(minDurationMs) * nanosPerMs }));
  if (maxDurationMs > 0) conditions.push(add(traceDuration, { kind: 'int', operator: '<=', value: BigInt(maxDurationMs) * nanosPerMs }));
  for (const [name, value] of tags) conditions.push(planTag(add, name, value));
  const filters = conditions.map((condition): SpansetPlan => ({ kind: 'filter', condition }));
  const everything: SpansetPlan = { kind: 'filter', condition: { kind: 'constant', value: true } };
  const [first = everything, ...others] = filters;
  return {
    result: 'traces',
    spansets: others.reduce((left, right): SpansetPlan => ({ kind: 'both', left, right }), first),
    stages: [],
    tests,
    shown: [],
  };
}

function planTag(add: (reference: Reference, predicate: Predicate) => Condition, name: string, value: string): Condition {
  const intrinsic = intrinsicTags.get(name);
  if (intrinsic !== undefined) return add({ kind: 'intrinsic', name: intrinsic }, containing(value));
  const scope = wellKnownTags.get(name);
  if (scope !== undefined) return add(attribute(scope, name), containing(value));
  if (name === 'status.code') {
    const code = (statusNames as readonly string[]).indexOf(value);
    if (code < 0) return { kind: 'constant', value: false };
    return add({ kind: 'intrinsic', name: 'status' }, { kind: 'int', operator: '=', value: BigInt(code) });
  }
  if (name === 'http.status_code') {
    if (!/^[0-9]{1,18}$/.test(value)) return { kind: 'constant', value: false };
    return add(attribute('span', name), { kind: 'int', operator: '=', value: BigInt(value) });
  }
  const equal: Predicate = { kind: 'string', operator: '=', value };
  return { kind: 'or', operands: [add(attribute('resource', name), equal), add(attribute('span', name), equal)] };
}

function attribute(scope: Scope, name: string): Reference {
  return { kind: 'attribute', scope, name, parent: false };
}

/** Case matters, as in Tempo. */
function containing(text: string): Predicate {
  return { kind: 'regex', negated: false, pattern: `.*${text.replace(/[\\.+*?()|[\]{}^$]/g, '\\$&')}.*` };
}
