import { AppError, toAppError } from '#engine/base/errors.ts';
import type { CallResult, FailureReason } from '../external/invoke.ts';
import { failureOfOutcome, faultOfEndpoint } from './after-failure.ts';
import { onAbandoned, onAnswer, onFailure, onLostRace, onStart, onThrottled } from './endpoint-health.ts';
import { sizeClass } from './job-facts.ts';
import { createLatencyEstimate } from './latency.ts';
import type { CallEnd, DispatchState, EndpointState, Outcomes, Population, RunningCall, Task } from './state.ts';

/** Why losers are aborted; made once, since an error's stack is dear. */
const notNeeded = new AppError('cancelled', 'the answer of another call came first, or none is wanted any more');

/** Creates a population that knows nothing. */
export function createPopulation(): Population {
  const unknown = { middleMs: Number.POSITIVE_INFINITY, lastMs: Number.POSITIVE_INFINITY };
  return { estimate: createLatencyEstimate(), running: new Set(), delays: unknown, computedMs: Number.NEGATIVE_INFINITY };
}

/** The population of that name; made when it is first asked for. There are as many as pools × kinds × size classes. */
export function populationOf(state: DispatchState, key: string): Population {
  let found = state.populations.get(key);
  if (found === undefined) {
    found = createPopulation();
    state.populations.set(key, found);
  }
  return found;
}

/** The names of the populations that a call of these jobs belongs to, narrowest first. */
export function populationKeys(at: EndpointState, tasks: readonly Task[]): readonly [string, string] {
  let sizeBytes = 0;
  for (const task of tasks) sizeBytes += task.sizeBytes;
  return [`${at.pool.name}/${tasks[0]!.job.kind}/${sizeClass(sizeBytes)}`, at.pool.name];
}

function setHealth(state: DispatchState, at: EndpointState, health: EndpointState['health']): void {
  const wasOpen = at.health.openUntilMs > 0;
  at.health = health;
  const open = health.openUntilMs > 0;
  if (open !== wasOpen) state.options.onEvent({ kind: 'breaker', endpoint: at.endpoint.url, open });
}

/** What happens when a call has given its outcomes; the dispatcher decides what its jobs do next. */
export type OnOutcomes = (call: RunningCall, outcomes: Outcomes) => void;

/** Starts a call of these jobs of one query. */
export function startCall(state: DispatchState, at: EndpointState, tasks: readonly Task[], hedged: boolean, onOutcomes: OnOutcomes): void {
  const { clock, onEvent } = state.options;
  const nowMs = clock.monotonicMs();
  const { group } = tasks[0]!;
  const populations = [group.population, ...populationKeys(at, tasks).map((key) => populationOf(state, key))];
  const call: RunningCall = {
    ...{ at, tasks, hedged, populations, startedMs: nowMs, controller: new AbortController() },
    ...{ repeated: false, ended: false },
  };
  at.inFlight++;
  state.running++;
  setHealth(state, at, onStart(at.health, nowMs));
  group.launched++;
  for (const population of populations) population.running.add(call);
  let deadlineMs = Number.POSITIVE_INFINITY;
  for (const task of tasks) {
    task.calls.add(call);
    task.started++;
    if (hedged) task.hedges++;
    deadlineMs = Math.min(deadlineMs, task.deadlineMs);
  }
  if (!hedged) state.budget.earn(nowMs, state.running);
  onEvent({ kind: 'call_started', pool: at.pool.name, endpoint: at.endpoint.url, hedged });
  at.endpoint.invoke({ jobs: tasks.map(({ job }) => job), deadlineMs, hedged }, call.controller.signal).then(
    (result) => finishCall(state, call, result, onOutcomes),
    (thrown) => {
      // Only the abort of our own signal rejects, and then the call has ended here already; anything else is a transport that broke its word.
      const { code, message } = toAppError(thrown);
      const failed = { kind: 'failed', reason: 'transport', code, message, retryable: true } as const;
      const cost = { requests: 1, billedMs: undefined, memoryMb: undefined, coldStart: false };
      finishCall(state, call, { outcomes: tasks.map(() => failed), cost }, onOutcomes);
    },
  );
}

function leave(state: DispatchState, call: RunningCall): number {
  call.ended = true;
  call.at.inFlight--;
  state.running--;
  for (const population of call.populations) population.running.delete(call);
  for (const task of call.tasks) task.calls.delete(call);
  return state.options.clock.monotonicMs() - call.startedMs;
}

function tell(
  state: DispatchState,
  call: RunningCall,
  end: CallEnd,
  durationMs: number,
  more: { readonly reason?: FailureReason; readonly result?: CallResult; readonly wastedMs?: number } = {},
): void {
  let bytesRead = 0;
  let gets = 0;
  for (const outcome of more.result?.outcomes ?? []) {
    if (outcome.kind !== 'answered') continue;
    bytesRead += outcome.cost.bytesRead;
    gets += outcome.cost.gets;
  }
  const record = {
    ...{
      pool: call.at.pool,
      endpoint: call.at.endpoint.url,
      tenant: call.tasks[0]!.job.tenant,
      jobs: call.tasks.length,
      hedged: call.hedged,
      end,
      durationMs,
    },
    ...{ reason: more.reason, cost: more.result?.cost, bytesRead, gets, wastedMs: more.wastedMs ?? 0 },
  };
  state.options.onEvent({ kind: 'call_ended', record });
  call.tasks[0]!.listener?.onCall(record);
}

function finishCall(state: DispatchState, call: RunningCall, result: CallResult, onOutcomes: OnOutcomes): void {
  if (call.ended) return;
  const durationMs = leave(state, call);
  const { at } = call;
  const nowMs = state.options.clock.monotonicMs();
  const fault = faultOfEndpoint(result.outcomes);
  if (fault === undefined) {
    for (const { estimate } of call.populations) estimate.observe(durationMs);
    setHealth(state, at, onAnswer(at.health));
  } else if (fault === 'throttled') {
    const retryAfterMs = result.outcomes.map(failureOfOutcome).find((failed) => failed?.retryAfterMs !== undefined)?.retryAfterMs;
    setHealth(state, at, onThrottled(at.health, nowMs, retryAfterMs));
  } else if (fault === 'job_error') setHealth(state, at, onAbandoned(at.health));
  else setHealth(state, at, onFailure(at.health, fault, nowMs));
  const reason = fault ?? result.outcomes.map(failureOfOutcome).find((failed) => failed !== undefined)?.reason;
  tell(state, call, reason === undefined ? 'answered' : 'failed', durationMs, { ...(reason && { reason }), result });
  onOutcomes(call, result.outcomes);
}

/** Aborts a call whose jobs all have their end. `lost`: because another call was quicker. */
export function giveUpCall(state: DispatchState, call: RunningCall, end: 'lost' | 'abandoned'): void {
  if (call.ended) return;
  const durationMs = leave(state, call);
  const { at } = call;
  for (const { estimate } of call.populations) estimate.observeAtLeast(durationMs);
  // A hedge that comes too late says nothing of its endpoint, a first call that was overtaken does.
  const lost = end === 'lost' && call.repeated;
  setHealth(state, at, lost ? onLostRace(at.health, state.options.clock.monotonicMs()) : onAbandoned(at.health));
  tell(state, call, end, durationMs, { wastedMs: at.pool.stopsOnAbort ? 0 : expectedRestMs(call, durationMs) });
  call.controller.abort(notNeeded);
}

/** What is left of a call of that age, at the least: its population's median. */
function expectedRestMs(call: RunningCall, ageMs: number): number {
  for (const { estimate } of call.populations) {
    const median = estimate.quantiles([0.5], [])[0]!;
    if (Number.isFinite(median)) return Math.max(0, median - ageMs);
  }
  return 0;
}

/** An answer that could not be read, or the error of a job that succeeds elsewhere: the endpoint is at fault. */
export function blameEndpoint(state: DispatchState, at: EndpointState): void {
  setHealth(state, at, onFailure(at.health, 'bad_answer', state.options.clock.monotonicMs()));
}
