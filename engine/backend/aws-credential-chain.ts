import { AppError } from '#engine/base/errors.ts';
import { readProfile } from './aws-profile.ts';
import { fetchCredentialObject, fetchCredentialText, readTokenFile } from './credential-fetch.ts';
import type { Expiring } from './refreshed.ts';
import type { Environment } from './s3-options.ts';
import { textOf } from './s3-xml.ts';
import type { AwsCredentials } from './sigv4.ts';

const serviceTimeoutMs = 5000;
/** Where there is no instance service, nothing answers at all. */
const instanceTimeoutMs = 1000;
const instanceTokenSeconds = 21_600;
const containerHosts = ['169.254.170.2', '169.254.170.23', '[fd00:ec2::23]', 'localhost', '[::1]'];

/**
 * The first source that there is: a profile of the shared credentials file, a web identity (EKS), the container's credential service (ECS, EKS pod identity),
 * the instance's (EC2). Throws `config` where a source is set up wrongly or there is none, `unavailable` where its service does not answer.
 */
export async function fetchCredentials(env: Environment): Promise<Expiring<AwsCredentials>> {
  const profile = await readProfile(env);
  if (profile !== undefined) return { value: profile, expiresMs: Number.POSITIVE_INFINITY };
  if (env.AWS_WEB_IDENTITY_TOKEN_FILE && env.AWS_ROLE_ARN) return assumeRole(env, env.AWS_WEB_IDENTITY_TOKEN_FILE, env.AWS_ROLE_ARN);
  const container = containerUrl(env);
  if (container !== undefined) return fetchFromContainer(env, container);
  if (env.AWS_EC2_METADATA_DISABLED?.toLowerCase() === 'true') throw noCredentials();
  return fetchFromInstance(env);
}

function noCredentials(cause?: unknown): AppError {
  return new AppError(
    'config',
    'no S3 credentials: set access_key and secret_key, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or run where AWS provides a role',
    cause === undefined ? {} : { cause },
  );
}

async function assumeRole(env: Environment, tokenFile: string, role: string): Promise<Expiring<AwsCredentials>> {
  const service = 'the security token service';
  const region = env.AWS_REGION || env.AWS_DEFAULT_REGION;
  const given = env.AWS_ENDPOINT_URL_STS || `https://sts${region ? `.${region}` : ''}.amazonaws.com/`;
  if (!URL.canParse(given)) throw new AppError('config', `AWS_ENDPOINT_URL_STS ${JSON.stringify(given)} is not a URL`);
  const form = new URLSearchParams({
    Action: 'AssumeRoleWithWebIdentity',
    Version: '2011-06-15',
    RoleArn: role,
    RoleSessionName: env.AWS_ROLE_SESSION_NAME || 'rubato',
    WebIdentityToken: await readTokenFile(tokenFile),
  });
  const headers = { 'content-type': 'application/x-www-form-urlencoded' };
  const xml = await fetchCredentialText({
    service,
    url: new URL(given),
    method: 'POST',
    headers,
    body: form.toString(),
    timeoutMs: serviceTimeoutMs,
  });
  const credentials = textOf(xml, 'Credentials') === undefined ? '' : xml;
  return checked(service, {
    AccessKeyId: textOf(credentials, 'AccessKeyId'),
    SecretAccessKey: textOf(credentials, 'SecretAccessKey'),
    Token: textOf(credentials, 'SessionToken'),
    Expiration: textOf(credentials, 'Expiration'),
  });
}

/** Where the container's service is; undefined where the environment names none. Throws `config` unless it is at this machine or over https. */
function containerUrl(env: Environment): URL | undefined {
  const relative = env.AWS_CONTAINER_CREDENTIALS_RELATIVE_URI;
  const full = relative ? `http://169.254.170.2${relative}` : env.AWS_CONTAINER_CREDENTIALS_FULL_URI;
  if (!full) return undefined;
  const url = URL.canParse(full) ? new URL(full) : undefined;
  const allowed =
    url?.protocol === 'https:' ||
    (url?.protocol === 'http:' && (containerHosts.includes(url.hostname) || /^127(\.\d+){3}$/.test(url.hostname)));
  if (url === undefined || !allowed)
    throw new AppError('config', 'AWS_CONTAINER_CREDENTIALS_FULL_URI must be https, or http to this machine or the container service');
  return url;
}

async function fetchFromContainer(env: Environment, url: URL): Promise<Expiring<AwsCredentials>> {
  const service = 'the container credential service';
  const file = env.AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE;
  const token = file ? await readTokenFile(file) : (env.AWS_CONTAINER_AUTHORIZATION_TOKEN ?? '');
  if (/[\r\n]/.test(token)) throw new AppError('config', 'the container authorization token contains a line break');
  const headers: Record<string, string> = token === '' ? {} : { authorization: token };
  return checked(service, await fetchCredentialObject({ service, url, headers, timeoutMs: serviceTimeoutMs }));
}

/** EC2's instance metadata, version 2: a token first, then the role's name, then its keys. */
async function fetchFromInstance(env: Environment): Promise<Expiring<AwsCredentials>> {
  const service = 'the instance metadata service';
  const given = env.AWS_EC2_METADATA_SERVICE_ENDPOINT || 'http://169.254.169.254';
  if (!URL.canParse(given)) throw new AppError('config', `AWS_EC2_METADATA_SERVICE_ENDPOINT ${JSON.stringify(given)} is not a URL`);
  const at = (path: string) => new URL(`/latest/${path}`, given);
  let token: string;
  try {
    const headers = { 'x-aws-ec2-metadata-token-ttl-seconds': String(instanceTokenSeconds) };
    token = await fetchCredentialText({ service, url: at('api/token'), method: 'PUT', headers, timeoutMs: instanceTimeoutMs });
  } catch (thrown) {
    // The usual case off AWS: what is missing is a configuration.
    throw noCredentials(thrown);
  }
  const request = { service, headers: { 'x-aws-ec2-metadata-token': token }, timeoutMs: serviceTimeoutMs };
  const roles = 'meta-data/iam/security-credentials/';
  const [role = ''] = (await fetchCredentialText({ ...request, url: at(roles) })).trim().split('\n');
  return checked(service, await fetchCredentialObject({ ...request, url: at(`${roles}${encodeURIComponent(role)}`) }));
}

/** Throws `unavailable` when the answer has not the expected fields. */
function checked(service: string, answer: Readonly<Record<string, unknown>>): Expiring<AwsCredentials> {
  const { AccessKeyId, SecretAccessKey, Token, Expiration } = answer;
  if (typeof AccessKeyId !== 'string' || typeof SecretAccessKey !== 'string') {
    throw new AppError('unavailable', `${service} answered without AccessKeyId or SecretAccessKey`);
  }
  const expiresMs = typeof Expiration === 'string' ? Date.parse(Expiration) : Number.POSITIVE_INFINITY;
  const sessionToken = typeof Token === 'string' && Token !== '' ? { sessionToken: Token } : {};
  return {
    value: { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey, ...sessionToken },
    expiresMs: Number.isNaN(expiresMs) ? 0 : expiresMs,
  };
}
