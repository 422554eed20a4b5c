import { DeleteObjectCommand, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import type { ObjectWriter } from './backend.ts';
import { checkKey } from './keys.ts';
import { checkReadSize } from './range.ts';
import type { S3Address } from './s3-options.ts';
import { sdkError } from './s3-sdk-errors.ts';

/** Runs one request, again where that may help. */
type Retry = (signal: AbortSignal | undefined, attempt: () => Promise<void>) => Promise<void>;

/** Writes to S3 with single requests, which the store makes visible as a whole. How objects are encrypted is left to the bucket. */
export function createS3Writer(client: S3Client, { bucket, prefix }: S3Address, retry: Retry): ObjectWriter {
  const send = (key: string, signal: AbortSignal | undefined, request: (options: { abortSignal?: AbortSignal }) => Promise<unknown>) =>
    retry(signal, async () => {
      try {
        await request(signal === undefined ? {} : { abortSignal: signal });
      } catch (thrown) {
        throw sdkError(thrown, `s3://${bucket}/${prefix}${key}`, signal);
      }
    });
  return {
    write: async (key, content, signal) => {
      checkKey(key);
      checkReadSize(key, content.length);
      const input = { Bucket: bucket, Key: prefix + key, Body: content, ContentLength: content.length };
      await send(key, signal, (options) => client.send(new PutObjectCommand(input), options));
    },
    delete: async (key, signal) => {
      checkKey(key);
      await send(key, signal, (options) => client.send(new DeleteObjectCommand({ Bucket: bucket, Key: prefix + key }), options));
    },
  };
}
