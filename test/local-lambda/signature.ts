import { createHash, createHmac } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { SignatureV4 } from '@smithy/signature-v4';

/** Who may call. */
export interface Caller {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/** Node's hashes as the AWS SDK takes them. */
function hash(secret?: string | ArrayBuffer | ArrayBufferView) {
  const running = secret === undefined ? createHash('sha256') : createHmac('sha256', secret as never);
  return {
    update: (data: string | Uint8Array) => void running.update(data as never),
    digest: async () => new Uint8Array(running.digest()),
    reset: () => {},
  };
}

const header =
  /^AWS4-HMAC-SHA256 Credential=([^/, ]+)\/(\d{8})\/([^/, ]+)\/lambda\/aws4_request, ?SignedHeaders=([a-z0-9;-]+), ?Signature=([0-9a-f]{64})$/;

/** Checks a request's AWS Signature Version 4 with AWS's own signing code: true where the same request, signed by the caller, has the same signature. */
export async function isSigned(request: IncomingMessage, body: Buffer, caller: Caller): Promise<boolean> {
  const match = header.exec(request.headers.authorization ?? '');
  if (match === null || match[1] !== caller.accessKeyId) return false;
  const [, , , region, names] = match as unknown as string[];
  const declared = request.headers['x-amz-content-sha256'];
  if (declared !== undefined && declared !== createHash('sha256').update(body).digest('hex')) return false;
  const signed = names!.split(';');
  const url = new URL(request.url ?? '/', 'http://x');
  const time = String(request.headers['x-amz-date']).replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z');
  const signer = new SignatureV4({
    service: 'lambda',
    region: region!,
    credentials: caller,
    sha256: hash as never,
    applyChecksum: declared !== undefined,
  });
  const again = await signer.sign(
    {
      method: request.method ?? '',
      protocol: 'http:',
      hostname: 'x',
      path: url.pathname,
      query: Object.fromEntries(url.searchParams),
      headers: Object.fromEntries(signed.map((name) => [name, String(request.headers[name] ?? '')])),
      body,
    },
    { signingDate: new Date(time), signableHeaders: new Set(signed) },
  );
  return again.headers.authorization?.split('Signature=')[1] === match[5];
}
