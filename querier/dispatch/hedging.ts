import { adaptiveDelaysMs, hedgeDelayMs, hedgeShares, mostCalls } from './hedge-policy.ts';
import { populationKeys, populationOf } from './running-calls.ts';
import type { DispatchState, Group, Population, RunningCall, Task } from './state.ts';

/** A query with that many calls is judged by its own latencies: queries differ more than calls of one query. */
const ownLatenciesFrom = 20;
/** Fewer answers say too little of a class of jobs. */
const leastAnswers = 20;
/** Between two computations of the same delays, and two looks after answers. */
const restMs = 1;
/** A call that takes so many times the delay of a hedge hangs. Where the budget is spent, one of those a second is repeated all the same. */
const hangFactor = 20;
const rescueEveryMs = 1000;
/** When to look again where the budget or the endpoints refused a hedge. */
const refusedMs = 20;

function delaysOf(population: Population, nowMs: number): Population['delays'] {
  if (nowMs - population.computedMs < restMs) return population.delays;
  const ages = [...population.running].map((call) => nowMs - call.startedMs);
  population.delays = adaptiveDelaysMs(population.estimate.quantiles(hedgeShares, ages));
  population.computedMs = nowMs;
  return population.delays;
}

/** Whose latencies say how long a call of a small query may take: its class, or its pool where the class is new. */
function comparable(state: DispatchState, call: RunningCall): Population {
  const [narrow, wide] = populationKeys(call.at, call.tasks).map((key) => populationOf(state, key));
  return narrow!.estimate.answers() >= leastAnswers ? narrow! : wide!;
}

function delayOf(state: DispatchState, group: Group, call: RunningCall, nowMs: number): number {
  const { policy } = state.options;
  const own = group.launched >= ownLatenciesFrom;
  const population = own ? group.population : comparable(state, call);
  const known = own || population.estimate.answers() >= leastAnswers;
  const unknown = { middleMs: Number.POSITIVE_INFINITY, lastMs: Number.POSITIVE_INFINITY };
  const needed = policy.kind === 'adaptive' && known;
  return hedgeDelayMs(policy, group, needed ? delaysOf(population, nowMs) : unknown);
}

/** Starts another call of these jobs; false when no endpoint can take it. */
export type StartHedge = (call: RunningCall, tasks: readonly Task[]) => boolean;

/** Repeats every call that runs too long, and says when to look again: milliseconds of the monotonic clock, Infinity for never. */
export function repeatSlowCalls(state: DispatchState, startHedge: StartHedge): number {
  const { policy, clock, onEvent } = state.options;
  const nowMs = clock.monotonicMs();
  const most = mostCalls(policy);
  let nextMs = Number.POSITIVE_INFINITY;
  state.lastCheckMs = nowMs;
  if (most <= 1) return nextMs;
  for (const group of state.groups.values()) {
    for (const call of [...group.population.running]) {
      if (call.repeated || call.ended) continue;
      const tasks = call.tasks.filter((task) => !task.settled && task.started - task.failures < most);
      if (tasks.length === 0) continue;
      const dueMs = call.startedMs + delayOf(state, group, call, nowMs);
      if (dueMs > nowMs) {
        nextMs = Math.min(nextMs, dueMs);
        // Calls are in the order of their start, and those of one population share the delay.
        if (group.launched >= ownLatenciesFrom) break;
        continue;
      }
      const rescue = nowMs - state.lastRescueMs >= rescueEveryMs && nowMs - call.startedMs > hangFactor * (dueMs - call.startedMs);
      if ((state.budget.left() < 1 && !rescue) || !startHedge(call, tasks)) {
        onEvent({ kind: 'hedge_denied' });
        return Math.min(nextMs, nowMs + refusedMs);
      }
      if (!state.budget.take(nowMs, state.running)) state.lastRescueMs = nowMs;
      call.repeated = true;
      // The new call is not in the list that is being walked.
      nextMs = Math.min(nextMs, nowMs + Math.max(restMs, dueMs - call.startedMs));
    }
  }
  return nextMs;
}

/** The earliest moment for the look that an answer makes worth while. */
export function nextLookMs(state: DispatchState): number {
  return Math.max(state.options.clock.monotonicMs(), state.lastCheckMs + restMs);
}
