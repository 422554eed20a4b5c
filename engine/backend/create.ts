import type { Clock } from '#engine/base/clock.ts';
import { AppError } from '#engine/base/errors.ts';
import type { AzureOptions } from './azure-options.ts';
import type { Backend } from './backend.ts';
import type { GcsOptions } from './gcs-options.ts';
import type { ReadHedge, SendRead } from './hedged-reads.ts';
import type { LocalOptions } from './local.ts';
import type { Environment, S3Options } from './s3-options.ts';

/** Which object storage to read, and how (spec config §6). */
export type BackendConfig =
  | ({ readonly kind: 'local' } & Pick<LocalOptions, 'path' | 'maxOpenFiles' | 'idleMs'>)
  | ({
      readonly kind: 's3';
      /** `sdk`: the AWS SDK with all its credential sources. `signed`: own small client, which starts faster. */
      readonly client: 'sdk' | 'signed';
      readonly hedge?: ReadHedge;
    } & S3Options)
  | ({
      readonly kind: 'gcs';
      /** `sdk`: Google's library finds the credentials, and the backend can write. `metadata`: tokens of the metadata server, which starts faster. */
      readonly client: 'sdk' | 'metadata';
      readonly hedge?: ReadHedge;
    } & GcsOptions)
  | ({ readonly kind: 'azure'; readonly hedge?: ReadHedge } & AzureOptions);

/** What {@link createBackend} needs from the process. */
export interface BackendContext {
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  readonly env: Environment;
  /** Told of each hedged request. */
  readonly onHedge?: () => void;
}

/**
 * Creates the backend that the configuration names, without calling it. Throws `config` for options that cannot work. Each client is loaded only when it is asked for: the SDK never reaches a function.
 */
export async function createBackend(config: BackendConfig, context: BackendContext): Promise<Backend> {
  switch (config.kind) {
    case 'local': {
      if (config.path === '') throw new AppError('config', 'local backend: path must be set');
      const { createLocalBackend } = await import('./local.ts');
      return createLocalBackend({ ...config, monotonicMs: context.clock.monotonicMs });
    }
    case 's3': {
      if (config.client === 'sdk') {
        const { createS3Backend } = await import('./s3.ts');
        return createS3Backend(config, { ...context, ...(await hedging(config.hedge, context)) });
      }
      const { createSignedS3Backend } = await import('./s3-signed.ts');
      return createSignedS3Backend(config, { ...context, ...(await hedging(config.hedge, context)) });
    }
    case 'gcs': {
      const sending = { ...context, ...(await hedging(config.hedge, context)) };
      if (config.client === 'sdk') {
        const { createSdkGcsBackend } = await import('./gcs-sdk.ts');
        return createSdkGcsBackend(config, sending);
      }
      const { createGcsBackend } = await import('./gcs.ts');
      const { createMetadataToken, noToken } = await import('./gcs-metadata-token.ts');
      return createGcsBackend(config, { ...sending, token: config.insecure ? noToken : createMetadataToken(context.env, context.clock) });
    }
    case 'azure': {
      const { createAzureBackend } = await import('./azure.ts');
      return createAzureBackend(config, { ...context, ...(await hedging(config.hedge, context)) });
    }
    default:
      throw new AppError(
        'config',
        `unknown backend ${JSON.stringify((config as { readonly kind: unknown }).kind)}; use local, s3, gcs or azure`,
      );
  }
}

/** How reads are sent; nothing where they are not hedged. */
async function hedging(
  hedge: ReadHedge | undefined,
  { clock, onHedge = () => {} }: BackendContext,
): Promise<{ readonly sendRead?: SendRead }> {
  if (hedge === undefined) return {};
  const { createHedgedReads, isHedged } = await import('./hedged-reads.ts');
  return isHedged(hedge) ? { sendRead: createHedgedReads({ ...hedge, clock, onHedge }) } : {};
}
