import { createHash, createHmac } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

/** What a request must be signed with. */
export interface ExpectedCredentials {
  readonly accessKey: string;
  readonly secretKey: string;
  /** Absent: a request with a session token is refused. */
  readonly sessionToken?: string;
}

/** How far a client's clock may be off. */
const maxSkewMs = 15 * 60 * 1000;
const authorizationPattern =
  /^AWS4-HMAC-SHA256 Credential=([^/, ]+)\/(\d{8})\/([^/, ]+)\/s3\/aws4_request, ?SignedHeaders=([a-z0-9;-]+), ?Signature=([0-9a-f]{64})$/;

/**
 * Checks the AWS Signature Version 4 in the headers of a request, as S3 does. Returns the S3 error code that it deserves, or undefined when it is good.
 * Written apart from the client's signing code, so that the two check each other.
 */
export function signatureProblem(request: IncomingMessage, body: Uint8Array, expected: ExpectedCredentials): string | undefined {
  const match = authorizationPattern.exec(request.headers.authorization ?? '');
  if (match === null) return 'AccessDenied';
  const [, accessKey, day, region, signedNames, signature] = match as unknown as string[];
  if (accessKey !== expected.accessKey) return 'InvalidAccessKeyId';
  if (request.headers['x-amz-security-token'] !== expected.sessionToken) return 'InvalidToken';

  const signed = signedNames.split(';');
  const required = ['host', ...Object.keys(request.headers).filter((name) => name.startsWith('x-amz-'))];
  if (required.some((name) => !signed.includes(name))) return 'AccessDenied';
  if (signed.join(';') !== [...signed].sort().join(';')) return 'SignatureDoesNotMatch';

  const payloadHash = String(request.headers['x-amz-content-sha256']);
  if (payloadHash !== 'UNSIGNED-PAYLOAD' && payloadHash !== createHash('sha256').update(body).digest('hex'))
    return 'XAmzContentSHA256Mismatch';

  const time = String(request.headers['x-amz-date']);
  if (!/^\d{8}T\d{6}Z$/.test(time) || !time.startsWith(day)) return 'AccessDenied';
  const iso = time.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z');
  if (Math.abs(Date.parse(iso) - Date.now()) > maxSkewMs) return 'RequestTimeTooSkewed';

  const canonical = canonicalRequest(request, signed, payloadHash);
  const toSign = `AWS4-HMAC-SHA256\n${time}\n${day}/${region}/s3/aws4_request\n${createHash('sha256').update(canonical).digest('hex')}`;
  let key: Buffer = Buffer.from(`AWS4${expected.secretKey}`);
  for (const part of [day, region, 's3', 'aws4_request']) key = createHmac('sha256', key).update(part).digest();
  const wanted = createHmac('sha256', key).update(toSign).digest('hex');
  return wanted === signature ? undefined : 'SignatureDoesNotMatch';
}

function canonicalRequest(request: IncomingMessage, signed: readonly string[], payloadHash: string): string {
  const [path, query = ''] = (request.url ?? '/').split('?', 2);
  const canonicalPath = path
    .split('/')
    .map((segment) => encode(decodeURIComponent(segment)))
    .join('/');
  const pairs = query
    .split('&')
    .filter((pair) => pair !== '')
    .map((pair) => {
      const [name, value = ''] = pair.split('=', 2);
      return `${encode(decodeURIComponent(name))}=${encode(decodeURIComponent(value))}`;
    })
    .sort();
  const headers = signed.map((name) => `${name}:${String(request.headers[name]).trim().replace(/ +/g, ' ')}\n`).join('');
  return [request.method, canonicalPath, pairs.join('&'), headers, signed.join(';'), payloadHash].join('\n');
}

function encode(text: string): string {
  let out = '';
  for (const byte of Buffer.from(text)) {
    const character = String.fromCharCode(byte);
    out += /[A-Za-z0-9\-._~]/.test(character) ? character : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return out;
}
