import { S3ServiceException } from '@aws-sdk/client-s3';
import { AppError, toAppError } from '#engine/base/errors.ts';
import { toS3Error } from './s3-errors.ts';

/** The AppError for what the AWS SDK threw in a request for `object`, `s3://bucket/key`; the signal's reason when it ended the request. */
export function sdkError(thrown: unknown, object: string, signal: AbortSignal | undefined): AppError {
  if (signal?.aborted) return toAppError(signal.reason);
  if (thrown instanceof AppError) return thrown;
  const { name, message, code } = thrown as { name?: string; message?: string; code?: string };
  if (thrown instanceof S3ServiceException) {
    return toS3Error({ status: thrown.$metadata.httpStatusCode ?? 0, code: thrown.name, message: thrown.message, object, cause: thrown });
  }
  if (name === 'CredentialsProviderError' || name === 'TokenProviderError') {
    return new AppError('config', `${object}: no S3 credentials found (${message})`, { cause: thrown });
  }
  return toS3Error({ status: 0, code: code ?? '', message: message ?? String(thrown), object, cause: thrown });
}
