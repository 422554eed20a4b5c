import { createHash, createHmac } from 'node:crypto';

/** AWS credentials. */
export interface AwsCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

/** A request to be signed. */
export interface UnsignedRequest {
  readonly method: 'GET' | 'HEAD' | 'POST';
  /** As the Host header has it: with the port unless it is the protocol's own. */
  readonly host: string;
  /** Encoded by {@link encodePath}, with leading `/`. */
  readonly path: string;
  /** Not encoded. */
  readonly query: Readonly<Record<string, string>>;
  /** Milliseconds since the epoch. */
  readonly nowMs: number;
  readonly region: string;
  readonly credentials: AwsCredentials;
  /** None without it. */
  readonly body?: Uint8Array;
}

/** What goes on the wire. */
export interface SignedRequest {
  /** Path with encoded query. */
  readonly target: string;
  readonly headers: Readonly<Record<string, string>>;
}

const emptyPayloadHash = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';

/**
 * Signs requests with AWS Signature Version 4 for a service. It remembers the day's signing key; one signer serves one user at a time. All services but S3 sign
 * an encoded path encoded once more.
 */
export function createSigner(service: 's3' | 'lambda' = 's3'): (request: UnsignedRequest) => SignedRequest {
  let keyId = '';
  let key: Buffer = Buffer.alloc(0);
  return ({ method, host, path, query, nowMs, region, credentials, body }) => {
    const time = new Date(nowMs).toISOString().replace(/[-:]|\.\d{3}/g, '');
    const day = time.slice(0, 8);
    const scope = `${day}/${region}/${service}/aws4_request`;
    const payloadHash = body === undefined ? emptyPayloadHash : createHash('sha256').update(body).digest('hex');
    const headers: Record<string, string> = { host, 'x-amz-content-sha256': payloadHash, 'x-amz-date': time };
    if (credentials.sessionToken !== undefined) headers['x-amz-security-token'] = credentials.sessionToken;
    const names = Object.keys(headers).join(';');
    const canonicalQuery = encodeQuery(query);
    const canonicalHeaders = Object.entries(headers)
      .map(([name, value]) => `${name}:${value}\n`)
      .join('');
    const canonicalPath = service === 's3' ? path : path.split('/').map(encodeStrictly).join('/');
    const canonical = [method, canonicalPath, canonicalQuery, canonicalHeaders, names, payloadHash].join('\n');

    const wantedKeyId = `${scope} ${credentials.secretAccessKey}`;
    if (wantedKeyId !== keyId) {
      key = signingKey(credentials.secretAccessKey, [day, region, service]);
      keyId = wantedKeyId;
    }
    const toSign = `AWS4-HMAC-SHA256\n${time}\n${scope}\n${createHash('sha256').update(canonical).digest('hex')}`;
    const signature = createHmac('sha256', key).update(toSign).digest('hex');
    const authorization = `AWS4-HMAC-SHA256 Credential=${credentials.accessKeyId}/${scope}, SignedHeaders=${names}, Signature=${signature}`;
    return { target: canonicalQuery === '' ? path : `${path}?${canonicalQuery}`, headers: { ...headers, authorization } };
  };
}

/** `/a%20b/c` of a key: each segment encoded once, as S3 signs it. */
export function encodePath(key: string): string {
  return `/${key.split('/').map(encodeStrictly).join('/')}`;
}

/** A query string, its parameters in the order of their names. */
export function encodeQuery(query: Readonly<Record<string, string>>): string {
  return Object.entries(query)
    .map(([name, value]) => `${encodeStrictly(name)}=${encodeStrictly(value)}`)
    .sort()
    .join('&');
}

function encodeStrictly(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`);
}

function signingKey(secret: string, scope: readonly string[]): Buffer {
  return [...scope, 'aws4_request'].reduce<Buffer>(
    (key, part) => createHmac('sha256', key).update(part).digest(),
    Buffer.from(`AWS4${secret}`),
  );
}
