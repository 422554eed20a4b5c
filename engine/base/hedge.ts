import pAny from 'p-any';
import type { Clock } from './clock.ts';
import { AppError, throwIfAborted, toAppError } from './errors.ts';

/** When further attempts start (spec read-path §6.2). */
export interface HedgeOptions {
  /** Without an answer after this time the next attempt starts. 0: one attempt, never another. */
  readonly afterMs: number;
  /** Attempts in total, the first included; 0 is 1. */
  readonly upTo: number;
  readonly clock: Clock;
  readonly signal?: AbortSignal;
}

/** The first answer. */
export interface Hedged<Value> {
  readonly value: Value;
  /** Which attempt answered, from 0. */
  readonly attempt: number;
  /** Attempts started. */
  readonly started: number;
}

interface Attempt<Value> {
  readonly start: () => void;
  /** `cancel` is what p-any calls on the losers. */
  readonly promise: Promise<{ readonly value: Value; readonly attempt: number }> & { readonly cancel: () => void };
}

/** Why waits and attempts are aborted here; made once, because every call aborts something and an error's stack is dear. */
const notNeeded = new AppError('cancelled', 'the answer of another attempt came first, or none is wanted any more');

/** An attempt that waits for `start`. Cancelled, it rejects at once, whether started or not and whether `run` listens or not. */
function createAttempt<Value>(
  attempt: number,
  run: (attempt: number, signal: AbortSignal) => Promise<Value>,
  onFailure: (thrown: unknown) => void,
): Attempt<Value> {
  const controller = new AbortController();
  let start = () => {};
  const promise = new Promise<{ readonly value: Value; readonly attempt: number }>((resolve, reject) => {
    controller.signal.addEventListener('abort', () => reject(controller.signal.reason), { once: true });
    start = async () => {
      try {
        resolve({ value: await run(attempt, controller.signal), attempt });
      } catch (thrown) {
        if (!controller.signal.aborted) onFailure(thrown);
        reject(thrown);
      }
    };
  });
  const cancel = () => controller.abort(notNeeded);
  return { start, promise: Object.assign(promise, { cancel }) };
}

/**
 * Runs `run` until one attempt is fulfilled: the next attempt starts after `afterMs`, or at once when one is rejected; at most `upTo` start.
 * The first fulfilled one wins and the others' signals are aborted. When all are rejected: the only attempt's error as it is, else an AppError with the
 * last one's code and `N errors occurred: * … * …`. An abort of the caller's signal rejects at once and aborts every attempt.
 */
export async function hedge<Value>(
  run: (attempt: number, signal: AbortSignal) => Promise<Value>,
  { afterMs, upTo, clock, signal }: HedgeOptions,
): Promise<Hedged<Value>> {
  throwIfAborted(signal);
  const total = afterMs > 0 ? Math.max(1, upTo) : 1;
  const errors: AppError[] = [];
  let started = 0;
  let unanswered = 0; // failures that have not started another attempt yet
  let settled = false;
  let wake = () => {};
  const onFailure = (thrown: unknown) => {
    errors.push(toAppError(thrown));
    unanswered++;
    wake();
  };
  const attempts = Array.from({ length: total }, (_, index) => createAttempt(index, run, onFailure));
  const launch = async () => {
    while (started < total && !settled) {
      attempts[started++]!.start();
      if (started === total) return;
      if (unanswered === 0) {
        const waiting = new AbortController();
        wake = () => waiting.abort(notNeeded);
        await clock.sleep(afterMs, waiting.signal).catch(() => {});
      }
      if (unanswered > 0) unanswered--;
    }
  };
  const first = pAny(attempts.map((attempt) => attempt.promise));
  const abort = () => first.cancel();
  signal?.addEventListener('abort', abort, { once: true });
  void launch();
  try {
    return { ...(await first), started };
  } catch (thrown) {
    throwIfAborted(signal);
    throw allFailed(errors, thrown);
  } finally {
    settled = true;
    wake();
    signal?.removeEventListener('abort', abort);
  }
}

function allFailed(errors: readonly AppError[], thrown: unknown): AppError {
  const last = errors.at(-1);
  if (last === undefined) return toAppError(thrown);
  if (errors.length === 1) return last;
  const list = errors.map((error) => `* ${error.message}`).join(' ');
  return new AppError(last.code, `${errors.length} errors occurred: ${list}`, { cause: errors });
}
