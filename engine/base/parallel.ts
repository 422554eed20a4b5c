import { throwIfAborted } from './errors.ts';

/**
 * Runs `work` on every item, at most `concurrency` at a time, and returns the results in the order of the items.
 * The first failure (or the caller's signal) aborts the signal that the others got, waits for them to end, and is thrown: nothing runs on afterwards.
 */
export async function mapParallel<Item, Result>(
  items: readonly Item[],
  concurrency: number,
  work: (item: Item, signal: AbortSignal, index: number) => Promise<Result>,
  signal?: AbortSignal,
): Promise<Result[]> {
  throwIfAborted(signal);
  const failed = new AbortController();
  const inner = signal === undefined ? failed.signal : AbortSignal.any([signal, failed.signal]);
  const results = new Array<Result>(items.length);
  let next = 0;
  let failure: { readonly thrown: unknown } | undefined;

  const runLane = async (): Promise<void> => {
    while (next < items.length && failure === undefined) {
      const index = next++;
      try {
        throwIfAborted(inner);
        results[index] = await work(items[index], inner, index);
      } catch (thrown) {
        failure ??= { thrown };
        failed.abort();
        return;
      }
    }
  };
  const lanes = Math.min(items.length, Math.max(1, Math.floor(concurrency)));
  await Promise.all(Array.from({ length: lanes }, runLane));
  if (failure !== undefined) throw failure.thrown;
  return results;
}
