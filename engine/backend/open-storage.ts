import type { Backend } from './backend.ts';
import { type BackendConfig, type BackendContext, createBackend } from './create.ts';
import { measureBackend } from './measured.ts';
import type { OnStorageEvent } from './storage-events.ts';

/** Opens the store that the configuration names, and tells of every request to a remote one. Throws as {@link createBackend}. */
export async function openStorage(
  config: BackendConfig,
  context: Omit<BackendContext, 'onHedge'>,
  onEvent: OnStorageEvent,
): Promise<Backend> {
  const backend = await createBackend(config, { ...context, onHedge: () => onEvent({ kind: 'hedge' }) });
  if (config.kind === 'local') return backend;
  return measureBackend(backend, context.clock, ({ operation, durationMs, error }) => {
    const verb = operation === 'write' ? 'PUT' : operation === 'delete' ? 'DELETE' : 'GET';
    onEvent({ kind: 'request', verb, durationMs, ...(error && { errorCode: error.code }) });
  });
}
