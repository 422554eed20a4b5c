import { AppError } from '#engine/base/errors.ts';
import { normalizePrefix } from './keys.ts';
import type { RetryPolicy } from './retry.ts';
import type { Environment } from './s3-options.ts';

/** Azure Blob Storage settings (spec config §6.1, serverless §4), the texts as an operator writes them. */
export interface AzureOptions {
  /** '' takes AZURE_STORAGE_ACCOUNT. */
  readonly accountName: string;
  /** Base64; '' takes AZURE_STORAGE_KEY. Without a key, requests carry a token. */
  readonly accountKey: string;
  readonly container: string;
  /** Folder in the container; '' is none. */
  readonly prefix: string;
  /** `blob.core.windows.net`; one that does not start with `blob.` is an emulator, over plain HTTP with the account in the path. */
  readonly endpointSuffix: string;
  /** Tokens of the machine's identity. */
  readonly useManagedIdentity: boolean;
  /** Tokens for the pod's identity (AZURE_FEDERATED_TOKEN_FILE). */
  readonly useFederatedToken: boolean;
  /** Client id of one of several identities; '' is the only one. */
  readonly userAssignedId: string;
  readonly retry?: RetryPolicy;
  /** Longest silence of the store: no connection, no answer, no further bytes. 10 s without it. */
  readonly idleTimeoutMs?: number;
  /** Connections kept open; 128 without it. */
  readonly maxConnections?: number;
}

/** Where the container is. */
export interface AzureAddress {
  readonly protocol: 'http:' | 'https:';
  readonly hostname: string;
  /** undefined: the protocol's own. */
  readonly port: number | undefined;
  /** `/container`, with an emulator's account before it. */
  readonly path: string;
  readonly account: string;
  readonly container: string;
  /** '' or ending in `/`. */
  readonly prefix: string;
}

/** As with S3: past that, a request is worth more than the bytes in between. */
export const azureCoalesceGapBytes = 512 * 1024;

/** Checks the options and works out the address. Throws `config`, with a message that names the option. */
export function resolveAzureAddress(options: AzureOptions, env: Environment): AzureAddress {
  const { container } = options;
  const account = options.accountName || env.AZURE_STORAGE_ACCOUNT || '';
  const suffix = options.endpointSuffix || 'blob.core.windows.net';
  if (!/^[a-z0-9]{3,24}$/.test(account))
    throw new AppError('config', `azure storage_account_name ${JSON.stringify(account)} is not an account name`);
  if (!/^[a-z0-9$][a-z0-9-]{2,62}$/.test(container))
    throw new AppError('config', `azure container_name ${JSON.stringify(container)} is not a container name`);
  const match = /^([A-Za-z0-9._-]+)(?::(\d{1,5}))?$/.exec(suffix);
  if (match === null) throw new AppError('config', `azure endpoint_suffix ${JSON.stringify(suffix)} must be host[:port]`);
  const emulator = !suffix.startsWith('blob.');
  return {
    protocol: emulator ? 'http:' : 'https:',
    hostname: emulator ? match[1]! : `${account}.${match[1]}`,
    port: match[2] === undefined ? undefined : Number(match[2]),
    path: emulator ? `/${account}/${container}` : `/${container}`,
    account,
    container,
    prefix: normalizePrefix(options.prefix),
  };
}
