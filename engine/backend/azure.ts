import type { Clock } from '#engine/base/clock.ts';
import { AppError } from '#engine/base/errors.ts';
import { parseAzureListing, toAzureError } from './azure-answers.ts';
import { type AzureAddress, type AzureOptions, azureCoalesceGapBytes, resolveAzureAddress } from './azure-options.ts';
import { sharedKeyAuthorization } from './azure-shared-key.ts';
import { createAzureToken } from './azure-token.ts';
import type { Backend, ObjectWriter } from './backend.ts';
import type { SendRead } from './hedged-reads.ts';
import { checkKey } from './keys.ts';
import { type PageReader, pageSize } from './listing.ts';
import { objectStore } from './object-store.ts';
import { type ByteRange, checkReadSize } from './range.ts';
import type { Refreshed } from './refreshed.ts';
import { defaultRetryPolicy, withRetries } from './retry.ts';
import type { Environment } from './s3-options.ts';
import { encodePath, encodeQuery } from './sigv4.ts';
import { createTransport, type RawAnswer } from './transport.ts';

/** What {@link createAzureBackend} needs from the process. */
export interface AzureContext {
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  readonly env: Environment;
  /** Hedges reads of objects; each is sent once without it. */
  readonly sendRead?: SendRead;
}

/** One request below the container. */
interface Call {
  readonly method: 'GET' | 'PUT' | 'DELETE';
  /** With the backend's prefix; '' for a listing. */
  readonly key: string;
  readonly query: Readonly<Record<string, string>>;
  readonly range?: ByteRange | undefined;
  readonly body?: Uint8Array;
}

/** The first version that lists and reads as used here. */
const apiVersion = '2021-08-06';

/**
 * Azure Blob Storage through its REST API, with the account's key or tokens of a managed or federated identity; for queriers and functions alike. Throws
 * `config` for bad options.
 */
export function createAzureBackend(options: AzureOptions, context: AzureContext): Backend {
  const address = resolveAzureAddress(options, context.env);
  const { prefix } = address;
  const policy = options.retry ?? defaultRetryPolicy;
  const { sendRead = (read, signal) => read(signal) } = context;
  const send = createSender(options, address, context);
  const get = async (key: string, range: ByteRange | undefined, signal: AbortSignal | undefined): Promise<Uint8Array> => {
    const call: Call = { method: 'GET', key: prefix + key, query: {}, range };
    const answer = await withRetries(policy, context, signal, () => sendRead((own) => send(call, own), signal));
    return answer.body;
  };
  const readPage: PageReader = async ({ prefix: folder, folders, token }, signal) => {
    const query = {
      restype: 'container',
      comp: 'list',
      prefix: folder,
      maxresults: String(pageSize),
      ...(folders && { delimiter: '/' }),
      ...(token !== undefined && { marker: token }),
    };
    const readOnce = async () =>
      parseAzureListing(Buffer.from((await send({ method: 'GET', key: '', query }, signal)).body).toString('utf8'));
    return withRetries(policy, context, signal, readOnce);
  };
  const writer: ObjectWriter = {
    write: async (key, content, signal) => {
      checkKey(key);
      checkReadSize(key, content.length);
      await withRetries(policy, context, signal, () => send({ method: 'PUT', key: prefix + key, query: {}, body: content }, signal));
    },
    delete: async (key, signal) => {
      checkKey(key);
      await withRetries(policy, context, signal, () => send({ method: 'DELETE', key: prefix + key, query: {} }, signal)).catch(
        ignoreMissing,
      );
    },
  };
  return { ...objectStore({ prefix, coalesceGapBytes: azureCoalesceGapBytes, get, readPage, startsAnywhere: false }), writer };
}

function ignoreMissing(thrown: unknown): void {
  if (!(thrown instanceof AppError) || thrown.code !== 'not_found') throw thrown;
}

/** How requests are authorized. */
type Authorize = (call: Call, path: string, headers: Readonly<Record<string, string>>, signal: AbortSignal | undefined) => Promise<string>;

function createAuthorize(options: AzureOptions, { account }: AzureAddress, { env, clock }: AzureContext) {
  const { useManagedIdentity, useFederatedToken, userAssignedId } = options;
  const key = options.accountKey || env.AZURE_STORAGE_KEY || '';
  let token: Refreshed<string> | undefined;
  if (useManagedIdentity || useFederatedToken) {
    token = createAzureToken({ federated: useFederatedToken, clientId: userAssignedId }, env, clock);
  } else if (key === '') {
    throw new AppError('config', 'azure needs storage_account_key, use_managed_identity or use_federated_token');
  }
  const keyBytes = Buffer.from(key, 'base64');
  const authorize: Authorize = async ({ method, query }, path, headers, signal) =>
    token === undefined ? sharedKeyAuthorization({ method, account, path, query, headers }, keyBytes) : `Bearer ${await token.get(signal)}`;
  return { authorize, token };
}

/** Sends one request once; again only when its token was refused, with a new one. */
function createSender(options: AzureOptions, address: AzureAddress, context: AzureContext) {
  const { idleTimeoutMs, maxConnections } = options;
  const transport = createTransport({ ...address, store: 'Azure', idleTimeoutMs, maxConnections });
  const { authorize, token } = createAuthorize(options, address, context);

  return async (call: Call, signal: AbortSignal | undefined): Promise<RawAnswer> => {
    const { method, key, query, range, body } = call;
    const object = `azure://${address.container}/${key || (query.prefix ?? '')}`;
    const path = key === '' ? address.path : address.path + encodePath(key);
    const encoded = encodeQuery(query);
    for (let renewed = false; ; renewed = true) {
      const headers: Record<string, string> = {
        'x-ms-date': new Date(context.clock.nowMs()).toUTCString(),
        'x-ms-version': apiVersion,
        ...(range && { range: `bytes=${range.start}-${range.end - 1}` }),
        ...(body && { 'content-length': String(body.length), 'x-ms-blob-type': 'BlockBlob' }),
      };
      const used = await token?.get(signal);
      const authorization = await authorize(call, path, headers, signal);
      const answer = await transport(
        {
          hostname: address.hostname,
          target: encoded === '' ? path : `${path}?${encoded}`,
          headers: { ...headers, authorization },
          object,
          ...(method !== 'GET' && { method }),
          ...(body && { body }),
          ...(range && { expected: range }),
        },
        signal,
      );
      if (answer.status >= 200 && answer.status < 300) return answer;
      if (answer.status === 401 && used !== undefined) token?.invalidate(used);
      if (answer.status === 401 && !renewed && used !== undefined) continue;
      const code = answer.headers['x-ms-error-code'];
      throw toAzureError(answer.status, typeof code === 'string' ? code : '', Buffer.from(answer.body).toString('utf8'), object);
    }
  };
}
