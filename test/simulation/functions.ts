import type { WireJob } from '#engine/api/job-wire.ts';
import { toAppError } from '#engine/base/errors.ts';
import type { Call, CallResult, FailureReason, Invoke, JobOutcome } from '../../querier/external/invoke.ts';
import type { SimulatedClock } from './clock.ts';
import { type Durations, lognormalByTail, type Random } from './random.ts';

/** How an endpoint misbehaves. Shares are of calls. */
export interface Faults {
  /** Nothing answers: connections are refused. */
  readonly dead?: boolean;
  /** Calls that take ten times as long. */
  readonly stragglers?: number;
  /** Calls that are answered with 500, after half the time. */
  readonly serverErrors?: number;
  /** Calls that are answered with 429 at once. */
  readonly throttled?: number;
  readonly retryAfterMs?: number;
  /** Calls that never answer. */
  readonly hangs?: number;
  /** Calls whose answer breaks off. */
  readonly truncated?: number;
  readonly wrongVersion?: boolean;
  /** The function's clock minus the caller's, and it trusts the caller's absolute deadline: one that is ahead takes every call for late. */
  readonly clockSkewMs?: number;
}

/** A simulated platform: functions that start when they are called and stay warm for a while. */
export interface FunctionsOptions {
  readonly clock: SimulatedClock;
  readonly random: Random;
  /** Time of one job on a warm instance. */
  readonly job: (job: WireJob, random: Random) => number;
  /** Network and platform, per call. */
  readonly overhead?: Durations;
  /** Undefined: instances are always warm. */
  readonly coldStart?: Durations;
  /** An idle instance lives that long. */
  readonly keepWarmMs?: number;
  readonly faults?: Faults;
  /** An abort is noticed at the next row group: that many milliseconds apart. Undefined: the platform runs on to the end (Lambda). */
  readonly rowGroupMs?: number;
  readonly memoryMb?: number;
  /** Calls at once; more are throttled. */
  readonly maxConcurrency?: number;
  readonly answer: (job: WireJob) => JobOutcome;
}

/** What a simulated endpoint has seen; the truth that the querier only estimates. */
export interface FunctionsLog {
  calls: number;
  jobs: number;
  coldStarts: number;
  billedMs: number;
  /** Of it: after the caller had gone. */
  billedAfterAbortMs: number;
  /** Moments at which calls came. */
  readonly startsMs: number[];
}

/** Cold starts of a Node 24 zip on arm64: 125 ms in the median, 168 ms at p99 (lambda-perf, 2026-05 to 08). */
export const lambdaColdStart: Durations = lognormalByTail(125, 168);

interface Instance {
  idleSinceMs: number;
}

type Plan = { readonly runMs: number; readonly failure?: FailureReason; readonly retryAfterMs?: number };

function planCall(call: Call, options: FunctionsOptions): Plan {
  const { random, faults = {} } = options;
  if (faults.dead) return { runMs: 0.2, failure: 'transport' };
  if ((faults.clockSkewMs ?? 0) > call.deadlineMs - options.clock.nowMs()) return { runMs: 1, failure: 'timeout' };
  if (faults.wrongVersion) return { runMs: 1, failure: 'version' };
  const { retryAfterMs = 1000 } = faults;
  if (random() < (faults.throttled ?? 0)) return { runMs: 1, failure: 'throttled', retryAfterMs };
  if (random() < (faults.hangs ?? 0)) return { runMs: Number.POSITIVE_INFINITY };
  let runMs = options.overhead?.(random) ?? 0;
  for (const job of call.jobs) runMs += options.job(job, random);
  if (random() < (faults.stragglers ?? 0)) runMs *= 10;
  if (random() < (faults.serverErrors ?? 0)) return { runMs: runMs / 2, failure: 'server_error' };
  if (random() < (faults.truncated ?? 0)) return { runMs, failure: 'bad_answer' };
  return { runMs };
}

/** Makes an endpoint of simulated functions. */
export function createFunctions(options: FunctionsOptions): { readonly invoke: Invoke; readonly log: FunctionsLog } {
  const { clock, random, coldStart, keepWarmMs = 300_000 } = options;
  const log: FunctionsLog = { calls: 0, jobs: 0, coldStarts: 0, billedMs: 0, billedAfterAbortMs: 0, startsMs: [] };
  const idle: Instance[] = [];
  let running = 0;
  const takeInstance = (): { readonly instance: Instance; readonly startMs: number } => {
    for (let warm = idle.pop(); warm !== undefined; warm = idle.pop()) {
      if (clock.nowMs() - warm.idleSinceMs <= keepWarmMs) return { instance: warm, startMs: 0 };
    }
    if (coldStart === undefined) return { instance: { idleSinceMs: 0 }, startMs: 0 };
    log.coldStarts++;
    return { instance: { idleSinceMs: 0 }, startMs: coldStart(random) };
  };
  const invoke: Invoke = (call, signal) =>
    new Promise<CallResult>((resolve, reject) => {
      log.calls++;
      log.jobs += call.jobs.length;
      log.startsMs.push(clock.nowMs());
      const full = running >= (options.maxConcurrency ?? Number.POSITIVE_INFINITY);
      const plan = full ? ({ runMs: 1, failure: 'throttled', retryAfterMs: 1000 } as const) : planCall(call, options);
      const turnedAway = plan.failure === 'transport' || plan.failure === 'throttled';
      const { instance, startMs } = turnedAway ? { instance: undefined, startMs: 0 } : takeInstance();
      running++;
      // A function counts the time that remains from the arrival of the call, whatever its clock says.
      const remainingMs = call.deadlineMs - clock.nowMs();
      const beginMs = clock.nowMs();
      const release = (billedMs: number): void => {
        running--;
        if (instance === undefined) return;
        log.billedMs += billedMs;
        instance.idleSinceMs = clock.nowMs();
        idle.push(instance);
      };
      const totalMs = startMs + plan.runMs;
      const end = clock.after(Math.min(totalMs, startMs + remainingMs), () => {
        signal.removeEventListener('abort', onAbort);
        release(totalMs > startMs + remainingMs ? remainingMs : totalMs);
        resolve(resultOf(call, plan, totalMs > startMs + remainingMs, startMs, totalMs, options));
      });
      const onAbort = () => {
        end.cancel();
        reject(toAppError(signal.reason));
        const ageMs = clock.nowMs() - beginMs;
        const stopMs = options.rowGroupMs === undefined ? totalMs : Math.min(totalMs, ageMs + options.rowGroupMs * random());
        const restMs = turnedAway ? 0 : Math.max(0, Math.min(stopMs, startMs + remainingMs) - ageMs);
        log.billedAfterAbortMs += restMs;
        clock.after(restMs, () => release(ageMs + restMs));
      };
      signal.addEventListener('abort', onAbort, { once: true });
    });
  return { invoke, log };
}

function resultOf(call: Call, plan: Plan, late: boolean, startMs: number, totalMs: number, options: FunctionsOptions): CallResult {
  const failure = late ? 'timeout' : plan.failure;
  const turnedAway = failure === 'transport' || failure === 'throttled';
  const cost = { requests: 1, billedMs: turnedAway ? 0 : totalMs, memoryMb: options.memoryMb ?? 1769, coldStart: startMs > 0 };
  if (failure === undefined) return { outcomes: call.jobs.map(options.answer), cost };
  const failed: JobOutcome = {
    ...{ kind: 'failed', reason: failure, code: 'unavailable', message: `simulated: ${failure}`, retryable: true },
    ...(plan.retryAfterMs === undefined ? {} : { retryAfterMs: plan.retryAfterMs }),
  };
  return { outcomes: call.jobs.map(() => failed), cost };
}
