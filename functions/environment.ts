import { readFile } from 'node:fs/promises';
import type { Backend } from '#engine/backend/backend.ts';
import type { ReadHedge, SendRead } from '#engine/backend/hedged-reads.ts';
import type { Environment, S3TlsOptions } from '#engine/backend/s3-options.ts';
import type { Clock } from '#engine/base/clock.ts';
import { AppError } from '#engine/base/errors.ts';
import { createJobEnvironment, type JobEnvironment } from '#engine/jobs/environment.ts';
import { memoryConfig, type StorageConfig, storageConfig, type TlsFiles } from './config.ts';

/** What {@link createFunctionEnvironment} needs from the process. */
export interface FunctionContext {
  readonly env: Environment;
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  /** Memory that the platform allows; undefined where it does not say. */
  readonly memoryLimitBytes: number | undefined;
}

/** Creates what the jobs of this process share, as the environment says, without calling the store. Throws `config`. */
export async function createFunctionEnvironment(context: FunctionContext): Promise<JobEnvironment> {
  const backend = await openBackend(storageConfig(context.env), context);
  const { maxConcurrentJobs, maxJobBytes, cacheBytes } = memoryConfig(context.env, context.memoryLimitBytes);
  return createJobEnvironment({ backend, maxMemoryBytes: maxJobBytes, cacheBytes, maxConcurrentJobs });
}

/** Not engine/backend/create.ts, which would bring the AWS SDK into the bundle. */
async function openBackend(config: StorageConfig, context: FunctionContext): Promise<Backend> {
  if (config.kind === 'local') {
    const { createLocalBackend } = await import('#engine/backend/local.ts');
    return createLocalBackend({ path: config.path, monotonicMs: context.clock.monotonicMs });
  }
  const sending = { ...context, ...(await hedging(config.hedge, context)) };
  if (config.kind === 'gcs') {
    const { createGcsBackend } = await import('#engine/backend/gcs.ts');
    const { createMetadataToken, noToken } = await import('#engine/backend/gcs-metadata-token.ts');
    const token = config.options.insecure ? noToken : createMetadataToken(context.env, context.clock);
    return createGcsBackend(config.options, { ...sending, token });
  }
  if (config.kind === 'azure') {
    const { createAzureBackend } = await import('#engine/backend/azure.ts');
    return createAzureBackend(config.options, sending);
  }
  const { createSignedS3Backend } = await import('#engine/backend/s3-signed.ts');
  const options = { ...config.options, tls: await readTlsFiles(config.tls) };
  return createSignedS3Backend(options, sending);
}

/** How reads are sent. What hedges is loaded only where it is configured. */
async function hedging(hedge: ReadHedge, { clock }: FunctionContext): Promise<{ readonly sendRead?: SendRead }> {
  if (hedge.afterMs === 0 || hedge.upTo < 2) return {};
  const { createHedgedReads } = await import('#engine/backend/hedged-reads.ts');
  return { sendRead: createHedgedReads({ ...hedge, clock, onHedge: () => {} }) };
}

async function readTlsFiles(files: TlsFiles): Promise<S3TlsOptions> {
  const { serverName, insecureSkipVerify } = files;
  return {
    insecureSkipVerify,
    ...(serverName !== '' && { serverName }),
    ...(files.caPath !== '' && { caPem: await readPem(files.caPath) }),
    ...(files.certPath !== '' && { certPem: await readPem(files.certPath) }),
    ...(files.keyPath !== '' && { keyPem: await readPem(files.keyPath) }),
  };
}

async function readPem(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw new AppError('config', `cannot read the TLS file ${path}: ${(cause as Error).message}`, { cause });
  }
}
