import { readFile } from 'node:fs/promises';
import { createAzureBackend } from '#engine/backend/azure.ts';
import type { Backend } from '#engine/backend/backend.ts';
import { createGcsBackend } from '#engine/backend/gcs.ts';
import { createMetadataToken, noToken } from '#engine/backend/gcs-metadata-token.ts';
import { createHedgedReads, type ReadHedge, type SendRead } from '#engine/backend/hedged-reads.ts';
import { createLocalBackend } from '#engine/backend/local.ts';
import type { Environment, S3TlsOptions } from '#engine/backend/s3-options.ts';
import { createSignedS3Backend } from '#engine/backend/s3-signed.ts';
import type { Clock } from '#engine/base/clock.ts';
import { AppError } from '#engine/base/errors.ts';
import type { StorageConfig, TlsFiles } from './config.ts';

/** What {@link openBackend} needs from the process. */
export interface FunctionContext {
  readonly env: Environment;
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  /** Memory that the platform allows; undefined where it does not say. */
  readonly memoryLimitBytes: number | undefined;
}

/**
 * Opens the store that the configuration names. All of them are one file of a bundle: small ones, with what each shares with another, would take longer to
 * open than to parse. Not engine/backend/create.ts, which would bring SDKs into it. Throws `config`.
 */
export async function openBackend(config: StorageConfig, context: FunctionContext): Promise<Backend> {
  if (config.kind === 'local') {
    return createLocalBackend({ path: config.path, monotonicMs: context.clock.monotonicMs });
  }
  const sending = { ...context, ...hedging(config.hedge, context) };
  if (config.kind === 'gcs') {
    const token = config.options.insecure ? noToken : createMetadataToken(context.env, context.clock);
    return createGcsBackend(config.options, { ...sending, token });
  }
  if (config.kind === 'azure') {
    return createAzureBackend(config.options, sending);
  }
  const options = { ...config.options, tls: await readTlsFiles(config.tls) };
  return createSignedS3Backend(options, sending);
}

/** How reads are sent. */
function hedging(hedge: ReadHedge, { clock }: FunctionContext): { readonly sendRead?: SendRead } {
  if (hedge.afterMs === 0 || hedge.upTo < 2) return {};
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
