import type { Distribution } from './distribution.ts';

/** Settings that are tried. */
export interface Candidate {
  readonly preferSelf: number;
  /** Milliseconds; 0: no hedging. */
  readonly hedgeAtMs: number;
  /** Calls of a job in all. */
  readonly upTo: number;
  readonly memoryMb: number;
}

/** What the settings are tried on. */
export interface TuneModel {
  /** Milliseconds. Of functions at `memoryMb`. */
  readonly call: Distribution;
  /** Milliseconds, alone on a thread of the querier. */
  readonly selfJob: Distribution;
  readonly memoryMb: number;
  readonly threads: number;
  /** Queries at once: they share threads and slots. */
  readonly atOnce: number;
  readonly jobsPerQuery: Distribution | number;
  /** Most hedges, as a share of calls. */
  readonly hedgeBudget: number;
  /** US dollars per GB-second, and per call with what it asks of the object storage. */
  readonly gbSecondDollars: number;
  readonly callDollars: number;
  readonly queries: number;
  readonly random: () => number;
}

/** What a candidate would do. */
export interface Predicted {
  readonly candidate: Candidate;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
  /** Calls per job that goes out, less one. */
  readonly extraCalls: number;
  /** Of functions, per 1000 queries. */
  readonly dollars: number;
}

/** One vCPU on Lambda: below, time grows as memory shrinks; above, a job of one thread gains little. */
const oneVcpuMb = 1769;
const gainAbove = 0.15;

/** How much longer a call takes with that memory than with the measured one. An assumption: jobs are bound by the processor. */
export function memoryFactor(fromMb: number, toMb: number): number {
  const speed = (mb: number) => (mb <= oneVcpuMb ? mb / oneVcpuMb : (mb / oneVcpuMb) ** gainAbove);
  return speed(fromMb) / speed(toMb);
}

interface Job {
  readonly endMs: number;
  readonly calls: number;
  readonly billedMs: number;
}

/** A job that goes out: calls race, losers run on and are billed. Hedges need a token. */
function runAway(model: TuneModel, candidate: Candidate, factor: number, tokens: { left: number }): Job {
  let endMs = model.call.at(model.random()) * factor;
  let billedMs = endMs;
  let calls = 1;
  for (let startMs = candidate.hedgeAtMs; candidate.hedgeAtMs > 0 && calls < candidate.upTo && startMs < endMs && tokens.left >= 1; ) {
    const takesMs = model.call.at(model.random()) * factor;
    tokens.left--;
    calls++;
    billedMs += takesMs;
    endMs = Math.min(endMs, startMs + takesMs);
    startMs += candidate.hedgeAtMs;
  }
  return { endMs, calls, billedMs };
}

/** Jobs that stay, with those of the other queries: on as many threads as there are, in turn. */
function runHere(model: TuneModel, jobs: number): number {
  const free = new Float64Array(Math.max(1, model.threads));
  for (let job = 0; job < jobs * model.atOnce; job++) {
    let first = 0;
    for (let thread = 1; thread < free.length; thread++) if (free[thread]! < free[first]!) first = thread;
    free[first]! += model.selfJob.at(model.random());
  }
  return Math.max(...free);
}

function percentile(sorted: Float64Array, share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)]!;
}

/** Draws queries and runs each with these settings, all jobs of a query at once. Deterministic by `random`. */
export function predict(model: TuneModel, candidate: Candidate): Predicted {
  const latencies = new Float64Array(model.queries);
  const factor = memoryFactor(model.memoryMb, candidate.memoryMb);
  const tokens = { left: 10 };
  let away = 0;
  let calls = 0;
  let billedMs = 0;
  for (let query = 0; query < model.queries; query++) {
    const drawn = typeof model.jobsPerQuery === 'number' ? model.jobsPerQuery : model.jobsPerQuery.at(model.random());
    const jobs = Math.max(1, Math.round(drawn));
    const here = Math.min(jobs, Math.floor(candidate.preferSelf / model.atOnce));
    let endMs = here > 0 ? runHere(model, here) : 0;
    tokens.left += (jobs - here) * model.hedgeBudget;
    for (let job = here; job < jobs; job++) {
      const run = runAway(model, candidate, factor, tokens);
      endMs = Math.max(endMs, run.endMs);
      calls += run.calls;
      billedMs += run.billedMs;
    }
    away += jobs - here;
    latencies[query] = endMs;
  }
  latencies.sort();
  const gbSeconds = (billedMs / 1000) * (candidate.memoryMb / 1024);
  const dollars = gbSeconds * model.gbSecondDollars + calls * model.callDollars;
  return {
    ...{ candidate, p50Ms: percentile(latencies, 0.5), p99Ms: percentile(latencies, 0.99), p999Ms: percentile(latencies, 0.999) },
    extraCalls: away === 0 ? 0 : calls / away - 1,
    dollars: (dollars * 1000) / model.queries,
  };
}
