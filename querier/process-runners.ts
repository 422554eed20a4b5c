import { availableParallelism } from 'node:os';
import type { Clock } from '#engine/base/clock.ts';
import type { Poller } from '#engine/blocklist/poller.ts';
import type { JobEnvironment } from '#engine/jobs/environment.ts';
import type { Config } from './config/config.ts';
import type { LimitsOf } from './config/limits.ts';
import { currentLedger } from './cost/ledger.ts';
import { priceCall } from './cost/prices.ts';
import { createDispatcher, type Dispatcher } from './dispatch/dispatcher.ts';
import type { HedgePolicy } from './dispatch/hedge-policy.ts';
import type { Pool } from './external/pool.ts';
import { listenToCalls } from './telemetry/call-events.ts';
import type { Metrics } from './telemetry/metrics.ts';
import { jobResult, type RecentJobs } from './telemetry/recent-jobs.ts';
import { tracePools } from './telemetry/traced-calls.ts';
import type { Tracer } from './telemetry/tracing.ts';
import { createBlockRunners } from './worker/block-runners.ts';
import { createExecutor } from './worker/execute.ts';
import type { RunJob } from './worker/job.ts';
import type { Runners } from './worker/runners.ts';
import { createSpill } from './worker/spill.ts';
import { createTraceExecutor } from './worker/trace-job.ts';
import { createWireRunners } from './worker/wire-runners.ts';

/** What {@link createProcessRunners} needs. */
export interface ProcessRunnersOptions {
  readonly config: Config;
  readonly limits: LimitsOf;
  readonly clock: Clock;
  readonly random: () => number;
  readonly jobs: JobEnvironment;
  /** Searches in this process. */
  readonly searchSelf: RunJob;
  readonly blocks: Poller;
  /** Functions; empty: everything runs here. */
  readonly pools: readonly Pool[];
  readonly metrics: Metrics;
  readonly recentJobs: RecentJobs;
  /** Absent where nobody traces. */
  readonly tracer: Tracer | undefined;
}

/** Blocks that one lookup of a trace reads at once. */
const blocksAtOnce = 16;

const tempoHedgeAtMs = 8000;
const tempoHedgeUpTo = 2;

/** The policy that the configuration means (docs/spill-and-hedge.md). */
export function hedgePolicy({ querier, spill }: Pick<Config, 'querier' | 'spill'>): HedgePolicy {
  const { hedgeRequestsAtMs: atMs, hedgeRequestsUpTo: upTo } = querier.external;
  const touched = atMs !== tempoHedgeAtMs || upTo !== tempoHedgeUpTo;
  const kind = spill.hedging === 'auto' ? (touched ? 'static' : 'adaptive') : spill.hedging;
  if (kind === 'off' || (kind === 'static' && (atMs <= 0 || upTo <= 1))) return { kind: 'off' };
  if (kind === 'static') return { kind, atMs, upTo };
  return { kind: 'adaptive', upTo: spill.hedgeUpTo, atMostMs: atMs > 0 ? atMs : tempoHedgeAtMs };
}

function dispatcher({ config, clock, random, pools, metrics, tracer }: ProcessRunnersOptions): Dispatcher | undefined {
  if (pools.length === 0) return undefined;
  metrics.featureEnabled.set({ feature: 'search_external_endpoints' }, 1);
  const { spill } = config;
  return createDispatcher({
    pools: tracePools(pools, tracer, clock.nowMs),
    policy: hedgePolicy(config),
    budget: { share: spill.hedgeBudget, burst: spill.hedgeBurst },
    maxInFlightPerEndpoint: spill.maxConcurrentCalls,
    maxJobsPerCall: spill.maxJobsPerCall,
    targetBytesPerCall: spill.targetBytesPerCall,
    throttleWaitMs: spill.throttleWaitMs,
    clock,
    random,
    defer: setImmediate,
    onEvent: listenToCalls(metrics, spill.prices),
  });
}

/** What runs the jobs of this process's queries, here and in functions. */
export function createProcessRunners(options: ProcessRunnersOptions): Runners {
  const { config, clock, metrics, recentJobs, limits } = options;
  const { querier, httpApiPrefix } = config;
  const threads = querier.scanThreads > 0 ? querier.scanThreads : availableParallelism();
  const spill = createSpill({
    dispatcher: dispatcher(options),
    policy: { kind: config.spill.spillBy === 'slots' ? 'slots' : 'wait', preferSelf: querier.preferSelf },
    fallBack: config.spill.fallBackToSelf,
    parallel: threads,
    clock,
    listener: () => {
      const ledger = currentLedger();
      return ledger && { onCall: (record) => ledger.add(priceCall(record, config.spill.prices)) };
    },
    onCameBack: (kind, reason) => metrics.jobsCameBack.inc({ kind, reason }),
    onCut: (kind) => metrics.jobsCut.inc({ kind }),
  });
  const executor = createExecutor({
    self: createBlockRunners(options.jobs, options.searchSelf),
    wireRunners: (send) => createWireRunners(send, { httpApiPrefix }),
    spill,
    httpApiPrefix,
    queryTimeoutMs: querier.queryTimeoutMs,
    traceTimeoutMs: querier.traceByIdTimeoutMs,
    limits,
    clock,
    tracer: options.tracer,
    onJob: (report) => {
      metrics.jobsExecuted.inc();
      metrics.jobs.inc({ where: report.where, result: jobResult(report.errorCode) });
      if (report.errorCode === undefined) metrics.jobDuration.observe({ where: report.where }, report.durationMs / 1000);
      recentJobs.add(report);
    },
  });
  const trace = createTraceExecutor({
    blocklist: options.blocks.blocklist,
    findTrace: executor.findTrace,
    limits,
    queryTimeoutMs: querier.traceByIdTimeoutMs,
    concurrency: blocksAtOnce,
    blocklistPollMs: config.blocklist.pollMs,
    clock,
    onJob: (failed) => {
      metrics.jobsExecuted.inc();
      metrics.jobs.inc({ where: 'self', result: jobResult(failed ? 'internal' : undefined) });
    },
  });
  return { search: executor.search, metrics: executor.metrics, tags: executor.tags, trace };
}
