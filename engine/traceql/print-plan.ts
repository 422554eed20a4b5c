import { printGoDuration } from '#engine/base/duration.ts';
import { kindNames, type Reference, statusNames } from './ast.ts';
import type { Predicate, Test } from './plan.ts';
import { printDouble, printReference } from './print.ts';

/** Intrinsics whose stored numbers are nanoseconds. */
const durations: ReadonlySet<string> = new Set(['duration', 'traceDuration', 'event:timeSinceStart']);

/** A test as people read it: `span.http.status_code >= 500`, `duration > 20ms`, `.x exists`. */
export function printTest({ reference, predicate }: Test): string {
  return `${printReference(reference)} ${printPredicate(reference, predicate)}`;
}

function printPredicate(reference: Reference, predicate: Predicate): string {
  switch (predicate.kind) {
    case 'string':
      return `${predicate.operator} ${JSON.stringify(predicate.value)}`;
    case 'regex':
      return `${predicate.negated ? '!~' : '=~'} ${JSON.stringify(predicate.pattern)}`;
    case 'int':
      return `${predicate.operator} ${printInt(reference, predicate.value)}`;
    case 'double':
      return `${predicate.operator} ${printDouble(predicate.value)}`;
    case 'boolean':
      return `${predicate.operator} ${predicate.value}`;
    case 'present':
      return 'exists';
    case 'absent':
      return 'is missing';
  }
}

function printInt(reference: Reference, value: bigint): string {
  const name = reference.kind === 'intrinsic' ? reference.name : '';
  if (durations.has(name)) return printGoDuration(value);
  if (name === 'status') return statusNames[Number(value)] ?? String(value);
  if (name === 'kind') return kindNames[Number(value)] ?? String(value);
  return String(value);
}
