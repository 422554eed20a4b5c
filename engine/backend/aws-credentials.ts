import { readFile } from 'node:fs/promises';
import type { Clock } from '#engine/base/clock.ts';
import { AppError, toAppError } from '#engine/base/errors.ts';
import type { Environment } from './s3-options.ts';
import type { AwsCredentials } from './sigv4.ts';

/** Gives credentials that are good for now. */
export interface CredentialSource {
  /** Throws `config` when there are none, `unavailable` when the container's credential service does not answer. */
  readonly get: (signal?: AbortSignal) => Promise<AwsCredentials>;
  /** The store called these expired: the next `get` fetches anew, where that is possible. */
  readonly invalidate: (rejected: AwsCredentials) => void;
}

/** Where {@link createCredentialSource} looks. */
export interface CredentialOptions {
  /** Static keys; '' means none. */
  readonly accessKey: string;
  readonly secretKey: string;
  readonly sessionToken: string;
  readonly env: Environment;
  readonly clock: Pick<Clock, 'nowMs'>;
}

interface ExpiringCredentials {
  readonly credentials: AwsCredentials;
  readonly expiresMs: number;
}

/** Fetched anew so long before they expire. */
const refreshAheadMs = 5 * 60 * 1000;
const containerTimeoutMs = 5000;
const containerHosts = ['169.254.170.2', '169.254.170.23', '[fd00:ec2::23]', 'localhost', '[::1]'];

/** Static keys, else AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, else the container credential service that the environment names. */
export function createCredentialSource({ accessKey, secretKey, sessionToken, env, clock }: CredentialOptions): CredentialSource {
  if (accessKey !== '') return fixed(accessKey, secretKey, sessionToken);
  if (env.AWS_ACCESS_KEY_ID && env.AWS_SECRET_ACCESS_KEY) {
    return fixed(env.AWS_ACCESS_KEY_ID, env.AWS_SECRET_ACCESS_KEY, env.AWS_SESSION_TOKEN ?? '');
  }
  let held: ExpiringCredentials | undefined;
  let fetching: Promise<ExpiringCredentials> | undefined;
  const refresh = async (): Promise<AwsCredentials> => {
    // One fetch for all that wait; it has its own time limit and is not tied to the first caller's signal.
    fetching ??= fetchContainerCredentials(env).finally(() => {
      fetching = undefined;
    });
    try {
      held = await fetching;
    } catch (thrown) {
      if (held === undefined || held.expiresMs <= clock.nowMs()) throw toAppError(thrown);
    }
    return held.credentials;
  };
  return {
    get: async (signal) => {
      if (held !== undefined && held.expiresMs - clock.nowMs() > refreshAheadMs) return held.credentials;
      return signal === undefined ? refresh() : raceSignal(refresh(), signal);
    },
    invalidate: (rejected) => {
      if (held?.credentials === rejected) held = undefined;
    },
  };
}

function fixed(accessKeyId: string, secretAccessKey: string, sessionToken: string): CredentialSource {
  const credentials = { accessKeyId, secretAccessKey, ...(sessionToken === '' ? {} : { sessionToken }) };
  return { get: async () => credentials, invalidate: () => undefined };
}

async function raceSignal<Result>(work: Promise<Result>, signal: AbortSignal): Promise<Result> {
  let stop = (): void => undefined;
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(toAppError(signal.reason));
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop);
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

async function fetchContainerCredentials(env: Environment): Promise<ExpiringCredentials> {
  const url = containerUrl(env);
  const token = env.AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE
    ? (await readFile(env.AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE, 'utf8')).trim()
    : (env.AWS_CONTAINER_AUTHORIZATION_TOKEN ?? '');
  if (/[\r\n]/.test(token)) throw new AppError('config', 'the container authorization token contains a line break');
  let text: string;
  try {
    const response = await fetch(url, {
      headers: token === '' ? {} : { authorization: token },
      redirect: 'error',
      signal: AbortSignal.timeout(containerTimeoutMs),
    });
    text = await response.text();
    if (!response.ok) throw new Error(`status ${response.status}`);
  } catch (cause) {
    throw new AppError('unavailable', `the container credential service at ${url.origin} does not answer`, { cause });
  }
  return parseContainerCredentials(text);
}

function containerUrl(env: Environment): URL {
  const relative = env.AWS_CONTAINER_CREDENTIALS_RELATIVE_URI;
  const full = relative ? `http://169.254.170.2${relative}` : env.AWS_CONTAINER_CREDENTIALS_FULL_URI;
  if (!full) {
    throw new AppError(
      'config',
      'no S3 credentials: set access_key and secret_key, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or run where AWS provides container credentials',
    );
  }
  const url = URL.canParse(full) ? new URL(full) : undefined;
  const allowed =
    url?.protocol === 'https:' ||
    (url?.protocol === 'http:' && (containerHosts.includes(url.hostname) || /^127(\.\d+){3}$/.test(url.hostname)));
  if (url === undefined || !allowed)
    throw new AppError('config', 'AWS_CONTAINER_CREDENTIALS_FULL_URI must be https, or http to this machine or the container service');
  return url;
}

/** Reads the service's answer; throws `unavailable` when it is no JSON object with the expected fields. */
function parseContainerCredentials(text: string): ExpiringCredentials {
  let answer: Readonly<Record<string, unknown>> = {};
  try {
    answer = JSON.parse(text) ?? {};
  } catch {
    // Falls through to the check below; the text may hold a secret, so it is not quoted.
  }
  const { AccessKeyId, SecretAccessKey, Token, Expiration } = answer;
  if (typeof AccessKeyId !== 'string' || typeof SecretAccessKey !== 'string') {
    throw new AppError('unavailable', 'the container credential service answered without AccessKeyId or SecretAccessKey');
  }
  const expiresMs = typeof Expiration === 'string' ? Date.parse(Expiration) : Number.POSITIVE_INFINITY;
  const sessionToken = typeof Token === 'string' && Token !== '' ? { sessionToken: Token } : {};
  return {
    credentials: { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey, ...sessionToken },
    expiresMs: Number.isNaN(expiresMs) ? 0 : expiresMs,
  };
}
