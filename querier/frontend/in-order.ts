/**
 * Passes values on by their numbers, from 0 and without gaps: each as soon as it and all before it are there. So what is made of them does not depend on which job
 * answered first. The values in between are held; `take` may throw, then its value is gone.
 */
export function inOrder<Value>(take: (value: Value) => void): (number: number, value: Value) => void {
  const early = new Map<number, Value>();
  let next = 0;
  return (number, value) => {
    early.set(number, value);
    while (early.has(next)) {
      const ready = early.get(next)!;
      early.delete(next++);
      take(ready);
    }
  };
}

/** Numbers what is iterated over, from 0. */
export function* numbered<Value>(values: Iterable<Value>): Generator<{ readonly number: number; readonly value: Value }, void, void> {
  let number = 0;
  for (const value of values) yield { number: number++, value };
}
