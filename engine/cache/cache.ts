import type { Clock } from '#engine/base/clock.ts';
import { AppError, toAppError } from '#engine/base/errors.ts';
import { type Breaker, createBreaker } from './breaker.ts';
import { type BackgroundConfig, type CacheConfig, cacheName, type StoreConfig } from './config.ts';
import type { OnCacheEvent } from './events.ts';
import type { CacheStore } from './store.ts';
import { createWriteBack } from './write-back.ts';

/** A cache as queries use it: it never fails, and never takes longer than its timeout. */
export interface Cache {
  /** Values in the order of the keys; undefined where there is none or the cache does not answer. Rejects only with what the signal says. */
  readonly get: (keys: readonly string[], signal?: AbortSignal) => Promise<readonly (Uint8Array | undefined)[]>;
  /** Stores a value some time later, if it fits; nobody waits for it. The value must not be written to from then on. */
  readonly set: (key: string, value: Uint8Array) => void;
  /** Resolves when all writes that wait now have gone out. */
  readonly flush: () => Promise<void>;
  readonly close: () => void;
}

/** What {@link createCache} needs. */
export interface CacheOptions {
  readonly config: CacheConfig;
  readonly background: BackgroundConfig;
  readonly store: CacheStore;
  readonly clock: Clock;
  readonly onEvent: OnCacheEvent;
}

/** What a memory cannot take longer than, or have too much of, does not need a limit. */
const memoryLimits = { timeoutMs: 0, maxItemBytes: 0, breaker: { failures: 0, openMs: 0 } };

function limitsOf(store: StoreConfig) {
  return store.kind === 'memory' ? memoryLimits : store;
}

/** Puts limits around a store: time, length of values, a breaker, a bounded buffer of writes. */
export function createCache({ config, background, store, clock, onEvent }: CacheOptions): Cache {
  const name = cacheName(config);
  const { kind } = config.store;
  const { timeoutMs, maxItemBytes, breaker: breakerConfig } = limitsOf(config.store);
  const breaker = createBreaker(breakerConfig, clock);
  const call = createCall(timeoutMs, clock, breaker);
  const report = (method: 'Get' | 'GetMulti' | 'Put', status: '200' | '404' | '500', startedMs: number, hits = 0, keys = 0) =>
    onEvent({ kind: 'cacheRequest', cache: name, store: kind, method, status, durationMs: clock.monotonicMs() - startedMs, hits, keys });

  const write = async (key: string, value: Uint8Array): Promise<void> => {
    if (!breaker.allows()) return;
    const startedMs = clock.monotonicMs();
    const done = await call((signal) => store.set(key, value, signal), undefined).then(
      () => true,
      () => false,
    );
    report('Put', done ? '200' : '500', startedMs);
  };
  const writeBack = createWriteBack({
    ...background,
    write,
    onDrop: () => onEvent({ kind: 'cacheDropped', cache: name }),
    onChange: (change) => onEvent({ kind: 'cacheQueue', cache: name, change }),
  });

  const lookUp = async (keys: readonly string[], signal: AbortSignal | undefined): Promise<readonly (Uint8Array | undefined)[]> => {
    const startedMs = clock.monotonicMs();
    const method = keys.length === 1 ? 'Get' : 'GetMulti';
    try {
      const values = await call((own) => store.get(keys, own), signal);
      const hits = values.reduce((count, value) => (value === undefined ? count : count + 1), 0);
      report(method, hits === 0 ? '404' : '200', startedMs, hits, keys.length);
      return values;
    } catch {
      if (signal?.aborted) throw toAppError(signal.reason);
      report(method, '500', startedMs, 0, keys.length);
      return keys.map(() => undefined);
    }
  };
  return {
    get: async (keys, signal) => {
      if (signal?.aborted) throw toAppError(signal.reason);
      if (keys.length === 0 || !breaker.allows()) return keys.map(() => undefined);
      return lookUp(keys, signal);
    },
    set: (key, value) => {
      if (maxItemBytes > 0 && value.length > maxItemBytes) onEvent({ kind: 'cacheSkipped', cache: name });
      else writeBack.add(key, value);
    },
    flush: writeBack.flush,
    close: () => {
      writeBack.close();
      store.close();
    },
  };
}

/** Runs a call of the store within the time limit, and tells the breaker how it went. */
function createCall(timeoutMs: number, clock: Clock, breaker: Breaker) {
  return async <Result>(run: (signal: AbortSignal) => Promise<Result>, caller: AbortSignal | undefined): Promise<Result> => {
    const own = new AbortController();
    const stop = () => own.abort(caller?.reason);
    caller?.addEventListener('abort', stop, { once: true });
    try {
      const work = run(own.signal);
      const result = timeoutMs === 0 && caller === undefined ? await work : await Promise.race([work, limit(timeoutMs, clock, own)]);
      breaker.succeeded();
      return result;
    } catch (thrown) {
      if (caller?.aborted) breaker.gaveUp();
      else breaker.failed();
      throw thrown;
    } finally {
      caller?.removeEventListener('abort', stop);
      // Ends the timer, and the call where it lost.
      own.abort(settled);
    }
  };
}

/** Why timers and calls are ended here; made once, because an error's stack is dear. */
const settled = new AppError('cancelled', 'the cache has answered, or nobody waits for it any more');

/** Rejects when the time is over, or with the abort. */
async function limit(timeoutMs: number, clock: Clock, own: AbortController): Promise<never> {
  if (timeoutMs === 0) {
    return new Promise((_, reject) => own.signal.addEventListener('abort', () => reject(toAppError(own.signal.reason)), { once: true }));
  }
  await clock.sleep(timeoutMs, own.signal);
  const error = new AppError('deadline_exceeded', `the cache did not answer within ${timeoutMs} ms`);
  own.abort(error);
  throw error;
}
