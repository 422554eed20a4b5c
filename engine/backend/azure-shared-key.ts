import { createHmac } from 'node:crypto';

/** A request without its signature. */
export interface AzureRequest {
  readonly method: 'GET' | 'PUT' | 'DELETE';
  readonly account: string;
  /** As sent: encoded, with leading `/`. */
  readonly path: string;
  /** Not encoded. */
  readonly query: Readonly<Record<string, string>>;
  /** Names in lower case: `x-ms-…`, range, content-length, content-md5, content-type. */
  readonly headers: Readonly<Record<string, string>>;
}

/** Headers that are signed by their values, in the order of the string to sign. */
const standard = [
  'content-encoding',
  'content-language',
  'content-length',
  'content-md5',
  'content-type',
  'date',
  'if-modified-since',
  'if-match',
  'if-none-match',
  'if-unmodified-since',
  'range',
];

/** The Authorization header of Shared Key (versions from 2015-02-21: an empty content-length is empty). The key as bytes. */
export function sharedKeyAuthorization(request: AzureRequest, key: Uint8Array): string {
  const signature = createHmac('sha256', key).update(stringToSign(request)).digest('base64');
  return `SharedKey ${request.account}:${signature}`;
}

function stringToSign({ method, account, path, query, headers }: AzureRequest): string {
  const values = standard.map((name) => (name === 'content-length' && headers[name] === '0' ? '' : (headers[name] ?? '')));
  const own = Object.keys(headers)
    .filter((name) => name.startsWith('x-ms-'))
    .sort()
    .map((name) => `${name}:${headers[name]!.trim()}`);
  const parameters = Object.keys(query)
    .sort()
    .map((name) => `\n${name}:${query[name]}`);
  return [method, ...values, ...own, `/${account}${path}${parameters.join('')}`].join('\n');
}
