import { toAppError } from '#engine/base/errors.ts';
import type { Backend } from './backend.ts';

/** The whole object, or undefined when it does not exist. Other errors as `read`. */
export async function readIfPresent(backend: Backend, key: string, signal?: AbortSignal): Promise<Uint8Array | undefined> {
  try {
    return await backend.read(key, signal);
  } catch (thrown) {
    const error = toAppError(thrown);
    if (error.code === 'not_found') return undefined;
    throw error;
  }
}
