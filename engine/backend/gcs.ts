import type { Clock } from '#engine/base/clock.ts';
import type { Backend } from './backend.ts';
import { toGcsError } from './gcs-errors.ts';
import { listingQuery, parseGcsListing } from './gcs-listing.ts';
import { type GcsOptions, gcsCoalesceGapBytes, resolveGcsAddress } from './gcs-options.ts';
import type { SendRead } from './hedged-reads.ts';
import type { PageReader } from './listing.ts';
import { objectStore } from './object-store.ts';
import type { ByteRange } from './range.ts';
import type { Refreshed } from './refreshed.ts';
import { defaultRetryPolicy, withRetries } from './retry.ts';
import { createTransport, type RawAnswer } from './transport.ts';

/** An OAuth access token; undefined where requests go out without. */
export type AccessToken = Refreshed<string | undefined>;

/** What {@link createGcsBackend} needs. */
export interface GcsContext {
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  readonly token: AccessToken;
  /** Hedges reads of objects; each is sent once without it. */
  readonly sendRead?: SendRead;
}

/**
 * GCS through its JSON API, reading only: requests that can be aborted, into exact buffers. The token comes from the caller: the metadata server's in
 * functions, Google's library in queriers. Throws `config` for bad options.
 */
export function createGcsBackend(options: GcsOptions, context: GcsContext): Backend {
  const address = resolveGcsAddress(options);
  const { prefix } = address;
  const policy = options.retry ?? defaultRetryPolicy;
  const { sendRead = (read, signal) => read(signal) } = context;
  const send = createSender(options, context);
  const get = async (key: string, range: ByteRange | undefined, signal: AbortSignal | undefined): Promise<Uint8Array> => {
    const target = `/${encodeURIComponent(prefix + key)}?alt=media`;
    const answer = await withRetries(policy, context, signal, () => sendRead((own) => send(target, prefix + key, range, own), signal));
    return answer.body;
  };
  const readPage: PageReader = async (query, signal) => {
    // Also a page that was cut is read again.
    const readOnce = async () =>
      parseGcsListing(Buffer.from((await send(`?${listingQuery(query)}`, query.prefix, undefined, signal)).body).toString('utf8'));
    return withRetries(policy, context, signal, readOnce);
  };
  return objectStore({ prefix, coalesceGapBytes: gcsCoalesceGapBytes, get, readPage, startsAnywhere: true });
}

/** Sends one request below `/b/bucket/o` once; again only when the token was refused, with a new one. */
function createSender(options: GcsOptions, { token }: GcsContext) {
  const address = resolveGcsAddress(options);
  const { idleTimeoutMs, maxConnections, insecure } = options;
  const transport = createTransport({ ...address, store: 'GCS', tls: { insecureSkipVerify: insecure }, idleTimeoutMs, maxConnections });
  const objects = `${address.apiPath}/b/${address.bucket}/o`;

  return async (target: string, key: string, range: ByteRange | undefined, signal: AbortSignal | undefined): Promise<RawAnswer> => {
    const object = `gs://${address.bucket}/${key}`;
    for (let renewed = false; ; renewed = true) {
      const used = await token.get(signal);
      const headers = {
        // Objects that were stored compressed come as they are: the store must not unpack them.
        'accept-encoding': 'gzip',
        ...(used !== undefined && { authorization: `Bearer ${used}` }),
        ...(range && { range: `bytes=${range.start}-${range.end - 1}` }),
      };
      const { hostname } = address;
      const answer = await transport({ hostname, target: objects + target, headers, object, ...(range && { expected: range }) }, signal);
      if (answer.status >= 200 && answer.status < 300) return answer;
      if (answer.status === 401) token.invalidate(used);
      if (answer.status === 401 && !renewed && used !== undefined) continue;
      throw toGcsError(answer.status, Buffer.from(answer.body).toString('utf8'), object);
    }
  };
}
