import type { SearchAnswer } from '#engine/api/search-answer.ts';
import { type Config, typedConfig } from '../../querier/config/config.ts';
import { defaultValues } from '../../querier/config/load.ts';
import type { ConfigValue } from '../../querier/config/schema/key.ts';
import { createDispatcher, type Dispatcher } from '../../querier/dispatch/dispatcher.ts';
import type { CallRecord, DispatchEvent } from '../../querier/dispatch/state.ts';
import type { Pool } from '../../querier/external/pool.ts';
import { createJobQueue } from '../../querier/frontend/queue.ts';
import { type SearchEnvironment, search } from '../../querier/frontend/search.ts';
import { hedgePolicy } from '../../querier/process-runners.ts';
import { type BlockRunners, createExecutor } from '../../querier/worker/execute.ts';
import { createSpill } from '../../querier/worker/spill.ts';
import { createWireRunners } from '../../querier/worker/wire-runners.ts';
import { answerOfBlock, foundInBlock, simulatedBlocks, simulatedRange, simulatedTenant, traceOfBlock } from './blocks.ts';
import { createSimulatedClock, type SimulatedClock } from './clock.ts';
import { createFunctions, type Faults, type FunctionsLog, type FunctionsOptions } from './functions.ts';
import { createRandom, type Durations, lognormal, type Random } from './random.ts';

/** A world to run queries in. What is left out is as `docs/spill-and-hedge.md` says of all runs. */
export interface WorldOptions {
  readonly seed: number;
  /** Time of a job on a warm function. Mean 5 ms, standard deviation 2 ms. */
  readonly job?: Durations;
  /** One endpoint each. Three that do their work. */
  readonly endpoints?: readonly Faults[];
  /** Of every endpoint. */
  readonly functions?: Partial<
    Pick<FunctionsOptions, 'coldStart' | 'overhead' | 'rowGroupMs' | 'maxConcurrency' | 'keepWarmMs' | 'memoryMb'>
  >;
  /** Time of a job in the querier, on one of its threads. As on functions. */
  readonly selfJob?: Durations;
  readonly threads?: number;
  /** Jobs at once, of all queries. 1000. */
  readonly concurrency?: number;
  /** Every n-th block has a trace. 1. */
  readonly foundEvery?: number;
  /** Configuration keys that are not at their default. `prefer_self` is 0 unless given. */
  readonly config?: readonly (readonly [path: string, value: ConfigValue])[];
  readonly noFunctions?: boolean;
  readonly stopsOnAbort?: boolean;
}

/** How a query went. */
export interface QueryRun {
  readonly latencyMs: number;
  /** undefined: it was answered. */
  readonly failure: string | undefined;
  /** The answer lacks traces, or has ones that it should not. */
  readonly wrong: boolean;
}

/** A world. */
export interface World {
  readonly clock: SimulatedClock;
  readonly random: Random;
  /** What the functions have seen, by endpoint. */
  readonly logs: readonly FunctionsLog[];
  readonly records: readonly CallRecord[];
  readonly events: Readonly<Record<DispatchEvent['kind'], number>>;
  readonly counts: { selfJobs: number; cameBack: number; selfBusyMs: number };
  /** Changed while it runs: all calls take that many times as long. */
  readonly control: { slowdown: number };
  /** Starts a query over that many blocks. */
  readonly start: (jobs: number, options?: { readonly limit?: number; readonly signal?: AbortSignal }) => Promise<QueryRun>;
  /** Runs one to its end. */
  readonly query: (jobs: number, options?: { readonly limit?: number; readonly signal?: AbortSignal }) => Promise<QueryRun>;
}

const live = new AbortController().signal;

/** A processor with that many threads: jobs wait for one, first come, first served. */
function createThreads(clock: SimulatedClock, count: number, onBusy: (durationMs: number) => void) {
  let freeAtMs = Array.from({ length: count }, () => 0);
  return async (durationMs: number, signal: AbortSignal): Promise<void> => {
    freeAtMs = freeAtMs.sort((a, b) => a - b);
    const startMs = Math.max(clock.monotonicMs(), freeAtMs[0]!);
    freeAtMs[0] = startMs + durationMs;
    onBusy(durationMs);
    await clock.sleep(startMs + durationMs - clock.monotonicMs(), signal);
  };
}

function isWrong(answer: SearchAnswer, expected: readonly string[], limit: number): boolean {
  const ids = Array.from({ length: answer.traces.count }, (_, index) =>
    Buffer.from(answer.traces.traceIds.subarray(16 * index, 16 * index + 16))
      .toString('hex')
      .replace(/^0+/, ''),
  );
  const known = new Set(expected);
  return ids.length !== Math.min(limit, expected.length) || new Set(ids).size !== ids.length || ids.some((id) => !known.has(id));
}

type Counts = World['counts'];

function configOf(options: WorldOptions): Config {
  const unlimited = [
    'query_frontend.query_end_cutoff',
    'query_frontend.search.query_backend_after',
    'query_frontend.search.max_result_limit',
  ];
  const own = [...unlimited.map((path) => [path, 0] as const), ['querier.search.prefer_self', 0] as const, ...(options.config ?? [])];
  return typedConfig(new Map([...defaultValues(), ...own]));
}

function dispatcherOf(
  options: WorldOptions,
  config: Config,
  { clock, random, functions, onEvent }: Parts & { readonly onEvent: (event: DispatchEvent) => void },
): Dispatcher {
  const pool: Pool = {
    ...{
      name: 'simulated',
      platform: 'lambda-arm64',
      memoryMb: options.functions?.memoryMb ?? 1769,
      stopsOnAbort: options.stopsOnAbort ?? true,
    },
    endpoints: functions.map(({ invoke }, index) => ({ url: `f${index}`, invoke, maxJobsPerCall: () => 10, takes: () => true })),
  };
  const { spill } = config;
  return createDispatcher({
    ...{ pools: [pool], policy: hedgePolicy(config), budget: { share: spill.hedgeBudget, burst: spill.hedgeBurst } },
    ...{ maxInFlightPerEndpoint: spill.maxConcurrentCalls, maxJobsPerCall: spill.maxJobsPerCall },
    ...{ targetBytesPerCall: spill.targetBytesPerCall, throttleWaitMs: spill.throttleWaitMs, clock, random, onEvent },
    defer: (work) => void clock.after(0, work),
  });
}

interface Parts {
  readonly clock: SimulatedClock;
  readonly random: Random;
  readonly functions: readonly ReturnType<typeof createFunctions>[];
}

function executorOf(options: WorldOptions, config: Config, clock: SimulatedClock, dispatcher: Dispatcher, counts: Counts): BlockRunners {
  const { job = usualJob, threads = 8, foundEvery = 1 } = options;
  const selfRandom = createRandom(options.seed ^ 0x5e1f);
  const onThread = createThreads(clock, threads, (durationMs) => {
    counts.selfBusyMs += durationMs;
  });
  const self = {
    search: async ({ request }, signal) => {
      counts.selfJobs++;
      await onThread((options.selfJob ?? job)(selfRandom), signal);
      return foundInBlock(Number.parseInt(request.block.blockId.slice(-12), 16), foundEvery);
    },
  } satisfies Partial<BlockRunners> as BlockRunners;
  return createExecutor({
    ...{ self, httpApiPrefix: '', queryTimeoutMs: config.querier.queryTimeoutMs, traceTimeoutMs: 1000, clock, onJob: () => {} },
    ...{ limits: () => config.limits, wireRunners: (send) => createWireRunners(send, { httpApiPrefix: '' }) },
    spill: createSpill({
      ...{ dispatcher: options.noFunctions ? undefined : dispatcher, fallBack: true, parallel: threads, clock, listener: () => undefined },
      policy: { kind: config.spill.spillBy === 'slots' ? 'slots' : 'wait', preferSelf: config.querier.preferSelf },
      onCameBack: () => {
        counts.cameBack++;
      },
      onCut: () => {},
    }),
  });
}

const usualJob = lognormal(5, 2);

/** Creates a world: the frontend's search, queue and combiner, the querier's executor and dispatcher are the ones that ship; clock, network and functions are not. */
export function createWorld(options: WorldOptions): World {
  const { job = usualJob, foundEvery = 1 } = options;
  const clock = createSimulatedClock();
  const random = createRandom(options.seed);
  const control = { slowdown: 1 };
  const counts = { selfJobs: 0, cameBack: 0, selfBusyMs: 0 };
  const records: CallRecord[] = [];
  const events = { call_started: 0, call_ended: 0, hedge_won: 0, hedge_denied: 0, breaker: 0 };
  const config = configOf(options);
  const functions = (options.endpoints ?? [{}, {}, {}]).map((faults) =>
    createFunctions({
      ...{ clock, random, faults, ...options.functions },
      ...{ job: (_, draw) => job(draw) * control.slowdown, answer: (wire) => answerOfBlock(wire, foundEvery) },
    }),
  );
  const onEvent = (event: DispatchEvent) => {
    events[event.kind]++;
    if (event.kind === 'call_ended') records.push(event.record);
  };
  const dispatcher = dispatcherOf(options, config, { clock, random, functions, onEvent });
  const executor = executorOf(options, config, clock, dispatcher, counts);
  const queue = createJobQueue({
    ...{ concurrency: options.concurrency ?? 1000, maxOutstandingPerTenant: 1_000_000, monotonicMs: clock.monotonicMs },
    ...{ onLength: () => {}, onRefused: () => {}, onWaited: () => {} },
  });
  const start: World['start'] = async (jobs, { limit = 1_000_000, signal = live } = {}) => {
    const blocks = simulatedBlocks(jobs);
    const environment: SearchEnvironment = {
      ...{ config: config.queryFrontend, limits: () => config.limits, clock, queue, runJob: executor.search, onRetries: () => {} },
      blocklist: () => blocks,
    };
    const withTrace = Array.from({ length: jobs }, (_, index) => index).filter((index) => index % foundEvery === 0);
    const { start: from, end } = simulatedRange;
    const query = `q=%7B%7D&start=${from}&end=${end}&limit=${limit}`;
    const call = { tenantLabel: 'simulated', tenants: [simulatedTenant], query, format: 'json' as const };
    const startedMs = clock.monotonicMs();
    const outcome = await search(environment, call, signal);
    const latencyMs = clock.monotonicMs() - startedMs;
    if (outcome.kind === 'jobFailed') return { latencyMs, failure: outcome.message, wrong: false };
    return { latencyMs, failure: undefined, wrong: isWrong(outcome.answer, withTrace.map(traceOfBlock), limit) };
  };
  return {
    ...{ clock, random, records, events, counts, control, start, logs: functions.map(({ log }) => log) },
    query: (jobs, more) => clock.runUntil(start(jobs, more)),
  };
}

/** Calls that the functions of a world have seen. */
export function callsOf({ logs }: World): number {
  let calls = 0;
  for (const log of logs) calls += log.calls;
  return calls;
}
