import { AppError } from '#engine/base/errors.ts';

/** An external endpoint, read once. */
export interface Endpoint {
  /** As configured; what metrics and errors say. */
  readonly url: string;
  readonly secure: boolean;
  readonly hostname: string;
  /** undefined: the protocol's own. */
  readonly port: number | undefined;
  /** `/` where the URL has none; its query string is dropped (spec serverless §2). */
  readonly path: string;
}

/** Reads an endpoint's URL. Throws `config` for anything but http and https. */
export function parseEndpoint(url: string): Endpoint {
  const parsed = URL.parse(url);
  if (parsed === null || (parsed.protocol !== 'http:' && parsed.protocol !== 'https:')) {
    throw new AppError('config', `external endpoint ${url} is no http:// or https:// URL`);
  }
  return {
    url,
    secure: parsed.protocol === 'https:',
    hostname: parsed.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: parsed.port === '' ? undefined : Number(parsed.port),
    path: parsed.pathname,
  };
}
