import { hostname } from 'node:os';
import type { AppOptions } from './app.ts';
import { createJobSender } from './frontend/job-sender.ts';
import type { JobQueue } from './frontend/queue.ts';
import { createWorkerPool } from './frontend/worker-pool.ts';
import { createWorkerService, type WorkerService } from './frontend/worker-service.ts';
import type { RecentData } from './recent/recent-data.ts';
import { createRecentWire } from './recent/recent-wire.ts';
import type { Router } from './server/router.ts';
import { createRequestAnswerer } from './server/serve.ts';
import type { Metrics } from './telemetry/metrics.ts';
import { createQueueLengths } from './telemetry/queue-lengths.ts';
import { executeRequest } from './worker/execute-request.ts';
import type { ConnectionTls } from './worker/frontend-connection.ts';
import { type FrontendWorker, startFrontendWorker } from './worker/frontend-worker.ts';
import type { Runners } from './worker/runners.ts';
import { createWireRunners } from './worker/wire-runners.ts';

/** A query-frontend's queriers. */
export interface RemoteQueriers {
  readonly runners: Runners;
  /** Recent data, through queriers. */
  readonly recent: RecentData;
  /** Queues jobs by their tenants until a querier takes them. */
  readonly queue: JobQueue;
  readonly service: WorkerService;
  /** Streams of queriers that get jobs. */
  readonly connected: () => number;
  readonly close: () => void;
}

/** The queue of a query-frontend process and the streams that empty it. */
export function createRemoteQueriers({ config, clock, logger }: AppOptions, metrics: Metrics): RemoteQueriers {
  const { maxOutstandingPerTenant, maxBatchSize, weights } = config.queryFrontend;
  const pool = createWorkerPool({
    maxOutstandingPerTenant,
    maxBatchSize,
    monotonicMs: clock.monotonicMs,
    onLength: createQueueLengths(metrics.queueLength, clock.monotonicMs),
    onWaited: (waitedMs) => metrics.queueDuration.observe(waitedMs / 1000),
    onBatch: (user, size, weight) => {
      metrics.batchSize.observe(size);
      metrics.batchWeight.observe({ user }, weight);
    },
    onWorkers: (count) => metrics.connectedClients.set(count),
  });
  const { announce, send } = createJobSender({
    pool,
    monotonicMs: clock.monotonicMs,
    onRefused: (user) => metrics.discardedRequests.inc({ user }),
    retryWithWeights: weights.requestWithWeights && weights.retryWithWeights,
  });
  return {
    runners: createWireRunners(send, { httpApiPrefix: config.httpApiPrefix }),
    recent: createRecentWire(send, config.httpApiPrefix),
    queue: { run: (_tenant, work) => work(), running: () => 0, announce },
    service: createWorkerService({ pool, maxMessageBytes: config.server.grpc.maxReceiveBytes, logger }),
    connected: pool.workers,
    close: pool.close,
  };
}

/** Starts taking jobs of the query-frontends that the configuration names; undefined where it names none. */
export function startWorker(
  { config, clock, logger, random, tracer }: AppOptions,
  metrics: Metrics,
  router: Router,
  tls: ConnectionTls | undefined,
): FrontendWorker | undefined {
  const { frontendWorker, maxConcurrentQueries } = config.querier;
  if (frontendWorker.address === '') return undefined;
  return startFrontendWorker({
    ...frontendWorker,
    maxConcurrentQueries,
    secure: frontendWorker.tlsEnabled,
    tls,
    stream: {
      clientId: frontendWorker.id === '' ? hostname() : frontendWorker.id,
      encoding: frontendWorker.compression,
      maxSendBytes: frontendWorker.maxSendBytes,
      maxReceiveBytes: frontendWorker.maxReceiveBytes,
      execute: executeRequest(createRequestAnswerer({ router, clock, metrics, logger, tracer })),
    },
    clock,
    random,
    logger,
  });
}
