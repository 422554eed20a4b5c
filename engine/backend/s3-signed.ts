import type { Clock } from '#engine/base/clock.ts';
import { AppError } from '#engine/base/errors.ts';
import { createCredentialSource } from './aws-credentials.ts';
import type { Backend } from './backend.ts';
import type { SendRead } from './hedged-reads.ts';
import { type PageReader, pageSize } from './listing.ts';
import { objectStore } from './object-store.ts';
import type { ByteRange } from './range.ts';
import { defaultRetryPolicy, withRetries } from './retry.ts';
import { toS3Error } from './s3-errors.ts';
import { type Environment, resolveS3Address, type S3Address, type S3Options, s3CoalesceGapBytes } from './s3-options.ts';
import { parseErrorBody, parseListing } from './s3-xml.ts';
import { createSigner, encodePath } from './sigv4.ts';
import { createTransport, type RawAnswer } from './transport.ts';

/** What {@link createSignedS3Backend} needs from the process. */
export interface SignedS3Context {
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  readonly env: Environment;
  /** Hedges reads of objects; each is sent once without it. */
  readonly sendRead?: SendRead;
}

/** A request of this backend: a key or a listing. */
interface Call {
  /** Without the backend's prefix; '' for a listing. */
  readonly key: string;
  readonly query: Readonly<Record<string, string>>;
  readonly range?: ByteRange | undefined;
}

/**
 * S3 with requests signed here, for functions: it starts several times faster than the SDK (design §3, cold start) and reads into exact buffers.
 * Credentials: static keys, the environment's, or the container's. Throws `config` for bad options.
 */
export function createSignedS3Backend(options: S3Options, context: SignedS3Context): Backend {
  const address = resolveS3Address(options, context.env);
  const send = createSender(address, options, context);
  const policy = options.retry ?? defaultRetryPolicy;
  const { sendRead = (read, signal) => read(signal) } = context;
  const get = async (key: string, range: ByteRange | undefined, signal: AbortSignal | undefined): Promise<Uint8Array> => {
    const answer = await withRetries(policy, context, signal, () => sendRead((own) => send({ key, query: {}, range }, own), signal));
    return answer.body;
  };
  const readPage: PageReader = async ({ prefix, folders, token }, signal) => {
    const query = {
      'list-type': '2',
      'max-keys': String(pageSize),
      'encoding-type': 'url',
      prefix,
      ...(folders && { delimiter: '/' }),
      ...(token !== undefined && { 'continuation-token': token }),
    };
    // Also a page that was cut in the middle of its XML is read again.
    const readOnce = async () => parseListing(Buffer.from((await send({ key: '', query }, signal)).body).toString('utf8'));
    return withRetries(policy, context, signal, readOnce);
  };
  return objectStore({ prefix: address.prefix, coalesceGapBytes: s3CoalesceGapBytes, get, readPage, startsAnywhere: false });
}

/** Sends one call once, apart from what it can put right itself: an expired token and a bucket in another region. */
function createSender(address: S3Address, options: S3Options, { clock, env }: SignedS3Context) {
  const credentials = createCredentialSource({ ...options, env, clock });
  const transport = createTransport({ ...options, ...address, store: 'S3' });
  const sign = createSigner();
  let { region, hostname } = address;
  let clockOffsetMs = 0;

  return async ({ key, query, range }: Call, signal: AbortSignal | undefined): Promise<RawAnswer> => {
    const object = `s3://${address.bucket}/${key === '' ? (query.prefix ?? '') : address.prefix + key}`;
    for (let corrected = false; ; corrected = true) {
      const used = await credentials.get(signal);
      const host = address.pathStyle ? hostname : `${address.bucket}.${hostname}`;
      const inBucket = key === '' ? '' : address.prefix + key;
      const path = encodePath(address.pathStyle ? `${address.bucket}/${inBucket}` : inBucket);
      const signed = sign({
        method: 'GET',
        host: address.port === undefined ? host : `${host}:${address.port}`,
        path: key === '' && address.pathStyle ? path.replace(/\/$/, '') : path,
        query,
        nowMs: clock.nowMs() + clockOffsetMs,
        region,
        credentials: used,
      });
      const headers = range === undefined ? signed.headers : { ...signed.headers, range: `bytes=${range.start}-${range.end - 1}` };
      const expected = range === undefined ? {} : { expected: range };
      const answer = await transport({ hostname: host, target: signed.target, headers, object, ...expected }, signal);
      if (answer.status >= 200 && answer.status < 300) return answer;

      const { code, message } = parseErrorBody(Buffer.from(answer.body).toString('utf8'));
      if (code === 'ExpiredToken' || code === 'TokenRefreshRequired') credentials.invalidate(used);
      if (code === 'RequestTimeTooSkewed') clockOffsetMs = Date.parse(answer.headers.date ?? '') - clock.nowMs() || 0;
      const rightRegion = answer.headers['x-amz-bucket-region'];
      const wrongRegion = typeof rightRegion === 'string' && rightRegion !== region;
      if (wrongRegion) {
        hostname =
          hostname === `s3.${region}.amazonaws.com` || hostname === 's3.amazonaws.com' ? `s3.${rightRegion}.amazonaws.com` : hostname;
        region = rightRegion;
      }
      const correctable = wrongRegion || code === 'ExpiredToken' || code === 'TokenRefreshRequired' || code === 'RequestTimeTooSkewed';
      if (correctable && !corrected) continue;
      if (answer.status >= 300 && answer.status < 400)
        throw new AppError('config', `${object}: the bucket is elsewhere; check s3 endpoint and region (${code})`);
      throw toS3Error({ status: answer.status, code, message, object });
    }
  };
}
