import { createHash } from 'node:crypto';
import { Storage } from '@google-cloud/storage';
import { AppError, throwIfAborted, toAppError } from '#engine/base/errors.ts';
import type { Backend, ObjectWriter } from './backend.ts';
import { type AccessToken, createGcsBackend, type GcsContext } from './gcs.ts';
import { toGcsError } from './gcs-errors.ts';
import { noToken } from './gcs-metadata-token.ts';
import { type GcsAddress, type GcsOptions, resolveGcsAddress } from './gcs-options.ts';
import { checkKey } from './keys.ts';
import { checkReadSize } from './range.ts';
import { raceSignal } from './refreshed.ts';
import { defaultRetryPolicy, withRetries } from './retry.ts';
import { transportFailure } from './transport-failure.ts';

/**
 * GCS for queriers: Google's library finds the credentials (application default credentials, workload identity, the metadata server) and writes. Reads and
 * listings are {@link createGcsBackend}'s, because the library can neither abort a request nor leave other requests alone when a read is given up.
 */
export function createSdkGcsBackend(options: GcsOptions, context: Omit<GcsContext, 'token'>): Backend {
  const address = resolveGcsAddress(options);
  const storage = new Storage({
    apiEndpoint: `${address.protocol}//${address.hostname}${address.port === undefined ? '' : `:${address.port}`}`,
    useAuthWithCustomEndpoint: !options.insecure,
    retryOptions: { autoRetry: false },
    timeout: options.idleTimeoutMs ?? 10_000,
    // Otherwise it asks the metadata server for a project, which no request here names.
    projectId: 'unused',
  });
  const token = options.insecure ? noToken : libraryToken(storage);
  return { ...createGcsBackend(options, { ...context, token }), writer: createWriter(storage, address, options, context) };
}

/** The library keeps and renews the token itself. */
function libraryToken(storage: Storage): AccessToken {
  const fetch = async (): Promise<string | undefined> => {
    try {
      const headers = await storage.authClient.getRequestHeaders();
      return headers.get('authorization')?.replace(/^Bearer /, '');
    } catch (cause) {
      throw new AppError('config', `no GCS credentials: ${(cause as Error).message}`, { cause });
    }
  };
  return { get: (signal) => (signal === undefined ? fetch() : raceSignal(fetch(), signal)), invalidate: () => undefined };
}

function createWriter(
  storage: Storage,
  { bucket, prefix }: GcsAddress,
  options: GcsOptions,
  context: Omit<GcsContext, 'token'>,
): ObjectWriter {
  const policy = options.retry ?? defaultRetryPolicy;
  const run = (key: string, signal: AbortSignal | undefined, request: () => Promise<unknown>): Promise<void> =>
    withRetries(policy, context, signal, async () => {
      try {
        // The library cannot abort: the caller stops waiting, the request ends by itself.
        await (signal === undefined ? request() : raceSignal(request(), signal));
      } catch (thrown) {
        throw writeError(thrown, `gs://${bucket}/${prefix}${key}`, signal);
      }
    });
  const file = (key: string) => storage.bucket(bucket).file(prefix + key);
  return {
    write: async (key, content, signal) => {
      checkKey(key);
      checkReadSize(key, content.length);
      throwIfAborted(signal);
      const body = Buffer.from(content.buffer, content.byteOffset, content.length);
      // The store itself refuses what does not match. The library's own check comes after the object has been replaced, and would then delete it.
      const metadata = { md5Hash: createHash('md5').update(body).digest('base64') };
      await run(key, signal, () => file(key).save(body, { resumable: false, validation: false, metadata }));
    },
    delete: async (key, signal) => {
      checkKey(key);
      await run(key, signal, () => file(key).delete({ ignoreNotFound: true }));
    },
  };
}

function writeError(thrown: unknown, object: string, signal: AbortSignal | undefined): AppError {
  if (signal?.aborted) return toAppError(signal.reason);
  const { code, message } = thrown as { readonly code?: unknown; readonly message: string };
  const status = Number(code);
  if (status >= 400 && status < 600) return toGcsError(status, message, object);
  return transportFailure(`${object}: GCS does not answer (${message})`, thrown);
}
