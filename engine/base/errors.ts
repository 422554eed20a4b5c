/** The closed list of things that can go wrong. `engine/api/status.ts` maps each to an HTTP and a gRPC status, and nothing else does. */
export const errorCodes = [
  'bad_request', // the caller's input is wrong; the message says which part
  'unauthenticated', // no tenant where one is needed
  'not_found',
  'unprocessable', // well-formed, but beyond a limit that the caller can change (a trace that is too large)
  'too_many_requests', // a queue or a quota is full; try again later
  'too_large', // a message is larger than the protocol allows
  'cancelled', // the caller went away
  'deadline_exceeded',
  'unavailable', // a dependency does not answer
  'unimplemented',
  'corrupt_block', // the data is damaged; the message names block, row group and column
  'resource_exhausted', // the work needs more memory than it may use
  'config',
  'internal',
] as const;

/** One of {@link errorCodes}. */
export type ErrorCode = (typeof errorCodes)[number];

/** The only error type that the code throws on purpose: a code, a message that says what to do, and the cause. */
export class AppError extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.name = 'AppError';
    this.code = code;
  }
}

/** Turns anything thrown into an AppError. An abort becomes `cancelled`, a time-out `deadline_exceeded`, the rest `internal`; the cause is kept. */
export function toAppError(thrown: unknown): AppError {
  if (thrown instanceof AppError) return thrown;
  if (thrown instanceof Error) {
    if (thrown.name === 'AbortError') return new AppError('cancelled', 'context canceled', { cause: thrown });
    if (thrown.name === 'TimeoutError') return new AppError('deadline_exceeded', 'context deadline exceeded', { cause: thrown });
    return new AppError('internal', thrown.message, { cause: thrown });
  }
  return new AppError('internal', String(thrown), { cause: thrown });
}

/** Throws what the signal was aborted with, as an AppError; does nothing on a live signal. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw toAppError(signal.reason);
}
