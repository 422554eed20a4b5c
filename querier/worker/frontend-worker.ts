import type { Clock } from '#engine/base/clock.ts';
import { AppError, toAppError } from '#engine/base/errors.ts';
import type { Logger } from '../telemetry/log.ts';
import { divideStreams, parseFrontendAddress, resolveFrontends } from './frontend-addresses.ts';
import { type ConnectionTls, createFrontendConnections, type FrontendConnections } from './frontend-connection.ts';
import { notifyShutdown, openWorkerStream, type WorkerStream, type WorkerStreamOptions } from './worker-stream.ts';

/** What {@link startFrontendWorker} needs. */
export interface FrontendWorkerOptions {
  /** `frontend_worker.frontend_address`. */
  readonly address: string;
  /** All streams together are `maxConcurrentQueries`; otherwise each frontend has `parallelism` (spec read-path §6). */
  readonly matchMaxConcurrent: boolean;
  readonly maxConcurrentQueries: number;
  readonly parallelism: number;
  readonly dnsLookupMs: number;
  readonly minBackoffMs: number;
  readonly maxBackoffMs: number;
  readonly secure: boolean;
  /** What is checked of frontends, and shown to them. */
  readonly tls?: ConnectionTls | undefined;
  readonly stream: WorkerStreamOptions;
  readonly clock: Clock;
  /** In [0, 1). */
  readonly random: () => number;
  readonly logger: Logger;
}

/** A querier's side of the worker protocol, running. */
export interface FrontendWorker {
  /** Streams that are open now. */
  readonly streams: () => number;
  /** Tells frontends, answers what they have asked, ends all streams; cuts what is left after that time. */
  readonly close: (graceMs: number) => Promise<void>;
}

/** Streams of one frontend. */
interface FrontendStreams {
  readonly connections: FrontendConnections;
  readonly open: Set<WorkerStream>;
  readonly setCount: (count: number) => void;
  /** Streams that end are not opened again. */
  readonly keepEnded: () => void;
  readonly stop: () => void;
}

/** How long a frontend has to say that it knows of our end, and to end streams that wait for jobs. */
const notifyTimeoutMs = 5000;
const idleEndMs = 1000;
const closeStepMs = 20;

function finished(): AppError {
  return new AppError('cancelled', 'this stream is not needed any more');
}

/** What the streams of a frontend share. */
interface KeptStreams extends Pick<FrontendStreams, 'connections' | 'open'> {
  stopping: boolean;
}

/** Keeps one stream open until the signal is aborted. A stream that ends is opened again at once, unless the frontend ended it without a word. */
async function keepStream(frontend: KeptStreams, options: FrontendWorkerOptions, signal: AbortSignal): Promise<void> {
  const { connections, open } = frontend;
  while (!signal.aborted && !frontend.stopping) {
    const session = await connections.acquire(signal);
    const stream = openWorkerStream(session, options.stream);
    open.add(stream);
    const finish = () => stream.finish();
    signal.addEventListener('abort', finish, { once: true });
    const end = await stream.ended;
    signal.removeEventListener('abort', finish);
    open.delete(stream);
    connections.release(session);
    if (end.wasUsed || frontend.stopping) continue;
    options.logger.debug('frontend ended a stream', { code: end.code, err: end.message });
    await options.clock.sleep(options.minBackoffMs * (1 + options.random()), signal);
  }
}

function frontendStreams(address: string, options: FrontendWorkerOptions): FrontendStreams {
  const { clock, random, minBackoffMs, maxBackoffMs, logger } = options;
  const connections = createFrontendConnections({
    origin: `${options.secure ? 'https' : 'http'}://${address}`,
    tls: options.tls,
    clock,
    random,
    minBackoffMs,
    maxBackoffMs,
    onFailure: (error) => logger.debug('frontend is not there', { err: error.message }),
  });
  const frontend: KeptStreams = { connections, open: new Set<WorkerStream>(), stopping: false };
  const kept: AbortController[] = [];
  const setCount = (count: number): void => {
    while (kept.length > count) kept.pop()!.abort(finished());
    while (kept.length < count) {
      const controller = new AbortController();
      kept.push(controller);
      keepStream(frontend, options, controller.signal).catch((thrown) => {
        if (!controller.signal.aborted) logger.error('worker stream failed', { err: toAppError(thrown).message });
      });
    }
  };
  const keepEnded = () => {
    frontend.stopping = true;
  };
  return { connections, open: frontend.open, setCount, keepEnded, stop: () => setCount(0) };
}

/** Lets a frontend know, waits for it to end idle streams, then ends what is idle still; busy streams end when they have answered. */
async function stopFrontend(frontend: FrontendStreams, options: FrontendWorkerOptions, closeBy: () => boolean): Promise<void> {
  const { clock } = options;
  frontend.keepEnded();
  const session = frontend.connections.current();
  if (session !== undefined) {
    const told = new AbortController();
    const timeout = clock.sleep(notifyTimeoutMs, told.signal).catch(() => {});
    await Promise.race([notifyShutdown(session, options.stream.clientId), timeout]);
    told.abort();
  }
  for (let waitedMs = 0; waitedMs < idleEndMs && frontend.open.size > 0 && !closeBy(); waitedMs += closeStepMs)
    await clock.sleep(closeStepMs);
  frontend.stop();
  while (frontend.open.size > 0 && !closeBy()) await clock.sleep(closeStepMs);
  frontend.connections.close();
}

/** Connects to every frontend behind the address, now and as DNS changes. Never rejects: frontends may come later. */
export function startFrontendWorker(options: FrontendWorkerOptions): FrontendWorker {
  const { clock, logger } = options;
  const targets = parseFrontendAddress(options.address);
  const frontends = new Map<string, FrontendStreams>();
  const stop = new AbortController();

  const update = (addresses: readonly string[]): void => {
    for (const [address, frontend] of frontends) {
      if (addresses.includes(address)) continue;
      frontend.stop();
      frontends.delete(address);
    }
    const counts = options.matchMaxConcurrent ? divideStreams(options.maxConcurrentQueries, addresses.length) : [];
    for (const [index, address] of addresses.entries()) {
      const known = frontends.get(address) ?? frontendStreams(address, options);
      frontends.set(address, known);
      known.setCount(counts[index] ?? Math.max(1, options.parallelism));
    }
  };

  const follow = async (): Promise<void> => {
    while (!stop.signal.aborted) {
      const addresses = await resolveFrontends(targets, (message) => logger.warn(message));
      if (stop.signal.aborted) return;
      // A name that cannot be resolved now is no reason to leave the frontends that were there.
      if (addresses.length > 0) update(addresses);
      await clock.sleep(addresses.length > 0 ? options.dnsLookupMs : Math.min(1000, options.dnsLookupMs), stop.signal);
    }
  };
  follow().catch((thrown) => {
    if (!stop.signal.aborted) logger.error('looking up frontends failed', { err: toAppError(thrown).message });
  });

  return {
    streams: () => [...frontends.values()].reduce((sum, { open }) => sum + open.size, 0),
    close: async (graceMs) => {
      stop.abort(finished());
      const untilMs = clock.monotonicMs() + graceMs;
      await Promise.all([...frontends.values()].map((frontend) => stopFrontend(frontend, options, () => clock.monotonicMs() >= untilMs)));
    },
  };
}
