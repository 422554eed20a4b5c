import type { Aggregate } from '#engine/traceql/ast.ts';
import { compareScalars, numeric, type Value, whole } from './values.ts';

const ranks = ['int', 'float', 'string', 'boolean', 'array', 'duration', 'status', 'kind'];

/** Spec traceql §6.2; undefined where no span has a value. */
export function aggregateOf(name: Aggregate['function'], all: readonly Value[]): Value | undefined {
  if (name === 'count') return whole(all.length);
  const values = all.filter(({ kind }) => kind !== 'nil');
  if (values.length === 0) return undefined;
  if (name === 'min' || name === 'max') return values.reduce((best, value) => (beats(value, best, name === 'max') ? value : best));
  const total = sumOf(values);
  if (name === 'sum' || total === undefined) return total;
  if (total.kind === 'duration') return { kind: 'duration', nanos: total.nanos / BigInt(values.length) };
  return { kind: 'float', value: Number(numeric(total)) / values.length };
}

/** Starts with the first value; values of other types are left out. */
function sumOf(values: readonly Value[]): Value | undefined {
  const first = values[0]!;
  const same = values.filter(({ kind }) => kind === first.kind).map(numeric);
  if (first.kind === 'float') return { kind: 'float', value: (same as number[]).reduce((a, b) => a + b) };
  const total = () =>
    BigInt.asIntN(
      64,
      (same as bigint[]).reduce((a, b) => a + b),
    );
  if (first.kind === 'int') return whole(total());
  return first.kind === 'duration' ? { kind: 'duration', nanos: total() } : undefined;
}

function beats(value: Value, best: Value, largest: boolean): boolean {
  const a = numeric(value);
  const b = numeric(best);
  if (a !== undefined && b !== undefined) {
    if (Number.isNaN(b)) return false;
    if (Number.isNaN(a)) return true;
    const [x, y] = value.kind === best.kind ? [a, b] : [Number(a), Number(b)];
    return largest ? x > y : x < y;
  }
  if (value.kind !== best.kind) {
    const order = ranks.indexOf(value.kind) - ranks.indexOf(best.kind);
    return largest ? order > 0 : order < 0;
  }
  if (value.kind === 'string') return compareScalars(largest ? '>' : '<', value, best as typeof value);
  const rank = (one: Value) => (one.kind === 'boolean' ? Number(one.value) : 'code' in one ? one.code : 0);
  return largest ? rank(value) > rank(best) : rank(value) < rank(best);
}
