import type { WireAnswer, WireJob } from '#engine/api/job-wire.ts';
import type { Clock } from '#engine/base/clock.ts';
import type { AppError, ErrorCode } from '#engine/base/errors.ts';
import type { CallCost, FailureReason, JobFailed, JobOutcome } from '../external/invoke.ts';
import type { Pool, PoolEndpoint } from '../external/pool.ts';
import type { EndpointHealth } from './endpoint-health.ts';
import type { HedgeBudget, HedgeBudgetOptions } from './hedge-budget.ts';
import type { AdaptiveDelays, HedgePolicy } from './hedge-policy.ts';
import type { JobFacts } from './job-facts.ts';
import type { LatencyEstimate } from './latency.ts';

/** How a call ended: `lost`: another call of its jobs answered first; `abandoned`: nobody wants the answer any more. */
export type CallEnd = 'answered' | 'failed' | 'lost' | 'abandoned';

/** A call that has ended, for metrics and costs. */
export interface CallRecord {
  readonly pool: Pool;
  readonly endpoint: string;
  /** Whose jobs it carried. */
  readonly tenant: string;
  readonly jobs: number;
  readonly hedged: boolean;
  readonly end: CallEnd;
  /** Of `failed`. */
  readonly reason: FailureReason | undefined;
  readonly durationMs: number;
  /** As the function said; undefined for calls without an answer. */
  readonly cost: CallCost | undefined;
  /** What the function said of the jobs that it has answered. */
  readonly bytesRead: number;
  readonly gets: number;
  /** Time that is billed after the last moment at which the call's answer was wanted: estimated, since nobody hears of it. 0 where an abort stops the function. */
  readonly wastedMs: number;
}

/** What a dispatcher tells of, for metrics. */
export type DispatchEvent =
  | { readonly kind: 'call_started'; readonly pool: string; readonly endpoint: string; readonly hedged: boolean }
  | { readonly kind: 'call_ended'; readonly record: CallRecord }
  | { readonly kind: 'hedge_won'; readonly endpoint: string }
  | { readonly kind: 'hedge_denied' }
  | { readonly kind: 'breaker'; readonly endpoint: string; readonly open: boolean };

/** What became of a job that was sent. */
export type Sent =
  | {
      readonly kind: 'answered';
      readonly answer: WireAnswer;
      readonly endpoint: string;
      /** Calls besides the first that were started because it was slow. */
      readonly hedges: number;
      /** The answer cannot be read: counts as a failure of its endpoint. The job may be sent again. */
      readonly refuse: () => void;
    }
  /** No function has answered, and none will soon; the job may run here. */
  | {
      readonly kind: 'unanswered';
      readonly reason: FailureReason;
      readonly code: ErrorCode;
      readonly message: string;
      /** The job has succeeded here: the endpoints where it ended in an error are at fault. */
      readonly blame: () => void;
    };

/** Who pays for a call and wants to know. All jobs of a call share one. */
export interface CallListener {
  readonly onCall: (record: CallRecord) => void;
}

/** Settings of a dispatcher; see docs/spill-and-hedge.md. */
export interface DispatchOptions {
  readonly pools: readonly Pool[];
  readonly policy: HedgePolicy;
  readonly budget: HedgeBudgetOptions;
  readonly maxInFlightPerEndpoint: number;
  readonly maxJobsPerCall: number;
  readonly targetBytesPerCall: number;
  /** Where all endpoints throttle, a job waits no longer than this for one of them. */
  readonly throttleWaitMs: number;
  readonly clock: Clock;
  readonly random: () => number;
  /** Runs work when the present turn of the event loop is over, so that jobs which arrive together can share calls. */
  readonly defer: (work: () => void) => void;
  readonly onEvent: (event: DispatchEvent) => void;
}

/** An endpoint and how it does. */
export interface EndpointState {
  readonly pool: Pool;
  readonly endpoint: PoolEndpoint;
  health: EndpointHealth;
  inFlight: number;
}

/** Calls whose latencies are comparable. */
export interface Population {
  readonly estimate: LatencyEstimate;
  /** In the order of their start. */
  readonly running: Set<RunningCall>;
  delays: AdaptiveDelays;
  /** When `delays` was computed. */
  computedMs: number;
}

/** The jobs of one query that are out. */
export interface Group {
  readonly key: string;
  readonly population: Population;
  outstanding: number;
  peak: number;
  launched: number;
}

/** A job that is out. */
export interface Task {
  readonly job: WireJob;
  readonly sizeBytes: number;
  readonly facts: JobFacts;
  readonly group: Group;
  readonly deadlineMs: number;
  readonly listener: CallListener | undefined;
  /** Calls that carry it. */
  readonly calls: Set<RunningCall>;
  /** Endpoints that have failed for it. */
  readonly failedAt: Set<EndpointState>;
  /** Endpoints where it ended in an error that may be the endpoint's fault or its own. */
  readonly suspects: Set<EndpointState>;
  /** Endpoints that have throttled it, and until when. */
  readonly notBefore: Map<EndpointState, number>;
  readonly done: (sent: Sent | AppError) => void;
  settled: boolean;
  alone: boolean;
  started: number;
  hedges: number;
  failures: number;
  lastFailure: JobFailed | undefined;
}

/** A call that runs. */
export interface RunningCall {
  readonly at: EndpointState;
  readonly tasks: readonly Task[];
  readonly hedged: boolean;
  readonly startedMs: number;
  readonly controller: AbortController;
  readonly populations: readonly Population[];
  /** A later call repeats it. */
  repeated: boolean;
  ended: boolean;
}

/** Everything that a dispatcher remembers. */
export interface DispatchState {
  readonly options: DispatchOptions;
  readonly pools: readonly (readonly EndpointState[])[];
  readonly budget: HedgeBudget;
  readonly groups: Map<string, Group>;
  /** By pool, kind of job and size class; and by pool. */
  readonly populations: Map<string, Population>;
  /** Calls that run. */
  running: number;
  pending: Task[];
  /** The next look at running calls; Infinity: none is planned. */
  checkAtMs: number;
  lastCheckMs: number;
  /** The last call that was repeated beyond the budget. */
  lastRescueMs: number;
  /** Ends the wait for that look. */
  stopWaiting: AbortController;
  flushPlanned: boolean;
}

/** A call's result, taken apart per job. */
export type Outcomes = readonly JobOutcome[];
