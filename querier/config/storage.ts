import { readFile } from 'node:fs/promises';
import type { AzureOptions } from '#engine/backend/azure-options.ts';
import type { BackendConfig } from '#engine/backend/create.ts';
import type { GcsOptions } from '#engine/backend/gcs-options.ts';
import type { ReadHedge } from '#engine/backend/hedged-reads.ts';
import { defaultRetryPolicy } from '#engine/backend/retry.ts';
import type { S3Options, S3TlsOptions } from '#engine/backend/s3-options.ts';
import { AppError, toAppError } from '#engine/base/errors.ts';
import type { ConfigValue } from './schema/key.ts';

type Values = ReadonlyMap<string, ConfigValue>;

const lookups = ['auto', 'dns', 'path'] as const;

async function pem(values: Values, path: string): Promise<string | undefined> {
  const file = values.get(path) as string;
  if (file === '') return undefined;
  try {
    return await readFile(file, 'utf8');
  } catch (thrown) {
    throw new AppError('config', `${path}: ${toAppError(thrown).message}`, { cause: thrown });
  }
}

async function s3Tls(values: Values): Promise<S3TlsOptions> {
  const s3 = 'storage.trace.s3';
  const [caPem, certPem, keyPem] = await Promise.all(['ca', 'cert', 'key'].map((name) => pem(values, `${s3}.tls_${name}_path`)));
  const serverName = values.get(`${s3}.tls_server_name`) as string;
  return {
    ...(caPem === undefined ? {} : { caPem }),
    ...(certPem === undefined ? {} : { certPem }),
    ...(keyPem === undefined ? {} : { keyPem }),
    ...(serverName === '' ? {} : { serverName }),
    insecureSkipVerify: values.get(`${s3}.tls_insecure_skip_verify`) === true,
  };
}

async function s3Options(values: Values): Promise<S3Options> {
  const s3 = (name: string) => values.get(`storage.trace.s3.${name}`);
  return {
    bucket: s3('bucket') as string,
    prefix: s3('prefix') as string,
    endpoint: s3('endpoint') as string,
    insecure: s3('insecure') as boolean,
    forcePathStyle: s3('forcepathstyle') as boolean,
    bucketLookup: lookups[s3('bucket_lookup_type') as number] ?? 'auto',
    region: s3('region') as string,
    accessKey: s3('access_key') as string,
    secretKey: s3('secret_key') as string,
    sessionToken: s3('session_token') as string,
    retry: {
      maxAttempts: Math.max(1, s3('retry_max_attempts') as number),
      initialDelayMs: s3('retry_backoff_initial') as number,
      maxDelayMs: s3('retry_backoff_max') as number,
    },
    tls: await s3Tls(values),
  };
}

function gcsOptions(values: Values): GcsOptions {
  const gcs = (name: string) => values.get(`storage.trace.gcs.${name}`);
  return {
    bucket: gcs('bucket_name') as string,
    prefix: gcs('prefix') as string,
    endpoint: gcs('endpoint') as string,
    insecure: gcs('insecure') as boolean,
    retry: { ...defaultRetryPolicy, maxAttempts: 1 + Math.max(0, gcs('max_retries') as number) },
  };
}

function azureOptions(values: Values): AzureOptions {
  const azure = (name: string) => values.get(`storage.trace.azure.${name}`);
  return {
    accountName: azure('storage_account_name') as string,
    accountKey: azure('storage_account_key') as string,
    container: azure('container_name') as string,
    prefix: azure('prefix') as string,
    endpointSuffix: azure('endpoint_suffix') as string,
    useManagedIdentity: azure('use_managed_identity') as boolean,
    useFederatedToken: azure('use_federated_token') as boolean,
    userAssignedId: azure('user_assigned_id') as string,
  };
}

function readHedge(values: Values, store: 's3' | 'gcs' | 'azure'): ReadHedge {
  const of = (name: string) => values.get(`storage.trace.${store}.hedge_requests_${name}`) as number;
  return { afterMs: of('at'), upTo: of('up_to') };
}

/** The backend that `storage.trace` names (spec config §6.1). A querier uses the SDK, for all its credential sources. Rejects with `config`. */
export async function storageConfig(values: Values): Promise<BackendConfig> {
  const kind = values.get('storage.trace.backend') as 'local' | 's3' | 'gcs' | 'azure';
  if (kind === 'local') return { kind, path: values.get('storage.trace.local.path') as string };
  if (kind === 's3') return { kind, client: 'sdk', ...(await s3Options(values)), hedge: readHedge(values, kind) };
  if (kind === 'gcs') return { kind, client: 'sdk', ...gcsOptions(values), hedge: readHedge(values, kind) };
  return { kind, ...azureOptions(values), hedge: readHedge(values, kind) };
}
