import { readFile } from 'node:fs/promises';
import { AppError } from '#engine/base/errors.ts';

/** A request to a service that hands out credentials. */
export interface CredentialRequest {
  /** For messages: `the metadata server`. */
  readonly service: string;
  readonly url: URL;
  readonly method?: 'GET' | 'PUT' | 'POST';
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly timeoutMs: number;
}

/** The text of a good answer. Throws `unavailable` otherwise, without the answer's text: it may hold a secret. */
export async function fetchCredentialText({ service, url, timeoutMs, ...init }: CredentialRequest): Promise<string> {
  try {
    const response = await fetch(url, { ...init, redirect: 'error', signal: AbortSignal.timeout(timeoutMs) });
    const text = await response.text();
    if (!response.ok) throw new Error(`status ${response.status}`);
    return text;
  } catch (cause) {
    throw new AppError('unavailable', `${service} at ${url.origin} does not answer (${reasonOf(cause)})`, { cause });
  }
}

/** The answer as a JSON object; what is none is empty. */
export async function fetchCredentialObject(request: CredentialRequest): Promise<Readonly<Record<string, unknown>>> {
  try {
    const parsed: unknown = JSON.parse(await fetchCredentialText(request));
    return typeof parsed === 'object' && parsed !== null ? (parsed as Readonly<Record<string, unknown>>) : {};
  } catch (thrown) {
    if (thrown instanceof AppError) throw thrown;
    return {};
  }
}

/** A token that the platform keeps in a file and renews there. Throws `config`. */
export async function readTokenFile(path: string): Promise<string> {
  let token: string;
  try {
    token = (await readFile(path, 'utf8')).trim();
  } catch (cause) {
    throw new AppError('config', `cannot read the token file ${path}: ${reasonOf(cause)}`, { cause });
  }
  if (token === '' || /[\r\n]/.test(token)) throw new AppError('config', `the token file ${path} is empty or has several lines`);
  return token;
}

function reasonOf(thrown: unknown): string {
  const { message, cause } = thrown as Error;
  return cause instanceof Error ? cause.message : message;
}
