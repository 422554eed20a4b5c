import type { Clock } from '#engine/base/clock.ts';
import { AppError } from '#engine/base/errors.ts';
import { fetchCredentialObject } from './credential-fetch.ts';
import type { AccessToken } from './gcs.ts';
import { createRefreshed, type Expiring } from './refreshed.ts';
import type { Environment } from './s3-options.ts';

const timeoutMs = 5000;
/** The metadata server gives a new token only so long before the old one ends. */
const refreshAheadMs = 4 * 60 * 1000;

/** No token at all, for emulators. */
export const noToken: AccessToken = { get: async () => undefined, invalidate: () => undefined };

/**
 * Tokens of the service account that a function on Google Cloud runs as, from the metadata server (GCE_METADATA_HOST where it is elsewhere). `get` rejects
 * with `unavailable` where none answers.
 */
export function createMetadataToken(env: Environment, clock: Pick<Clock, 'nowMs'>): AccessToken {
  const host = env.GCE_METADATA_HOST || 'metadata.google.internal';
  const given = `http://${host}/computeMetadata/v1/instance/service-accounts/default/token`;
  if (!URL.canParse(given)) throw new AppError('config', `GCE_METADATA_HOST ${JSON.stringify(host)} must be host[:port]`);
  const service = 'the metadata server';
  const fetch = async (): Promise<Expiring<string | undefined>> => {
    const headers = { 'metadata-flavor': 'Google' };
    const { access_token, expires_in } = await fetchCredentialObject({ service, url: new URL(given), headers, timeoutMs });
    if (typeof access_token !== 'string' || typeof expires_in !== 'number')
      throw new AppError('unavailable', `${service} answered without access_token or expires_in; has the service a service account?`);
    return { value: access_token, expiresMs: clock.nowMs() + expires_in * 1000 };
  };
  return createRefreshed({ fetch, refreshAheadMs, clock });
}
