import type { Clock } from '#engine/base/clock.ts';
import { AppError } from '#engine/base/errors.ts';
import { fetchCredentialObject, readTokenFile } from './credential-fetch.ts';
import { createRefreshed, type Expiring, type Refreshed } from './refreshed.ts';
import type { Environment } from './s3-options.ts';

const timeoutMs = 5000;
const refreshAheadMs = 5 * 60 * 1000;
const resource = 'https://storage.azure.com/';

/** Whose tokens. */
export interface AzureIdentity {
  /** From AZURE_FEDERATED_TOKEN_FILE, AZURE_TENANT_ID and AZURE_CLIENT_ID; otherwise the machine's. */
  readonly federated: boolean;
  /** '' is the only one. */
  readonly clientId: string;
}

/** Tokens for Azure storage. `get` rejects with `config` where the environment lacks something, `unavailable` where the service does not answer. */
export function createAzureToken({ federated, clientId }: AzureIdentity, env: Environment, clock: Pick<Clock, 'nowMs'>): Refreshed<string> {
  const fetch = () => (federated ? fetchFederated(env, clock) : fetchManaged(clientId, env, clock));
  return createRefreshed({ fetch, refreshAheadMs, clock });
}

/** From App Service and Container Apps (IDENTITY_ENDPOINT), else from the instance metadata service. */
async function fetchManaged(clientId: string, env: Environment, clock: Pick<Clock, 'nowMs'>): Promise<Expiring<string>> {
  const service = 'the managed identity service';
  const given =
    env.IDENTITY_ENDPOINT || `${env.AZURE_POD_IDENTITY_AUTHORITY_HOST || 'http://169.254.169.254'}/metadata/identity/oauth2/token`;
  if (!URL.canParse(given)) throw new AppError('config', `${JSON.stringify(given)} is no URL of an identity service`);
  const url = new URL(given);
  url.searchParams.set('api-version', env.IDENTITY_ENDPOINT ? '2019-08-01' : '2018-02-01');
  url.searchParams.set('resource', resource);
  if (clientId !== '') url.searchParams.set('client_id', clientId);
  const headers: Record<string, string> = env.IDENTITY_ENDPOINT ? { 'x-identity-header': env.IDENTITY_HEADER ?? '' } : { metadata: 'true' };
  return tokenOf(service, await fetchCredentialObject({ service, url, headers, timeoutMs }), clock);
}

async function fetchFederated(env: Environment, clock: Pick<Clock, 'nowMs'>): Promise<Expiring<string>> {
  const { AZURE_FEDERATED_TOKEN_FILE: file, AZURE_TENANT_ID: tenant, AZURE_CLIENT_ID: client } = env;
  if (!file || !tenant || !client)
    throw new AppError('config', 'azure use_federated_token needs AZURE_FEDERATED_TOKEN_FILE, AZURE_TENANT_ID and AZURE_CLIENT_ID');
  const service = 'the token service';
  const authority = env.AZURE_AUTHORITY_HOST || 'https://login.microsoftonline.com/';
  if (!URL.canParse(authority)) throw new AppError('config', `AZURE_AUTHORITY_HOST ${JSON.stringify(authority)} is not a URL`);
  const body = new URLSearchParams({
    grant_type: 'client_credentials',
    client_id: client,
    client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    client_assertion: await readTokenFile(file),
    scope: `${resource}.default`,
  }).toString();
  const headers = { 'content-type': 'application/x-www-form-urlencoded' };
  const url = new URL(`${encodeURIComponent(tenant)}/oauth2/v2.0/token`, authority);
  return tokenOf(service, await fetchCredentialObject({ service, url, method: 'POST', headers, body, timeoutMs }), clock);
}

function tokenOf(service: string, answer: Readonly<Record<string, unknown>>, clock: Pick<Clock, 'nowMs'>): Expiring<string> {
  const { access_token, expires_in, expires_on } = answer;
  if (typeof access_token !== 'string') throw new AppError('unavailable', `${service} answered without access_token`);
  // Numbers, or texts of numbers; one of them is always there.
  const expiresMs = expires_on === undefined ? clock.nowMs() + Number(expires_in) * 1000 : Number(expires_on) * 1000;
  return { value: access_token, expiresMs: Number.isNaN(expiresMs) ? 0 : expiresMs };
}
