import { AppError, toAppError } from '#engine/base/errors.ts';
import type { Authorize } from './http-batch.ts';

/** Gives a value that says `Bearer …`; cached until shortly before the token expires. */
type TokenSource = () => Promise<string>;

/** Longest wait for a token, at start and later (spec read-path §6.1). */
const tokenTimeoutMs = 10_000;

async function inTime<Value>(work: Promise<Value>): Promise<Value> {
  const limit = AbortSignal.timeout(tokenTimeoutMs);
  const late = new Promise<never>((_, reject) =>
    limit.addEventListener('abort', () => reject(new AppError('unavailable', `no token within ${tokenTimeoutMs / 1000} s`)), {
      once: true,
    }),
  );
  return Promise.race([work, late]);
}

async function createSource(audience: string): Promise<TokenSource> {
  const { GoogleAuth } = await import('google-auth-library');
  const client = await inTime(new GoogleAuth().getIdTokenClient(audience));
  return async () => {
    // The library keeps a token until a few minutes before it expires.
    const headers = await inTime(client.getRequestHeaders());
    const value = headers.get('authorization');
    if (value === null) throw new AppError('unavailable', 'the token service gave no token');
    return value;
  };
}

/**
 * ID tokens for Cloud Run, one source for each endpoint with its URL as audience, from application default credentials or the metadata server (spec serverless §1,
 * read-path §6.1). The first tokens are fetched now: rejects with `config` `failed to create one or more token sources: …` where there are none.
 */
export async function createIdTokens(audiences: readonly string[]): Promise<Authorize> {
  const sources = new Map<string, TokenSource>();
  const failed: string[] = [];
  await Promise.all(
    audiences.map(async (audience) => {
      try {
        const source = await createSource(audience);
        await source();
        sources.set(audience, source);
      } catch (thrown) {
        failed.push(`${audience}: ${toAppError(thrown).message}`);
      }
    }),
  );
  if (failed.length > 0) throw new AppError('config', `failed to create one or more token sources: ${failed.sort().join('; ')}`);
  return async ({ url }, request) => ({ ...request, headers: { ...request.headers, Authorization: await sources.get(url)!() } });
}
