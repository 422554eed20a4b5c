import type { AzureOptions } from '#engine/backend/azure-options.ts';
import type { GcsOptions } from '#engine/backend/gcs-options.ts';
import type { ReadHedge } from '#engine/backend/hedged-reads.ts';
import type { Environment, S3Options } from '#engine/backend/s3-options.ts';
import { parseGoDuration } from '#engine/base/duration.ts';
import { AppError } from '#engine/base/errors.ts';
import { goQuote } from '#engine/base/quote.ts';

/** TLS settings of S3, certificates as paths of PEM files. */
export interface TlsFiles {
  readonly caPath: string;
  readonly certPath: string;
  readonly keyPath: string;
  readonly serverName: string;
  readonly insecureSkipVerify: boolean;
}

/** Where the blocks are. */
export type StorageConfig =
  | { readonly kind: 'local'; readonly path: string }
  | { readonly kind: 'azure'; readonly options: AzureOptions; readonly hedge: ReadHedge }
  | { readonly kind: 'gcs'; readonly options: GcsOptions; readonly hedge: ReadHedge }
  | { readonly kind: 's3'; readonly options: S3Options; readonly tls: TlsFiles; readonly hedge: ReadHedge };

/** How much of the machine the jobs may use. */
export interface MemoryConfig {
  readonly maxConcurrentJobs: number;
  /** WASM memory of one job. */
  readonly maxJobBytes: number;
  /** Footers, dictionaries and offset indexes, kept from one call to the next. */
  readonly cacheBytes: number;
}

const mebibyte = 1024 * 1024;
/** Taken where nothing says how much there is; also the most that is counted on. */
const maxMemoryBytes = 2048 * mebibyte;
/** What a job needs to scan a large row group without splitting it. */
const jobBytes = 256 * mebibyte;
const maxJobs = 4;
/** Lambda gives a call a process of its own: one job scans while another waits for the store. */
const maxLambdaJobs = 2;
const defaultJobTimeoutMs = 60_000;

/** RUBATO_JOB_TIMEOUT, a Go duration: a job that takes longer is stopped. One minute without it. Throws `config`. */
export function jobTimeoutMs(env: Environment): number {
  const timeoutMs = durationMs(env, 'RUBATO_JOB_TIMEOUT');
  return timeoutMs > 0 ? timeoutMs : defaultJobTimeoutMs;
}

/**
 * Divides the memory of the function. `limitBytes` is what the platform allows, undefined where it does not say; Lambda tells through
 * AWS_LAMBDA_FUNCTION_MEMORY_SIZE. Node itself and what is read and answered need the rest.
 */
export function memoryConfig(env: Environment, limitBytes: number | undefined): MemoryConfig {
  const lambdaMebibytes = Number(env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE ?? 0);
  const known = lambdaMebibytes > 0 ? lambdaMebibytes * mebibyte : limitBytes;
  const memoryBytes = known !== undefined && known > 0 ? Math.min(known, maxMemoryBytes) : maxMemoryBytes;
  const forJobs = memoryBytes * 0.6;
  const jobs = Math.min(lambdaMebibytes > 0 ? maxLambdaJobs : maxJobs, Math.max(1, Math.floor(forJobs / jobBytes)));
  return { maxConcurrentJobs: jobs, maxJobBytes: Math.floor(forJobs / jobs), cacheBytes: Math.floor(memoryBytes / 16) };
}

/**
 * Reads the `TEMPO_…` environment (spec serverless §4); Tempo's defaults for functions are all zero. `TEMPO_BACKEND=local` with TEMPO_LOCAL_PATH or
 * TEMPO_STORAGE_LOCAL_PATH is an addition, for development. Settings of the `v2` format and of reading (`TEMPO_SEARCH_…`, `…_PART_SIZE`) have no effect.
 * Throws `config`; texts are Tempo's where it has one.
 */
export function storageConfig(env: Environment): StorageConfig {
  const name = env.TEMPO_BACKEND ?? '';
  switch (name) {
    case 'local':
      return { kind: 'local', path: localPath(env) };
    case 's3':
      return s3Config(env);
    case 'gcs':
      return gcsConfig(env);
    case 'azure':
      return azureConfig(env);
    default:
      throw new AppError('config', `unknown backend ${name}`);
  }
}

function localPath(env: Environment): string {
  const path = env.TEMPO_LOCAL_PATH || env.TEMPO_STORAGE_LOCAL_PATH || env.TEMPO_STORAGE_TRACE_LOCAL_PATH || '';
  if (path === '') throw new AppError('config', 'local backend not supported for serverless functions without TEMPO_LOCAL_PATH');
  return path;
}

function s3Config(env: Environment): StorageConfig {
  refuseUnsupported(env);
  const lookup = env.TEMPO_S3_BUCKET_LOOKUP_TYPE ?? '';
  if (!['', '0', '1', '2'].includes(lookup))
    throw unreadable('TEMPO_S3_BUCKET_LOOKUP_TYPE', `${goQuote(lookup)} is none of 0 (auto), 1 (dns), 2 (path)`);
  return {
    kind: 's3',
    options: {
      bucket: env.TEMPO_S3_BUCKET ?? '',
      prefix: env.TEMPO_S3_PREFIX ?? '',
      endpoint: env.TEMPO_S3_ENDPOINT ?? '',
      insecure: flag(env, 'TEMPO_S3_INSECURE'),
      forcePathStyle: flag(env, 'TEMPO_S3_FORCEPATHSTYLE'),
      bucketLookup: lookup === '1' ? 'dns' : lookup === '2' ? 'path' : 'auto',
      region: env.TEMPO_S3_REGION ?? '',
      accessKey: env.TEMPO_S3_ACCESS_KEY ?? '',
      secretKey: env.TEMPO_S3_SECRET_KEY ?? '',
      sessionToken: env.TEMPO_S3_SESSION_TOKEN ?? '',
    },
    tls: {
      caPath: env.TEMPO_S3_TLS_CA_PATH ?? '',
      certPath: env.TEMPO_S3_TLS_CERT_PATH ?? '',
      keyPath: env.TEMPO_S3_TLS_KEY_PATH ?? '',
      serverName: env.TEMPO_S3_TLS_SERVER_NAME ?? '',
      insecureSkipVerify: flag(env, 'TEMPO_S3_TLS_INSECURE_SKIP_VERIFY'),
    },
    hedge: readHedge(env, 'S3'),
  };
}

function gcsConfig(env: Environment): StorageConfig {
  return {
    kind: 'gcs',
    options: {
      bucket: env.TEMPO_GCS_BUCKET_NAME ?? '',
      prefix: env.TEMPO_GCS_PREFIX ?? '',
      endpoint: env.TEMPO_GCS_ENDPOINT ?? '',
      insecure: flag(env, 'TEMPO_GCS_INSECURE'),
    },
    hedge: readHedge(env, 'GCS'),
  };
}

function azureConfig(env: Environment): StorageConfig {
  return {
    kind: 'azure',
    options: {
      accountName: env.TEMPO_AZURE_STORAGE_ACCOUNT_NAME ?? '',
      accountKey: env.TEMPO_AZURE_STORAGE_ACCOUNT_KEY ?? '',
      container: env.TEMPO_AZURE_CONTAINER_NAME ?? '',
      prefix: env.TEMPO_AZURE_PREFIX ?? '',
      endpointSuffix: env.TEMPO_AZURE_ENDPOINT_SUFFIX ?? '',
      useManagedIdentity: flag(env, 'TEMPO_AZURE_USE_MANAGED_IDENTITY'),
      useFederatedToken: flag(env, 'TEMPO_AZURE_USE_FEDERATED_TOKEN'),
      userAssignedId: env.TEMPO_AZURE_USER_ASSIGNED_ID ?? '',
    },
    hedge: readHedge(env, 'AZURE'),
  };
}

function readHedge(env: Environment, store: 'S3' | 'GCS' | 'AZURE'): ReadHedge {
  return {
    afterMs: durationMs(env, `TEMPO_${store}_HEDGE_REQUESTS_AT`),
    upTo: wholeNumber(env, `TEMPO_${store}_HEDGE_REQUESTS_UP_TO`),
  };
}

/** Settings that would change what is sent, and that are not implemented, must not be passed over. */
function refuseUnsupported(env: Environment): void {
  const refused = ['TEMPO_S3_SIGNATURE_V2', 'TEMPO_S3_ENABLE_DUAL_STACK'].filter((name) => flag(env, name));
  for (const name of ['TEMPO_S3_TLS_CIPHER_SUITES', 'TEMPO_S3_TLS_MIN_VERSION']) if (env[name]) refused.push(name);
  if (refused.length > 0) throw new AppError('config', `${refused.join(', ')} is not supported; unset it`);
}

function flag(env: Environment, name: string): boolean {
  const text = env[name] ?? '';
  if (/^(1|t|T|TRUE|true|True)$/.test(text)) return true;
  if (/^(|0|f|F|FALSE|false|False)$/.test(text)) return false;
  throw unreadable(name, `strconv.ParseBool: parsing ${goQuote(text)}: invalid syntax`);
}

function wholeNumber(env: Environment, name: string): number {
  const text = env[name] || '0';
  const value = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value))
    throw unreadable(name, `strconv.ParseInt: parsing ${goQuote(text)}: invalid syntax`);
  return value;
}

function durationMs(env: Environment, name: string): number {
  const text = env[name] ?? '';
  if (text === '') return 0;
  try {
    return Math.max(0, Number(parseGoDuration(text)) / 1e6);
  } catch (thrown) {
    throw unreadable(name, thrown instanceof Error ? thrown.message : String(thrown));
  }
}

function unreadable(name: string, reason: string): AppError {
  return new AppError('config', `failed to unmarshal config: ${name}: ${reason}`);
}
