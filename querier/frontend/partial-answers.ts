import type { Clock } from '#engine/base/clock.ts';

/** A query that can be looked at while it runs. */
export interface ProgressiveQuery<Answer> {
  /** Runs to the end, once; tells of each step that may be followed by more. */
  readonly run: (onProgress: () => void, signal: AbortSignal) => Promise<void>;
  /** What is new since the last call. */
  readonly changes: () => Answer;
  /** Everything. */
  readonly result: () => Answer;
}

/** A part of a streamed answer. */
export interface PartialAnswer<Answer> {
  readonly kind: 'partial' | 'final';
  readonly answer: Answer;
}

/** How often partial answers come, at most (spec http-api §9.1). */
export const partialIntervalMs = 500;

/**
 * Runs a query and yields what is new when it has made progress and more than {@link partialIntervalMs} have passed since the last time; in the end always everything.
 * Changes are collected when the reader asks, so that a slow one gets fewer and larger parts and nothing piles up. The query is aborted when the reader
 * leaves or the signal ends it; throws what the query does.
 */
export async function* partialAnswers<Answer>(
  clock: Pick<Clock, 'monotonicMs'>,
  query: ProgressiveQuery<Answer>,
  signal: AbortSignal,
): AsyncGenerator<PartialAnswer<Answer>, void, void> {
  const left = new AbortController();
  let lastMs = clock.monotonicMs();
  let due = false;
  let ended = false;
  let wake = () => {};
  const onProgress = () => {
    const nowMs = clock.monotonicMs();
    if (nowMs - lastMs <= partialIntervalMs) return;
    lastMs = nowMs;
    due = true;
    wake();
  };
  const running = query.run(onProgress, AbortSignal.any([signal, left.signal])).finally(() => {
    ended = true;
    wake();
  });
  running.catch(() => {}); // awaited below, unless the reader leaves
  try {
    while (!ended) {
      if (due) {
        due = false;
        yield { kind: 'partial', answer: query.changes() };
      } else {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    }
    await running;
    yield { kind: 'final', answer: query.result() };
  } finally {
    left.abort();
  }
}
