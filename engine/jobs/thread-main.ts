import { parentPort, type TransferListItem, workerData } from 'node:worker_threads';
import type { SearchAnswer } from '#engine/api/search-answer.ts';
import { openStorage } from '#engine/backend/open-storage.ts';
import type { StorageEvent } from '#engine/backend/storage-events.ts';
import { systemClock } from '#engine/base/clock.ts';
import { AppError, toAppError } from '#engine/base/errors.ts';
import { openBlockCache } from '#engine/cache/open-block-cache.ts';
import { createJobEnvironment } from './environment.ts';
import { searchBlock } from './search-block.ts';
import type { ThreadRequest, ThreadResponse, ThreadSetup } from './thread-protocol.ts';

/** The main file of a scan thread: an environment of its own, and jobs from the parent one message each. */
async function main(setup: ThreadSetup): Promise<void> {
  const port = parentPort;
  if (port === null) throw new AppError('internal', 'thread-main.ts runs in a worker thread only');
  const events: StorageEvent[] = [];
  const running = new Map<number, AbortController>();
  const postEvents = () => {
    if (events.length > 0) port.postMessage({ kind: 'storage', events: events.splice(0) } satisfies ThreadResponse);
  };
  const onEvent = (event: StorageEvent) => {
    events.push(event);
    // Writes to caches go on after the last job; the others are told together.
    if (running.size === 0) postEvents();
  };
  const { backend: storage, env, maxMemoryBytes, cacheBytes, caches } = setup;
  const backend = await openStorage(storage, { clock: systemClock, random: Math.random, env }, onEvent);
  const opened = caches === undefined ? undefined : await openBlockCache(caches, systemClock, onEvent);
  const environment = createJobEnvironment({ backend, maxMemoryBytes, cacheBytes, blockCache: opened?.blockCache });
  const answer = (response: ThreadResponse, transfer: readonly TransferListItem[] = []) => {
    postEvents();
    port.postMessage(response, transfer);
  };
  port.on('message', (message: ThreadRequest) => {
    if (message.kind === 'cancel') {
      running.get(message.id)?.abort();
      return;
    }
    const { id, tenant, request, format } = message;
    const controller = new AbortController();
    running.set(id, controller);
    searchBlock(environment, tenant, request, format, controller.signal)
      .then((found) => answer({ kind: 'answer', id, answer: found }, ownBuffers(found)))
      .catch((thrown: unknown) => {
        const { code, message: text } = toAppError(thrown);
        answer({ kind: 'error', id, code, message: text });
      })
      .finally(() => running.delete(id));
  });
}

/** Buffers that hold nothing but the answer and so can change hands without a copy. */
function ownBuffers({ traces }: SearchAnswer): readonly TransferListItem[] {
  return [traces.bytes, traces.offsets, traces.traceIds, traces.startNanos]
    .filter((view) => view.byteLength === view.buffer.byteLength && view.byteLength > 0)
    .map((view) => view.buffer as ArrayBuffer);
}

await main(workerData as ThreadSetup);
