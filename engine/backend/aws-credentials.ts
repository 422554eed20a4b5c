import type { Clock } from '#engine/base/clock.ts';
import { fetchCredentials } from './aws-credential-chain.ts';
import { createRefreshed, type Refreshed } from './refreshed.ts';
import type { Environment } from './s3-options.ts';
import type { AwsCredentials } from './sigv4.ts';

/**
 * Gives credentials that are good for now. `get` rejects with `config` when there are none, `unavailable` when what hands them out does not answer.
 * `invalidate`: the store called these expired.
 */
export type CredentialSource = Refreshed<AwsCredentials>;

/** Where {@link createCredentialSource} looks. */
export interface CredentialOptions {
  /** Static keys; '' means none. */
  readonly accessKey: string;
  readonly secretKey: string;
  readonly sessionToken: string;
  readonly env: Environment;
  readonly clock: Pick<Clock, 'nowMs'>;
}

const refreshAheadMs = 5 * 60 * 1000;

/**
 * Static keys, else AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, which is what Lambda gives, else what other sources hand out (spec config §6.1): a profile, a
 * web identity, the container's credential service, the instance's.
 */
export function createCredentialSource({ accessKey, secretKey, sessionToken, env, clock }: CredentialOptions): CredentialSource {
  if (accessKey !== '') return fixed(accessKey, secretKey, sessionToken);
  if (env.AWS_ACCESS_KEY_ID && env.AWS_SECRET_ACCESS_KEY) {
    return fixed(env.AWS_ACCESS_KEY_ID, env.AWS_SECRET_ACCESS_KEY, env.AWS_SESSION_TOKEN ?? '');
  }
  return createRefreshed({ fetch: () => fetchCredentials(env), refreshAheadMs, clock });
}

function fixed(accessKeyId: string, secretAccessKey: string, sessionToken: string): CredentialSource {
  const credentials = { accessKeyId, secretAccessKey, ...(sessionToken !== '' && { sessionToken }) };
  return { get: async () => credentials, invalidate: () => undefined };
}
