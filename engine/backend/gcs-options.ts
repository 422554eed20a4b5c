import { AppError } from '#engine/base/errors.ts';
import { normalizePrefix } from './keys.ts';
import type { RetryPolicy } from './retry.ts';

/** GCS settings of both clients (spec config §6.1, serverless §4), the texts as an operator writes them. */
export interface GcsOptions {
  readonly bucket: string;
  /** Folder in the bucket; '' is none. */
  readonly prefix: string;
  /** URL of the JSON API, with or without its path `/storage/v1`; '' is Google's. */
  readonly endpoint: string;
  /** For emulators: no authentication, and certificates are not checked. */
  readonly insecure: boolean;
  readonly retry?: RetryPolicy;
  /** Longest silence of the store: no connection, no answer, no further bytes. 10 s without it. */
  readonly idleTimeoutMs?: number;
  /** Connections kept open; 128 without it. */
  readonly maxConnections?: number;
}

/** Where the bucket is. */
export interface GcsAddress {
  readonly protocol: 'http:' | 'https:';
  readonly hostname: string;
  /** undefined: the protocol's own. */
  readonly port: number | undefined;
  /** `/storage/v1`: what stands before `/b/bucket`. */
  readonly apiPath: string;
  readonly bucket: string;
  /** '' or ending in `/`. */
  readonly prefix: string;
}

/** As with S3: past that, a request is worth more than the bytes in between. */
export const gcsCoalesceGapBytes = 512 * 1024;

const defaultEndpoint = 'https://storage.googleapis.com/storage/v1/';

/** Checks the options and works out the address. Throws `config`, with a message that names the option. */
export function resolveGcsAddress({ bucket, prefix, endpoint }: GcsOptions): GcsAddress {
  if (!/^[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]$/.test(bucket))
    throw new AppError('config', `gcs bucket_name ${JSON.stringify(bucket)} is not a bucket name`);
  const given = endpoint === '' ? defaultEndpoint : endpoint;
  const url = URL.canParse(given) ? new URL(given) : undefined;
  if (url === undefined || (url.protocol !== 'https:' && url.protocol !== 'http:') || url.search !== '' || url.username !== '')
    throw new AppError('config', `gcs endpoint ${JSON.stringify(endpoint)} must be a URL like ${defaultEndpoint}`);
  const path = url.pathname.replace(/\/+$/, '');
  return {
    protocol: url.protocol,
    hostname: url.hostname,
    port: url.port === '' ? undefined : Number(url.port),
    apiPath: path === '' ? '/storage/v1' : path,
    bucket,
    prefix: normalizePrefix(prefix),
  };
}
