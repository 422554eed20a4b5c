import { parseForm } from '#engine/api/form.ts';
import type { CredentialSource } from '#engine/backend/aws-credentials.ts';
import { createSigner } from '#engine/backend/sigv4.ts';
import type { Clock } from '#engine/base/clock.ts';
import { AppError } from '#engine/base/errors.ts';
import type { Endpoint } from './endpoints.ts';
import type { Authorize } from './http-batch.ts';

/** The region of a function URL's host, `<id>.lambda-url.<region>.on.aws`; undefined for others. */
export function regionOfFunctionUrl(hostname: string): string | undefined {
  return /\.lambda-url\.([a-z0-9-]+)\.on\.aws$/.exec(hostname)?.[1];
}

function hostOf({ hostname, port }: Endpoint): string {
  const name = hostname.includes(':') ? `[${hostname}]` : hostname;
  return port === undefined ? name : `${name}:${port}`;
}

/** Signs requests for function URLs of Lambda (auth type AWS_IAM). `region` counts where the URL does not name one. */
export function signRequests(credentials: CredentialSource, clock: Clock, region: string): Authorize {
  const sign = createSigner('lambda');
  return async (endpoint, request, signal) => {
    const used = regionOfFunctionUrl(endpoint.hostname) ?? region;
    if (used === '') throw new AppError('config', `${endpoint.url}: set the region of its pool, or AWS_REGION`);
    const mark = request.target.indexOf('?');
    const query = mark < 0 ? {} : Object.fromEntries(parseForm(request.target.slice(mark + 1)));
    const { target, headers } = sign({
      method: request.method,
      host: hostOf(endpoint),
      path: mark < 0 ? request.target : request.target.slice(0, mark),
      query,
      nowMs: clock.nowMs(),
      region: used,
      credentials: await credentials.get(signal),
      ...(request.body && { body: request.body }),
    });
    return { ...request, target, headers: { ...request.headers, ...headers } };
  };
}
