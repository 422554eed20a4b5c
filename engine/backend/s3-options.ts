import { AppError } from '#engine/base/errors.ts';
import { normalizePrefix } from './keys.ts';
import type { RetryPolicy } from './retry.ts';

/** S3 settings of both clients (spec config §6.1, serverless §4), the texts as an operator writes them. */
export interface S3Options {
  readonly bucket: string;
  /** Folder in the bucket; '' is none. */
  readonly prefix: string;
  /** `host[:port]`, without scheme. */
  readonly endpoint: string;
  /** Plain HTTP instead of HTTPS. */
  readonly insecure: boolean;
  /** `https://host/bucket/key` always. */
  readonly forcePathStyle: boolean;
  /** `auto`: `https://bucket.host/key` on AWS, path style elsewhere. */
  readonly bucketLookup?: 'auto' | 'dns' | 'path';
  /** '' takes it from the endpoint, then from AWS_REGION, then us-east-1. */
  readonly region: string;
  /** Static keys; with '' the credentials come from the environment. */
  readonly accessKey: string;
  readonly secretKey: string;
  /** '' is none. */
  readonly sessionToken: string;
  readonly tls?: S3TlsOptions;
  readonly retry?: RetryPolicy;
  /** Longest silence of the store: no connection, no answer, no further bytes. 10 s without it. */
  readonly idleTimeoutMs?: number;
  /** Connections kept open; 128 without it. */
  readonly maxConnections?: number;
}

/** TLS settings, certificates as PEM text. */
export interface S3TlsOptions {
  readonly caPem?: string;
  readonly certPem?: string;
  readonly keyPem?: string;
  readonly serverName?: string;
  readonly insecureSkipVerify?: boolean;
}

/** The environment's variables; given by main, because engine code does not read the process's own. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Where the bucket is. */
export interface S3Address {
  readonly protocol: 'http:' | 'https:';
  /** Without bucket. */
  readonly hostname: string;
  /** undefined: the protocol's own. */
  readonly port: number | undefined;
  readonly region: string;
  readonly pathStyle: boolean;
  readonly bucket: string;
  /** '' or ending in `/`. */
  readonly prefix: string;
}

/** Past that, a request is worth more than the bytes in between (design: coalesced over gaps <= 512 KiB). */
export const s3CoalesceGapBytes = 512 * 1024;

/** Checks the options and works out the address. Throws `config`, with a message that names the option. */
export function resolveS3Address(options: S3Options, env: Environment): S3Address {
  const { bucket, endpoint } = options;
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{1,62}$/.test(bucket))
    throw new AppError('config', `s3 bucket ${JSON.stringify(bucket)} is not a bucket name`);
  if (endpoint.includes('://'))
    throw new AppError(
      'config',
      `s3 endpoint ${JSON.stringify(endpoint)} must be host[:port] without a scheme; set insecure for plain http`,
    );
  const match = /^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::(\d{1,5}))?$/.exec(endpoint);
  const port = match?.[2] === undefined ? undefined : Number(match[2]);
  if (match === null || port === 0 || (port ?? 0) > 65535)
    throw new AppError('config', `s3 endpoint ${JSON.stringify(endpoint)} must be host[:port]`);
  if ((options.accessKey === '') !== (options.secretKey === ''))
    throw new AppError('config', 's3 access_key and secret_key must be set together');

  const host = match[1].toLowerCase();
  const amazon = /(^|\.)amazonaws\.com(\.cn)?$/.test(host);
  const region = options.region || regionOfHost(host) || env.AWS_REGION || env.AWS_DEFAULT_REGION || 'us-east-1';
  const lookup = options.bucketLookup ?? 'auto';
  const dottedOverTls = bucket.includes('.') && !options.insecure;
  const virtualHost = !options.forcePathStyle && (lookup === 'dns' || (lookup === 'auto' && amazon && !dottedOverTls));
  return {
    protocol: options.insecure ? 'http:' : 'https:',
    // The global endpoint knows only us-east-1's buckets for sure.
    hostname: host === 's3.amazonaws.com' && region !== 'us-east-1' ? `s3.${region}.amazonaws.com` : host,
    port,
    region,
    pathStyle: !virtualHost,
    bucket,
    prefix: normalizePrefix(options.prefix),
  };
}

/** The region that an AWS endpoint names, for example `s3.eu-west-1.amazonaws.com` or `s3-eu-west-1.amazonaws.com`. */
function regionOfHost(host: string): string | undefined {
  return /^s3[.-](?:dualstack\.|fips\.)?([a-z]{2}(?:-[a-z]+)+-\d)\.amazonaws\.com(?:\.cn)?$/.exec(host)?.[1];
}

/** The settings as Node's https.Agent takes them. */
export function tlsAgentOptions(tls: S3TlsOptions = {}): {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly servername?: string;
  readonly rejectUnauthorized: boolean;
} {
  return {
    ...(tls.caPem === undefined ? {} : { ca: tls.caPem }),
    ...(tls.certPem === undefined ? {} : { cert: tls.certPem }),
    ...(tls.keyPem === undefined ? {} : { key: tls.keyPem }),
    ...(tls.serverName === undefined ? {} : { servername: tls.serverName }),
    rejectUnauthorized: tls.insecureSkipVerify !== true,
  };
}
