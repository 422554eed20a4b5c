import type { JobKind, WireJob } from '#engine/api/job-wire.ts';
import { AppError, throwIfAborted, toAppError } from '#engine/base/errors.ts';
import type { JobFailed } from '../external/invoke.ts';
import { failureOfOutcome, stepAfterFailure } from './after-failure.ts';
import { chooseEndpoint } from './choose-endpoint.ts';
import { availability, healthyEndpoint } from './endpoint-health.ts';
import { createHedgeBudget } from './hedge-budget.ts';
import { nextLookMs, repeatSlowCalls } from './hedging.ts';
import { readJobFacts } from './job-facts.ts';
import { planCalls } from './plan-calls.ts';
import { blameEndpoint, createPopulation, giveUpCall, startCall } from './running-calls.ts';
import type { CallListener, DispatchOptions, DispatchState, EndpointState, Group, Outcomes, RunningCall, Sent, Task } from './state.ts';

/** What comes with a job that is sent. */
export interface SendOptions {
  /** Milliseconds since the epoch. */
  readonly deadlineMs: number;
  /** Told of every call that was made for the job's query through this job. */
  readonly listener?: CallListener;
  /** In a call of its own: its answer may fill one. */
  readonly alone?: boolean;
}

/** Sends jobs to functions: which endpoint, in which company, when again. */
export interface Dispatcher {
  /** Rejects with the job's own error, and at once when the signal is aborted: then its calls are aborted, and none is started. */
  readonly send: (job: WireJob, options: SendOptions, signal: AbortSignal) => Promise<Sent>;
  /** Some endpoint runs jobs of that kind, if it is up. */
  readonly takes: (kind: JobKind) => boolean;
  /** Some endpoint takes calls with jobs of that kind now. */
  readonly available: (kind: JobKind) => boolean;
}

function groupOf(state: DispatchState, key: string): Group {
  let group = state.groups.get(key);
  if (group === undefined) {
    group = { key, population: createPopulation(), outstanding: 0, peak: 0, launched: 0 };
    state.groups.set(key, group);
  }
  return group;
}

/** Ends a job once: aborts the calls that nobody else waits for. */
function settle(state: DispatchState, task: Task, sent: Sent | AppError): void {
  if (task.settled) return;
  task.settled = true;
  const { group } = task;
  group.outstanding--;
  if (group.outstanding === 0) state.groups.delete(group.key);
  if (state.groups.size === 0) stopLooking(state);
  const end = sent instanceof AppError ? 'abandoned' : 'lost';
  for (const call of [...task.calls]) if (call.tasks.every((other) => other.settled)) giveUpCall(state, call, end);
  task.done(sent);
}

/** The job was no fault of its own: what failed it elsewhere was. */
function blameSuspects(state: DispatchState, { suspects }: Task): void {
  for (const at of suspects) blameEndpoint(state, at);
  suspects.clear();
}

function unanswered(state: DispatchState, task: Task, why: Pick<JobFailed, 'reason' | 'code' | 'message'>): void {
  const { reason, code, message } = task.lastFailure ?? why;
  settle(state, task, { kind: 'unanswered', reason, code, message, blame: () => blameSuspects(state, task) });
}

function avoided(tasks: readonly Task[]) {
  const rather = new Set<EndpointState>();
  const untilMs = new Map<EndpointState, number>();
  for (const task of tasks) {
    for (const at of task.failedAt) rather.add(at);
    for (const { at } of task.calls) rather.add(at);
    for (const [at, until] of task.notBefore) untilMs.set(at, Math.max(until, untilMs.get(at) ?? 0));
  }
  return { rather, untilMs };
}

function choose(state: DispatchState, tasks: readonly Task[]): EndpointState | undefined {
  const { clock, random, maxInFlightPerEndpoint: maxInFlight } = state.options;
  const { kind } = tasks[0]!.job;
  const pools = state.pools.map((pool) => pool.filter(({ endpoint }) => endpoint.takes(kind)));
  return chooseEndpoint(pools, avoided(tasks), { nowMs: clock.monotonicMs(), maxInFlight }, random);
}

/** When one of the endpoints that cannot take a call now will: now for full ones, later for throttled ones, never for those that are down. */
function roomAtMs(state: DispatchState, tasks: readonly Task[]): number {
  const nowMs = state.options.clock.monotonicMs();
  const { untilMs } = avoided(tasks);
  let earliest = Number.POSITIVE_INFINITY;
  for (const at of state.pools.flat()) {
    if (!at.endpoint.takes(tasks[0]!.job.kind)) continue;
    if (at.health.openUntilMs > nowMs || (at.health.openUntilMs > 0 && at.health.probing)) continue;
    earliest = Math.min(earliest, Math.max(nowMs, at.health.pausedUntilMs, untilMs.get(at) ?? 0));
  }
  return earliest;
}

function takeOutcome(state: DispatchState, call: RunningCall, task: Task, outcome: Outcomes[number], again: Task[]): void {
  const failed = failureOfOutcome(outcome);
  if (failed === undefined && outcome.kind === 'answered') {
    const { at } = call;
    if (call.hedged) state.options.onEvent({ kind: 'hedge_won', endpoint: at.endpoint.url });
    const refuse = () => blameEndpoint(state, at);
    blameSuspects(state, task);
    settle(state, task, { kind: 'answered', answer: outcome.answer, endpoint: at.endpoint.url, hedges: task.hedges, refuse });
    return;
  }
  task.failures++;
  task.failedAt.add(call.at);
  if (failed!.reason === 'job_error') task.suspects.add(call.at);
  task.lastFailure = failed!;
  const step = stepAfterFailure(failed!, { failures: task.failures, running: task.calls.size, jobsInCall: call.tasks.length });
  if (step.kind === 'wait') {
    // What still runs has nobody to race against: it may be repeated again.
    for (const other of task.calls) other.repeated = false;
    return;
  }
  if (step.kind === 'giveUp') unanswered(state, task, failed!);
  else if (step.kind === 'reject') settle(state, task, new AppError(failed!.code, failed!.message));
  else {
    if (step.kind === 'resend') task.alone ||= step.alone;
    else task.notBefore.set(call.at, state.options.clock.monotonicMs() + step.notHereForMs);
    again.push(task);
  }
}

function takeOutcomes(state: DispatchState, call: RunningCall, outcomes: Outcomes): void {
  const again: Task[] = [];
  for (const [index, task] of call.tasks.entries()) {
    if (!task.settled) takeOutcome(state, call, task, outcomes[index]!, again);
  }
  state.pending.unshift(...again);
  flush(state);
  planLook(state, nextLookMs(state));
}

/** Gives a set of jobs to an endpoint, or says that it has to wait (`false`) because all are full or throttled for a moment. */
function place(state: DispatchState, tasks: readonly Task[]): boolean {
  const at = choose(state, tasks);
  if (at !== undefined) {
    startCall(state, at, tasks, false, (call, outcomes) => takeOutcomes(state, call, outcomes));
    return true;
  }
  const nowMs = state.options.clock.monotonicMs();
  const roomMs = roomAtMs(state, tasks);
  if (roomMs - nowMs > state.options.throttleWaitMs) {
    const why = { reason: 'transport', code: 'unavailable', message: 'no external endpoint takes calls: all have failed lately' } as const;
    for (const task of tasks) unanswered(state, task, why);
    return true;
  }
  // A full endpoint is looked at again when a call ends.
  if (roomMs > nowMs) void state.options.clock.sleep(roomMs - nowMs).then(() => flush(state));
  return false;
}

/** Puts the jobs that wait into calls, as far as endpoints take them. */
function flush(state: DispatchState): void {
  state.flushPlanned = false;
  if (state.pending.length === 0) return;
  const { maxJobsPerCall, targetBytesPerCall } = state.options;
  const companies = new Map<string, Task[]>();
  for (const task of state.pending) {
    if (task.settled) continue;
    const key = task.alone || task.failures > 0 ? `\n${companies.size}` : `${task.group.key}\n${task.job.accept}`;
    const company = companies.get(key);
    if (company === undefined) companies.set(key, [task]);
    else company.push(task);
  }
  const known = state.pools.flat().map(({ endpoint }) => endpoint.maxJobsPerCall());
  const maxJobs = Math.min(maxJobsPerCall, ...known);
  const left: Task[] = [];
  state.pending = [];
  for (const company of companies.values()) {
    const calls = planCalls(company, { maxJobs, targetBytes: targetBytesPerCall });
    let full = false;
    for (const tasks of calls) {
      if (full || !place(state, tasks)) {
        full = true;
        left.push(...tasks);
      }
    }
  }
  state.pending.push(...left);
  planLook(state, nextLookMs(state));
}

function look(state: DispatchState): void {
  state.checkAtMs = Number.POSITIVE_INFINITY;
  const startHedge = (call: RunningCall, tasks: readonly Task[]): boolean => {
    const at = choose(state, tasks);
    if (at === undefined) return false;
    startCall(state, at, tasks, true, (repeat, outcomes) => takeOutcomes(state, repeat, outcomes));
    call.repeated = true;
    return true;
  };
  planLook(state, repeatSlowCalls(state, startHedge));
}

const anotherTime = new AppError('cancelled', 'another time is planned, or nothing runs');

function stopLooking(state: DispatchState): void {
  state.checkAtMs = Number.POSITIVE_INFINITY;
  state.stopWaiting.abort(anotherTime);
}

/** Plans a look at running calls, unless an earlier one is planned. */
function planLook(state: DispatchState, atMs: number): void {
  if (atMs >= state.checkAtMs || state.groups.size === 0) return;
  stopLooking(state);
  const stop = new AbortController();
  state.stopWaiting = stop;
  state.checkAtMs = atMs;
  const { clock } = state.options;
  clock.sleep(Math.max(0, atMs - clock.monotonicMs()), stop.signal).then(
    () => {
      if (!stop.signal.aborted) look(state);
    },
    () => {},
  );
}

function enqueue(state: DispatchState, task: Task): void {
  state.pending.push(task);
  if (state.flushPlanned) return;
  state.flushPlanned = true;
  state.options.defer(() => flush(state));
}

/** Creates a {@link Dispatcher}. */
export function createDispatcher(options: DispatchOptions): Dispatcher {
  const state: DispatchState = {
    options,
    pools: options.pools.map((pool) => pool.endpoints.map((endpoint) => ({ pool, endpoint, health: healthyEndpoint, inFlight: 0 }))),
    budget: createHedgeBudget(options.budget),
    ...{ groups: new Map(), populations: new Map(), pending: [], running: 0, flushPlanned: false },
    ...{
      checkAtMs: Number.POSITIVE_INFINITY,
      lastCheckMs: Number.NEGATIVE_INFINITY,
      lastRescueMs: Number.NEGATIVE_INFINITY,
      stopWaiting: new AbortController(),
    },
  };
  const nowMs = () => options.clock.monotonicMs();
  return {
    takes: (kind) => state.pools.flat().some(({ endpoint }) => endpoint.takes(kind)),
    available: (kind) =>
      state.pools.flat().some(({ endpoint, health }) => endpoint.takes(kind) && availability(health, nowMs()) !== 'down'),
    send: async (job, { deadlineMs, listener, alone = false }, signal) => {
      throwIfAborted(signal);
      return new Promise<Sent>((resolve, reject) => {
        const facts = readJobFacts(job);
        const group = groupOf(state, facts.queryKey);
        group.outstanding++;
        group.peak = Math.max(group.peak, group.outstanding);
        const onAbort = () => settle(state, task, toAppError(signal.reason));
        const done = (sent: Sent | AppError) => {
          signal.removeEventListener('abort', onAbort);
          if (sent instanceof AppError) reject(sent);
          else resolve(sent);
        };
        const task: Task = {
          ...{ job, facts, sizeBytes: facts.sizeBytes, group, deadlineMs, listener, done },
          ...{
            calls: new Set<RunningCall>(),
            failedAt: new Set<EndpointState>(),
            suspects: new Set<EndpointState>(),
            notBefore: new Map<EndpointState, number>(),
          },
          ...{ settled: false, alone, started: 0, hedges: 0, failures: 0, lastFailure: undefined },
        };
        signal.addEventListener('abort', onAbort, { once: true });
        enqueue(state, task);
      });
    },
  };
}
