import { Worker } from 'node:worker_threads';
import type { AnswerFormat, SearchAnswer } from '#engine/api/search-answer.ts';
import type { SearchBlockRequest } from '#engine/api/search-request.ts';
import type { OnStorageEvent } from '#engine/backend/storage-events.ts';
import { AppError, toAppError } from '#engine/base/errors.ts';
import type { TenantId } from '#engine/base/units.ts';
import type { ThreadRequest, ThreadResponse, ThreadSetup } from './thread-protocol.ts';

/** Searches a part of one block somewhere in this process. */
export type SearchInProcess = (
  tenant: TenantId,
  request: SearchBlockRequest,
  format: AnswerFormat,
  signal: AbortSignal,
) => Promise<SearchAnswer>;

/** Scans spread over the cores of a machine. */
export interface ScanThreads {
  readonly search: SearchInProcess;
  /** Ends all threads; what runs on them fails as cancelled. */
  readonly close: () => Promise<void>;
}

/** How to spread scans. */
export interface ScanThreadsOptions {
  /** Threads that scan; 0 scans on the calling one, which can do nothing else meanwhile. */
  readonly count: number;
  readonly setup: ThreadSetup;
  /** Told of the threads' requests to the store. */
  readonly onStorageEvent: OnStorageEvent;
  /** The calling thread's own search. */
  readonly searchHere: SearchInProcess;
}

interface Thread {
  readonly worker: Worker;
  readonly waiting: Map<number, { readonly resolve: (answer: SearchAnswer) => void; readonly reject: (error: AppError) => void }>;
}

/** Runs each job on the thread with the fewest, which is started when it is first needed. The calling thread stays free to answer. */
export function createScanThreads({ count, setup, searchHere, onStorageEvent }: ScanThreadsOptions): ScanThreads {
  const threads: Thread[] = [];
  let nextId = 0;

  const drop = (thread: Thread): void => {
    const index = threads.indexOf(thread);
    if (index >= 0) threads.splice(index, 1);
  };
  const choose = (): Thread => {
    let best: Thread | undefined;
    for (const thread of threads) if (best === undefined || thread.waiting.size < best.waiting.size) best = thread;
    if (best === undefined || (best.waiting.size > 0 && threads.length < count)) return startThread(threads, setup, drop, onStorageEvent);
    return best;
  };
  return {
    search: (tenant, request, format, signal) => {
      if (count === 0) return searchHere(tenant, request, format, signal);
      return runOnThread(choose(), { kind: 'search', id: nextId++, tenant, request, format }, signal);
    },
    close: async () => {
      await Promise.all(threads.map(({ worker }) => worker.terminate()));
    },
  };
}

function startThread(threads: Thread[], setup: ThreadSetup, drop: (thread: Thread) => void, onStorageEvent: OnStorageEvent): Thread {
  // A bundle has the thread's main file beside it, under the same ending as its own.
  const file = import.meta.url.endsWith('.ts') ? './thread-main.ts' : './thread-main.mjs';
  const worker = new Worker(new URL(file, import.meta.url), { workerData: setup });
  const thread: Thread = { worker, waiting: new Map() };
  worker.on('message', (response: ThreadResponse) => {
    if (response.kind === 'storage') {
      response.events.forEach(onStorageEvent);
      return;
    }
    const job = thread.waiting.get(response.id);
    thread.waiting.delete(response.id);
    // An idle thread does not keep the process alive.
    if (thread.waiting.size === 0) worker.unref();
    if (response.kind === 'answer') job?.resolve(response.answer);
    else job?.reject(new AppError(response.code, response.message));
  });
  const failAll = (error: AppError): void => {
    drop(thread);
    for (const job of thread.waiting.values()) job.reject(error);
    thread.waiting.clear();
  };
  worker.on('error', (thrown) => failAll(toAppError(thrown)));
  worker.on('exit', () => failAll(new AppError('cancelled', 'the scan thread has ended')));
  threads.push(thread);
  return thread;
}

function runOnThread(thread: Thread, message: ThreadRequest, signal: AbortSignal): Promise<SearchAnswer> {
  if (signal.aborted) return Promise.reject(toAppError(signal.reason));
  return new Promise((resolve, reject) => {
    // The caller hears of its abort at once; the thread counts as busy until it has heard, too.
    const cancel = () => {
      thread.worker.postMessage({ kind: 'cancel', id: message.id } satisfies ThreadRequest);
      reject(toAppError(signal.reason));
    };
    const settled = () => signal.removeEventListener('abort', cancel);
    thread.worker.ref();
    thread.waiting.set(message.id, {
      resolve: (answer) => {
        settled();
        resolve(answer);
      },
      reject: (error) => {
        settled();
        reject(error);
      },
    });
    signal.addEventListener('abort', cancel, { once: true });
    thread.worker.postMessage(message);
  });
}
