import type { Backend } from '#engine/backend/backend.ts';
import type { BackendConfig, BackendContext } from '#engine/backend/create.ts';
import { openStorage } from '#engine/backend/open-storage.ts';
import type { Clock } from '#engine/base/clock.ts';
import { toAppError } from '#engine/base/errors.ts';
import { createPoller, type Poller } from '#engine/blocklist/poller.ts';
import type { Cache } from '#engine/cache/cache.ts';
import { createJobEnvironment, type JobEnvironment } from '#engine/jobs/environment.ts';
import { openProcessCaches, type ProcessCaches } from './caches.ts';
import type { Config } from './config/config.ts';
import { serverTls } from './config/server-tls.ts';
import { storageConfig } from './config/storage.ts';
import { workerTls } from './config/worker-tls.ts';
import { capRunners } from './cost/caps.ts';
import { previewCost } from './cost/preview.ts';
import { createSpending } from './cost/spending.ts';
import type { OpenPools } from './external/pools.ts';
import { createCachedRunners } from './frontend/cached-runners.ts';
import { createExplainHandler } from './frontend/explain-handler.ts';
import { createJobQueue, type JobQueue } from './frontend/queue.ts';
import { createSearchHandler } from './frontend/search-handler.ts';
import { refuseBadRequests } from './frontend/unserved-handler.ts';
import { blockToProbe, functionsOf, openFunctions } from './functions.ts';
import { openInternalServer } from './internal-server.ts';
import { createLookups } from './lookups.ts';
import { createMetricsQueries } from './metrics-queries.ts';
import { type Overrides, openOverrides } from './overrides.ts';
import { createProcessRunners } from './process-runners.ts';
import { createLiveStoreCalls } from './recent/live-store-calls.ts';
import { createRecentData } from './recent/recent-data.ts';
import { type RecentHandlerOptions, serveRecentJobs } from './recent/recent-handlers.ts';
import { createRemoteQueriers, type RemoteQueriers, startWorker } from './separate.ts';
import type { Handler } from './server/exchange.ts';
import { isGrpc } from './server/grpc.ts';
import { listenGrpc } from './server/grpc-port.ts';
import { createGrpcRouter, isWorkerCall } from './server/grpc-router.ts';
import { type Listener, listen, maxConcurrentStreams } from './server/listen.ts';
import { createRouter, type Router } from './server/router.ts';
import { createRoutes } from './server/routes.ts';
import { createRequestListener } from './server/serve.ts';
import { createStreams } from './streams.ts';
import type { Logger } from './telemetry/log.ts';
import { measureRunners } from './telemetry/measured-runners.ts';
import { createMetrics, type Metrics } from './telemetry/metrics.ts';
import { createPollListener, measureBlocklist } from './telemetry/poll-events.ts';
import { createQueueLengths } from './telemetry/queue-lengths.ts';
import { createRecentJobs, type RecentJobs } from './telemetry/recent-jobs.ts';
import { createStorageMetrics } from './telemetry/storage-metrics.ts';
import type { Tracer } from './telemetry/tracing.ts';
import { programVersion } from './version.ts';
import { createEngineSearch, scanThreadCount } from './worker/engine-search.ts';
import type { FrontendWorker } from './worker/frontend-worker.ts';
import type { RunJob } from './worker/job.ts';
import { jobMemoryBytes } from './worker/job-memory.ts';
import type { Runners } from './worker/runners.ts';
import { createJobHandler } from './worker/search-handler.ts';

/** What a process is made of besides its configuration. */
export interface AppOptions extends BackendContext {
  readonly config: Config;
  readonly logger: Logger;
  /** Absent where nobody traces this process. */
  readonly tracer?: Tracer | undefined;
  /** Searches in this process; the engine's own where left out. */
  readonly searchSelf?: RunJob;
}

/** A running process. */
export interface App {
  readonly address: string;
  readonly port: number;
  /** Of a query-frontend. */
  readonly grpcPort: number | undefined;
  /** Of `internal_server`, where it is enabled. */
  readonly internalPort: number | undefined;
  /** Resolves when the first block list is there. Rejects only when the app is closed before. */
  readonly loaded: Promise<void>;
  /** Answers 503 on /ready for `shutdown_delay`, lets requests end, stops. */
  readonly close: () => Promise<void>;
}

const recentJobCount = 4096;
/** What footers, dictionaries and indexes may take in memory. */
const cacheBytes = 512 << 20;
const noQueriers = 'Query Frontend not ready: not ready: number of queriers connected to query-frontend is 0';
const elsewhere = 'jobs run in queriers: ask one of them, or a process that runs all';

interface Parts {
  readonly options: AppOptions;
  readonly metrics: Metrics;
  readonly recentJobs: RecentJobs;
  readonly overrides: Overrides;
  readonly functions: OpenPools;
}

function jobMemory({ scanThreads, maxMemoryBytes }: Config['querier']): number {
  return jobMemoryBytes({ maxMemoryBytes, threads: scanThreadCount(scanThreads) });
}

function engineSearch({ options }: Parts, environment: JobEnvironment, storage: BackendConfig, caches: ProcessCaches) {
  const { querier } = options.config;
  const limits = { threads: querier.scanThreads, maxMemoryBytes: jobMemory(querier), cacheBytes };
  const { threadCaches, onStorageEvent } = caches;
  return createEngineSearch({ environment, backend: storage, env: options.env, ...limits, caches: threadCaches, onStorageEvent });
}

function runners(parts: Parts, { jobs, searchSelf }: Engine, blocks: Poller): Runners {
  const { options, metrics, recentJobs, overrides, functions } = parts;
  const { config, clock, random } = options;
  const { limits } = overrides;
  const { pools } = functions;
  return createProcessRunners({
    config,
    limits,
    clock,
    random,
    jobs,
    searchSelf,
    blocks,
    pools,
    metrics,
    recentJobs,
    tracer: options.tracer,
  });
}

/** With the answers that a cache has, where queries are planned: a querier's cache would only repeat its frontend's. */
function cachedRunners({ options }: Parts, { answers }: Engine, { blocklist }: Poller, all: Runners): Runners {
  return answers === undefined || options.config.target === 'querier'
    ? all
    : createCachedRunners({ runners: all, cache: answers, blocklist });
}

/** Jobs at once: a Tempo querier has `max_concurrent_queries` streams of batches. Without functions more than that many only cost memory. */
function jobQueue({ options, metrics }: Parts): JobQueue {
  const { querier, queryFrontend, functions } = options.config;
  const batch = functions.pools.length > 0 ? queryFrontend.maxBatchSize : 1;
  return createJobQueue({
    concurrency: querier.maxConcurrentQueries * batch,
    maxOutstandingPerTenant: queryFrontend.maxOutstandingPerTenant,
    monotonicMs: options.clock.monotonicMs,
    onLength: createQueueLengths(metrics.queueLength, options.clock.monotonicMs),
    onRefused: (user) => metrics.discardedRequests.inc({ user }),
    onWaited: (waitedMs) => metrics.queueDuration.observe(waitedMs / 1000),
  });
}

function poller({ options, metrics }: Parts, backend: Backend): Poller {
  const { blocklist } = options.config;
  const listener = createPollListener(metrics, options.logger);
  const created: Poller = createPoller({
    backend,
    settings: { ...blocklist, concurrency: blocklist.pollConcurrency },
    clock: options.clock,
    random: options.random,
    onEvent: (event) => {
      listener(event);
      if (event.kind !== 'poll_finished') return;
      for (const [tenant, list] of created.tenants()) measureBlocklist(metrics, tenant, list);
    },
  });
  return created;
}

/** What searches in this process. */
interface Engine {
  readonly jobs: JobEnvironment;
  readonly searchSelf: RunJob;
  /** Of answers of jobs, where one is configured. */
  readonly answers: Cache | undefined;
}

/** State of the process as `/ready` tells it. */
interface Readiness {
  notReady: string | undefined;
}

function recentOptions({ options, metrics, overrides }: Parts): RecentHandlerOptions {
  const { config, clock } = options;
  const { recentAddresses, queryTimeoutMs, traceByIdTimeoutMs } = config.querier;
  const stores = recentAddresses.map((address) => createLiveStoreCalls(address, clock));
  return {
    recent: stores.length === 0 ? undefined : createRecentData(stores),
    onUnanswered: () => metrics.recentUnanswered.inc(),
    limits: overrides.limits,
    multitenancyEnabled: config.multitenancyEnabled,
    queryTimeoutMs,
    traceTimeoutMs: traceByIdTimeoutMs,
    clock,
  };
}

function handlers(parts: Parts, engine: Engine, blocks: Poller) {
  const { jobs } = engine;
  const { config, clock, logger, tracer } = parts.options;
  const { metrics } = parts;
  const queriers = config.target === 'query-frontend' ? createRemoteQueriers(parts.options, metrics) : undefined;
  const queue = queriers?.queue ?? jobQueue(parts);
  const uncapped = queriers?.runners ?? runners(parts, engine, blocks);
  const counted = config.target === 'all' ? measureRunners(uncapped, metrics, clock, config.httpApiPrefix) : uncapped;
  const capped = config.target === 'querier' ? counted : capRunners(counted, parts.overrides.limits, createSpending(), clock);
  // What a cache answers costs nothing.
  const run = cachedRunners(parts, engine, blocks, capped);
  const runJob = run.search;
  const recent = recentOptions(parts);
  const plansRecent = config.queryFrontend.recentJobs || config.querier.recentAddresses.length > 0;
  const environment = {
    config: config.queryFrontend,
    limits: parts.overrides.limits,
    clock,
    blocklist: blocks.blocklist,
    queue,
    runJob,
    recent: plansRecent ? (queriers?.recent ?? recent.recent) : undefined,
    onRetries: (retries: number) => metrics.retries.observe(retries),
  };
  const { multitenancyEnabled } = config;
  const writeTimeoutMs = config.server.writeTimeoutMs;
  const search = createSearchHandler({ environment, multitenancyEnabled, writeTimeoutMs, metrics, logger });
  const reason = queriers === undefined ? undefined : elsewhere;
  const explain = createExplainHandler({
    ...{ environment, jobs, cannotRun: reason, multitenancyEnabled, timeoutMs: writeTimeoutMs },
    previewCost: (plan) => previewCost(plan, parts.functions.pools[0], config.spill.prices, config.spill),
  });
  const runMetricsJob = run.metrics;
  const reading = { config, environment, jobs, runners: run, runMetricsJob, multitenancyEnabled, writeTimeoutMs, metrics, logger, tracer };
  const lookups = createLookups(reading);
  const metricsQueries = createMetricsQueries(reading);
  const streams = config.target === 'querier' ? undefined : createStreams({ ...reading, runTags: run.tags });
  const searchJob = createJobHandler({ runJob, queue, multitenancyEnabled });
  const jobHandlers = serveRecentJobs({ '/api/search': searchJob, ...lookups.servedJobs, ...metricsQueries.servedJobs }, recent);
  return {
    queriers,
    searchEvents: streams?.searchEvents,
    onGrpc: streams?.onGrpc,
    explain: config.target === 'querier' ? undefined : explain,
    search: config.target === 'querier' ? undefined : search,
    searchJob: queriers === undefined ? jobHandlers['/api/search'] : undefined,
    served: { ...lookups.served, ...metricsQueries.served },
    servedJobs: jobHandlers,
    refuseBadRequests: (path: string, handler: Handler) => refuseBadRequests({ environment, multitenancyEnabled }, path, handler),
  };
}

/** Polls once, and from then on. A failed first poll is told by the poller's events and tried again; the process is ready after the first good one. */
async function pollFirst(blocks: Poller, clock: Clock, retryMs: number, signal: AbortSignal): Promise<void> {
  for (;;) {
    try {
      return await blocks.pollOnce(signal);
    } catch (thrown) {
      if (signal.aborted) throw toAppError(thrown);
      await clock.sleep(retryMs, signal);
    }
  }
}

/** The open ports of a process and what works behind them. */
interface Served {
  readonly http: Listener;
  readonly grpc: Listener | undefined;
  readonly router: Router;
  readonly queriers: RemoteQueriers | undefined;
  /** Probes and metrics only. */
  readonly internal: Listener | undefined;
}

async function open(parts: Parts, readiness: Readiness, engine: Engine, blocks: Poller): Promise<Served> {
  const { config, clock, logger, tracer } = parts.options;
  const { metrics, recentJobs, overrides } = parts;
  const api = handlers(parts, engine, blocks);
  const { queriers } = api;
  const notReady = () => readiness.notReady ?? (queriers?.connected() === 0 ? noQueriers : undefined);
  const routes = createRoutes(config, api, { metrics, recentJobs, tenantLimits: overrides.entries, notReady });
  const router = createRouter(routes, config.server.pathPrefix);
  const onHttp = createRequestListener({ router, clock, metrics, logger, tracer, writeTimeoutMs: config.server.writeTimeoutMs });
  const onGrpc = createGrpcRouter({ workers: queriers?.service, clients: api.onGrpc, isReady: () => notReady() === undefined });
  const streaming = config.streamOverHttpEnabled;
  const tls = { http: await serverTls(config.values, 'http'), grpc: await serverTls(config.values, 'grpc') };
  const http: Listener = await listen({ ...config.server, tls: tls.http }, clock, (request, response) => {
    if (isGrpc(request) && (streaming || isWorkerCall(request))) onGrpc(request, response);
    else onHttp(request, response);
  });
  const grpc = queriers === undefined ? undefined : await listenGrpc({ ...config.server.grpc, tls: tls.grpc }, clock, onGrpc);
  metrics.concurrentStreamsLimit.set(maxConcurrentStreams);
  metrics.watchPort({ protocol: 'http', connections: () => http.connections(), limit: config.server.connectionLimit });
  if (grpc !== undefined) {
    metrics.watchPort({ protocol: 'grpc', connections: () => grpc.connections(), limit: config.server.grpc.connectionLimit });
  }
  const internal = await openInternalServer(parts.options, metrics, notReady);
  return { http, grpc, router, queriers, internal };
}

/** Lets queries end while queriers are still there, then ends their streams and closes what is left. */
async function closeFrontend({ http, grpc, queriers }: Served, graceMs: number): Promise<void> {
  await http.close(graceMs);
  queriers?.close();
  await grpc?.close(graceMs);
}

/** Starts the process: opens the ports, then loads the block list (spec read-path §1.1: the first poll comes before readiness). Rejects with `config`. */
export async function startApp(options: AppOptions): Promise<App> {
  const { config, clock, logger } = options;
  const metrics = createMetrics(programVersion, config.queryFrontend.maxBatchSize);
  const overrides = await openOverrides({ config, env: options.env, clock, metrics, logger });
  const functions = await openFunctions({
    config: functionsOf(config),
    limits: overrides.limits,
    clock,
    env: options.env,
    metrics,
    logger,
  });
  const parts: Parts = { options, metrics, recentJobs: createRecentJobs(recentJobCount), overrides, functions };
  const readiness: Readiness = { notReady: 'Some services are not Running:\nStarting: 1' };
  const storage = await storageConfig(config.values);
  const frontendTls = await workerTls(config.values);
  const onStorageEvent = createStorageMetrics(parts.metrics);
  const backend = await openStorage(storage, options, onStorageEvent);
  const blocks = poller(parts, backend);
  const caches = await openProcessCaches(config.values, clock, onStorageEvent);
  const jobs = createJobEnvironment({ backend, maxMemoryBytes: jobMemory(config.querier), cacheBytes, blockCache: caches.blockCache });
  const engine = engineSearch(parts, jobs, storage, caches);
  const served = await open(parts, readiness, { jobs, searchSelf: options.searchSelf ?? engine.search, answers: caches.answers }, blocks);
  const { http, grpc } = served;
  const stop = new AbortController();
  let worker: FrontendWorker | undefined;
  const loaded = pollFirst(blocks, clock, Math.min(config.blocklist.pollMs, 5000), stop.signal).then(async () => {
    await functions.greet(blockToProbe(blocks), stop.signal);
    if (config.target === 'querier') worker = startWorker(options, metrics, served.router, frontendTls);
    readiness.notReady = undefined;
    void blocks.run(config.blocklist.pollMs, stop.signal);
  });
  void overrides.run(stop.signal);
  loaded.catch(() => {}); // only when closed before: whoever waits for it is told
  logger.info('server listening', {
    target: config.target,
    http: `${http.address}:${http.port}`,
    grpc: grpc && `${grpc.address}:${grpc.port}`,
  });
  return {
    address: http.address,
    port: http.port,
    grpcPort: grpc?.port,
    internalPort: served.internal?.port,
    loaded,
    close: async () => {
      readiness.notReady = 'Application is stopping';
      if (config.shutdownDelayMs > 0) await clock.sleep(config.shutdownDelayMs);
      stop.abort();
      const graceMs = config.server.gracefulShutdownTimeoutMs;
      // Queriers hand their jobs back first; a frontend lets its queries end before it leaves its queriers.
      await worker?.close(graceMs);
      await closeFrontend(served, graceMs);
      await served.internal?.close(0);
      await engine.close();
      caches.close();
      await options.tracer?.close();
    },
  };
}
