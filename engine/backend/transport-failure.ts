import { AppError } from '#engine/base/errors.ts';

/** Requests that no answer came to. */
const failures = new WeakSet<Error>();

/** An `unavailable` error for a request that the store never answered: refused, reset, cut or silent. An answer with a bad status is none. */
export function transportFailure(message: string, cause: unknown): AppError {
  const error = new AppError('unavailable', message, { cause });
  failures.add(error);
  return error;
}

/** Whether the error is a {@link transportFailure}. */
export function isTransportFailure(error: AppError): boolean {
  return failures.has(error);
}
