import { GetObjectCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
import type { Clock } from '#engine/base/clock.ts';
import { AppError } from '#engine/base/errors.ts';
import { bytes } from '#engine/base/units.ts';
import type { Backend } from './backend.ts';
import { type SendRead, sendOnce } from './hedged-reads.ts';
import type { PageQuery, PageReader } from './listing.ts';
import { objectStore } from './object-store.ts';
import { allocateBytes, type ByteRange, checkRangeAnswer, checkReadSize } from './range.ts';
import { defaultRetryPolicy, withRetries } from './retry.ts';
import { type Environment, resolveS3Address, type S3Address, type S3Options, s3CoalesceGapBytes, tlsAgentOptions } from './s3-options.ts';
import { sdkError } from './s3-sdk-errors.ts';
import { createS3Writer } from './s3-writer.ts';

/** What {@link createS3Backend} needs from the process. */
export interface S3Context {
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  readonly env: Environment;
  /** Hedges reads of objects; each is sent once without it. */
  readonly sendRead?: SendRead;
}

/** S3 through the AWS SDK, for queriers: all of its credential sources. Retries are ours, so that they are bounded, injected and cover cut bodies. */
export function createS3Backend(options: S3Options, context: S3Context): Backend {
  const address = resolveS3Address(options, context.env);
  const client = createClient(address, options);
  const policy = options.retry ?? defaultRetryPolicy;
  const { sendRead = sendOnce } = context;
  const get = (key: string, range: ByteRange | undefined, signal: AbortSignal | undefined) =>
    withRetries(policy, context, signal, () => sendRead((own) => getObject(client, address, key, range, own), signal));
  const readPage: PageReader = (query, signal) =>
    withRetries(policy, context, signal, () => readListingPage(client, address, query, signal));
  const { prefix } = address;
  return {
    ...objectStore({ prefix, coalesceGapBytes: s3CoalesceGapBytes, get, readPage, startsAnywhere: true }),
    writer: createS3Writer(client, address, (signal, attempt) => withRetries(policy, context, signal, attempt)),
  };
}

const silent = (): void => undefined;
/** The SDK would warn on the terminal when requests wait for a connection, which is what `maxConnections` is for. */
const silentLogger = { debug: silent, info: silent, warn: silent, error: silent };

function createClient(address: S3Address, options: S3Options): S3Client {
  const { accessKey, secretKey, sessionToken, idleTimeoutMs = 10_000, maxConnections = 128, tls } = options;
  const agent = { keepAlive: true, maxSockets: maxConnections };
  const session = sessionToken === '' ? {} : { sessionToken };
  return new S3Client({
    region: address.region,
    endpoint: `${address.protocol}//${address.hostname}${address.port === undefined ? '' : `:${address.port}`}`,
    forcePathStyle: address.pathStyle,
    followRegionRedirects: true,
    maxAttempts: 1,
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    ...(accessKey === '' ? {} : { credentials: { accessKeyId: accessKey, secretAccessKey: secretKey, ...session } }),
    requestHandler: {
      logger: silentLogger,
      connectionTimeout: idleTimeoutMs,
      socketTimeout: idleTimeoutMs,
      httpAgent: agent,
      httpsAgent: { ...agent, ...tlsAgentOptions(tls) },
    },
  });
}

async function getObject(
  client: S3Client,
  { bucket, prefix }: S3Address,
  key: string,
  range: ByteRange | undefined,
  signal: AbortSignal | undefined,
): Promise<Uint8Array> {
  const object = `s3://${bucket}/${prefix}${key}`;
  try {
    const input = { Bucket: bucket, Key: prefix + key, ...(range === undefined ? {} : { Range: `bytes=${range.start}-${range.end - 1}` }) };
    const answer = await client.send(new GetObjectCommand(input), signal === undefined ? {} : { abortSignal: signal });
    const body = answer.Body as (AsyncIterable<Uint8Array> & { destroy(): void }) | undefined;
    if (body === undefined || answer.ContentLength === undefined)
      throw new AppError('unavailable', `${object}: S3 answered without a body or its length`);
    const stop = (): void => body.destroy();
    signal?.addEventListener('abort', stop);
    try {
      checkReadSize(object, answer.ContentLength);
      if (range !== undefined) checkRangeAnswer(object, range, { length: answer.ContentLength, contentRange: answer.ContentRange });
      return await collect(object, body, answer.ContentLength);
    } catch (thrown) {
      stop();
      throw thrown;
    } finally {
      signal?.removeEventListener('abort', stop);
    }
  } catch (thrown) {
    throw sdkError(thrown, object, signal);
  }
}

async function collect(object: string, body: AsyncIterable<Uint8Array>, length: number): Promise<Uint8Array> {
  const target = allocateBytes(length);
  let filled = 0;
  for await (const chunk of body) {
    if (filled + chunk.length > length) throw new AppError('unavailable', `${object}: S3 sent more bytes than it announced`);
    target.set(chunk, filled);
    filled += chunk.length;
  }
  if (filled < length) throw new AppError('unavailable', `${object}: S3 cut its answer after ${filled} of ${length} bytes`);
  return target;
}

async function readListingPage(
  client: S3Client,
  { bucket }: S3Address,
  { prefix, folders, token, startAfter }: PageQuery,
  signal: AbortSignal | undefined,
): ReturnType<PageReader> {
  try {
    const command = new ListObjectsV2Command({
      Bucket: bucket,
      Prefix: prefix,
      ...(folders && { Delimiter: '/' }),
      ...(token !== undefined && { ContinuationToken: token }),
      // An empty one is no place; and a token says already where to go on.
      ...(startAfter && token === undefined && { StartAfter: startAfter }),
    });
    const page = await client.send(command, signal === undefined ? {} : { abortSignal: signal });
    if (page.IsTruncated === true && !page.NextContinuationToken) {
      throw new AppError('internal', 'S3 cut a listing without saying where it goes on');
    }
    return {
      objects: (page.Contents ?? []).map(({ Key, Size, LastModified }) => ({
        key: Key ?? '',
        sizeBytes: bytes(Size ?? 0),
        modifiedMs: LastModified?.getTime() ?? 0,
      })),
      commonPrefixes: (page.CommonPrefixes ?? []).map(({ Prefix }) => Prefix ?? ''),
      nextToken: page.IsTruncated === true ? page.NextContinuationToken : undefined,
    };
  } catch (thrown) {
    throw sdkError(thrown, `s3://${bucket}/${prefix}`, signal);
  }
}
