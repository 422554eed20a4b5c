import { AppError } from '#engine/base/errors.ts';
import { transportFailure } from './transport-failure.ts';

/** What S3 says about a request that failed. */
export interface S3Failure {
  /** HTTP status; 0 when there was no answer. */
  readonly status: number;
  /** S3's error code, for example `NoSuchKey`; '' when the answer has none. */
  readonly code: string;
  readonly message: string;
  /** `s3://bucket/key`. */
  readonly object: string;
  readonly cause?: unknown;
}

const credentialCodes = [
  'InvalidAccessKeyId',
  'SignatureDoesNotMatch',
  'InvalidToken',
  'ExpiredToken',
  'TokenRefreshRequired',
  'AuthorizationHeaderMalformed',
];
const passingCodes = [
  'SlowDown',
  'RequestTimeout',
  'RequestTimeTooSkewed',
  'ServiceUnavailable',
  'InternalError',
  'Throttling',
  'ThrottlingException',
];

/** The AppError for a failed request; `unavailable` is what may be tried again. A missing bucket or a refusal is never taken for a missing object. */
export function toS3Error({ status, code, message, object, cause }: S3Failure): AppError {
  const detail = [code, message].filter((part) => part !== '').join(': ') || `status ${status}`;
  const options = cause === undefined ? {} : { cause };
  if (code === 'NoSuchBucket') return new AppError('config', `${object}: the bucket does not exist (${detail})`, options);
  if (status === 0) return transportFailure(`${object}: S3 does not answer (${detail})`, cause);
  if (passingCodes.includes(code) || status === 429 || status >= 500) {
    return new AppError('unavailable', `${object}: S3 does not answer (${detail})`, options);
  }
  if (code === 'NoSuchKey' || status === 404) return new AppError('not_found', `${object} does not exist`, options);
  if (code === 'InvalidRange' || status === 416)
    return new AppError('corrupt_block', `${object} is shorter than expected (${detail})`, options);
  if (credentialCodes.includes(code))
    return new AppError('config', `${object}: S3 does not accept the credentials or the region (${detail})`, options);
  if (status === 403 || status === 401) {
    return new AppError('config', `${object}: S3 refuses access; check the credentials and the bucket's policy (${detail})`, options);
  }
  return new AppError('internal', `${object}: S3 refuses the request (${detail})`, options);
}
