import { fileURLToPath } from 'node:url';
import type { Environment } from '#engine/backend/s3-options.ts';
import { AppError } from '#engine/base/errors.ts';
import type { ConfigValue } from '../config/schema/key.ts';

const trace = 'storage.trace';

/**
 * The configuration that a bucket's URL stands for: `s3://bucket/prefix`, `gs://bucket/prefix`, `azure://container/prefix`, `file:///path`. S3's endpoint comes from AWS_ENDPOINT_URL_S3 or AWS_ENDPOINT_URL, as
 * for the AWS tools, else from the region. Throws `bad_request`.
 */
export function bucketValues(url: string, env: Environment): ReadonlyMap<string, ConfigValue> {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  switch (parsed?.protocol) {
    case 'file:':
      if (parsed.host !== '') throw new AppError('bad_request', `--bucket ${url}: a folder has three slashes, file:///path`);
      return new Map([
        [`${trace}.backend`, 'local'],
        [`${trace}.local.path`, unescaped(url, () => fileURLToPath(parsed))],
      ]);
    case 's3:':
      return s3Values(url, parsed, env);
    case 'gs:':
      return gcsValues(url, parsed);
    case 'azure:':
      return azureValues(url, parsed, env);
    default:
      throw new AppError(
        'bad_request',
        `--bucket ${JSON.stringify(url)} must be s3://bucket/prefix, gs://bucket/prefix, azure://container/prefix or file:///path`,
      );
  }
}

/** Broken escapes in a URL are the caller's mistake. */
function unescaped(url: string, decode: () => string): string {
  try {
    return decode();
  } catch (cause) {
    throw new AppError('bad_request', `--bucket ${url}: broken escapes; write a percent sign as %25`, { cause });
  }
}

/** Account and key come from AZURE_STORAGE_ACCOUNT and AZURE_STORAGE_KEY, without a key from the machine's identity. */
function azureValues(url: string, parsed: URL, env: Environment): ReadonlyMap<string, ConfigValue> {
  return new Map<string, ConfigValue>([
    [`${trace}.backend`, 'azure'],
    [`${trace}.azure.container_name`, bucketOf(url, parsed, 'azure://container/prefix')],
    [`${trace}.azure.prefix`, prefixOf(url, parsed)],
    [`${trace}.azure.use_managed_identity`, !env.AZURE_STORAGE_KEY],
  ]);
}

/** The bucket, where the URL has nothing but that and a prefix. */
function bucketOf(url: string, { host, search, hash, username }: URL, form: string): string {
  if (host !== '' && search === '' && hash === '' && username === '') return host;
  throw new AppError('bad_request', `--bucket ${url} must be ${form}; credentials come from the environment`);
}

function prefixOf(url: string, { pathname }: URL): string {
  return unescaped(url, () => decodeURIComponent(pathname)).replace(/^\/+|\/+$/g, '');
}

/** Credentials are the application's default ones. */
function gcsValues(url: string, parsed: URL): ReadonlyMap<string, ConfigValue> {
  return new Map<string, ConfigValue>([
    [`${trace}.backend`, 'gcs'],
    [`${trace}.gcs.bucket_name`, bucketOf(url, parsed, 'gs://bucket/prefix')],
    [`${trace}.gcs.prefix`, prefixOf(url, parsed)],
  ]);
}

function s3Values(url: string, parsed: URL, env: Environment): ReadonlyMap<string, ConfigValue> {
  const values = new Map<string, ConfigValue>([
    [`${trace}.backend`, 's3'],
    [`${trace}.s3.bucket`, bucketOf(url, parsed, 's3://bucket/prefix')],
    [`${trace}.s3.prefix`, prefixOf(url, parsed)],
  ]);
  const given = env.AWS_ENDPOINT_URL_S3 || env.AWS_ENDPOINT_URL;
  if (given === undefined || given === '') {
    const region = env.AWS_REGION || env.AWS_DEFAULT_REGION;
    return values.set(`${trace}.s3.endpoint`, region ? `s3.${region}.amazonaws.com` : 's3.amazonaws.com');
  }
  const endpoint = URL.canParse(given) ? new URL(given) : undefined;
  if (endpoint === undefined || !/^https?:$/.test(endpoint.protocol)) {
    throw new AppError('bad_request', `AWS_ENDPOINT_URL ${JSON.stringify(given)} must be http://host:port or https://host:port`);
  }
  return values
    .set(`${trace}.s3.endpoint`, endpoint.host)
    .set(`${trace}.s3.insecure`, endpoint.protocol === 'http:')
    .set(`${trace}.s3.forcepathstyle`, true);
}
