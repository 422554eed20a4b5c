import { AppError } from '#engine/base/errors.ts';

/** The AppError for an answer of GCS that is no success; `text` is its body, JSON or plain. Object as `gs://bucket/key`. */
export function toGcsError(status: number, text: string, object: string): AppError {
  const message = messageOf(text);
  const detail = message === '' ? `status ${status}` : `${status}: ${message}`;
  if (status === 404 && /bucket does not exist/i.test(message))
    return new AppError('config', `${object}: the bucket does not exist (${detail})`);
  if (status === 404) return new AppError('not_found', `${object} does not exist`);
  if (status === 408 || status === 429 || status >= 500) return new AppError('unavailable', `${object}: GCS does not answer (${detail})`);
  if (status === 416) return new AppError('corrupt_block', `${object} is shorter than expected (${detail})`);
  if (status === 401) return new AppError('config', `${object}: GCS does not accept the credentials (${detail})`);
  if (status === 403)
    return new AppError('config', `${object}: GCS refuses access; the service account needs storage.objects.get and .list (${detail})`);
  return new AppError('internal', `${object}: GCS refuses the request (${detail})`);
}

/** What the error says; '' when it says nothing. */
function messageOf(text: string): string {
  try {
    const { error } = JSON.parse(text) as { readonly error?: { readonly message?: unknown } };
    if (typeof error?.message === 'string') return error.message;
  } catch {
    // Downloads answer plain text.
  }
  return text.trim().slice(0, 500);
}
