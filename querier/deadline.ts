import type { Clock } from '#engine/base/clock.ts';
import { AppError } from '#engine/base/errors.ts';

function exceeded(): AppError {
  return new AppError('deadline_exceeded', 'context deadline exceeded');
}

/** Aborts the wait when the work is done; made once, because making an error with its stack costs more than the rest. */
const finished = new AppError('cancelled', 'the work is done');

/**
 * Runs `work` with a signal that is aborted when the parent's is, or with `reason` (`deadline_exceeded`)
 * after `timeoutMs` (0 is never). The promise ends when the work
 * does: work must listen to its signal.
 */
export async function withDeadline<Result>(
  clock: Clock,
  timeoutMs: number,
  parent: AbortSignal,
  work: (signal: AbortSignal) => Promise<Result>,
  reason: () => AppError = exceeded,
): Promise<Result> {
  if (timeoutMs <= 0) return work(parent);
  const controller = new AbortController();
  const done = new AbortController();
  const onParent = () => {
    controller.abort(parent.reason);
    done.abort(finished); // no timer for work that is given up, even where it goes on
  };
  if (parent.aborted) onParent();
  parent.addEventListener('abort', onParent, { once: true });
  void clock.sleep(timeoutMs, done.signal).then(
    () => controller.abort(reason()),
    () => {},
  );
  try {
    return await work(controller.signal);
  } finally {
    done.abort(finished);
    parent.removeEventListener('abort', onParent);
  }
}
