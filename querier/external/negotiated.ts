import { callLimits } from '#engine/api/function-call.ts';
import type { VersionProbe } from '#engine/api/function-version.ts';
import type { Clock } from '#engine/base/clock.ts';
import { throwIfAborted, toAppError } from '#engine/base/errors.ts';
import { allFailed } from './batch.ts';
import { type Greeting, judgeEngine, judgeGreeting, type Protocol, type VersionCheck } from './greeting.ts';
import type { Call, CallResult, Invoke, JobFailed } from './invoke.ts';
import type { PoolEndpoint } from './pool.ts';
import { joinParts } from './split-calls.ts';
import { failure } from './status-failure.ts';

/** An endpoint that can be asked what it is. */
export interface GreetedEndpoint extends PoolEndpoint {
  /** Asks it, now; never rejects. Later calls ask again where it did not answer. */
  readonly greet: (probe: VersionProbe | undefined, signal: AbortSignal) => Promise<void>;
  /** How it is called; undefined until it has said what it is. */
  readonly protocol: () => Protocol | undefined;
}

/** What {@link createGreetedEndpoint} needs. */
export interface GreetedOptions {
  readonly url: string;
  /** Calls it as a function of ours. */
  readonly calls: (onEngine: (engine: string) => void) => Invoke;
  /** Calls it as one of Tempo's; undefined where there is no such way. */
  readonly tempo: Invoke | undefined;
  /** Rejects when there is no answer. */
  readonly ask: (probe: VersionProbe | undefined, signal: AbortSignal) => Promise<Greeting>;
  readonly check: VersionCheck;
  readonly clock: Clock;
  /** Told of each complaint once. */
  readonly onComplaint: (complaint: string) => void;
}

/** Longest wait for a greeting: a cold start, and a queue before it. */
const greetingTimeoutMs = 10_000;
/** So often a function that is no good is asked again: it may have been replaced. */
const askAgainMs = 5 * 60 * 1000;

/** An endpoint that is called in the way it understands, found out before its first call. */
export function createGreetedEndpoint(options: GreetedOptions): GreetedEndpoint {
  const { url, tempo, clock, check } = options;
  let protocol: Protocol | undefined;
  let askedMs = 0;
  let asking: Promise<JobFailed | undefined> | undefined;
  const told = new Set<string>();

  const settle = ({ protocol: next, complaints }: { readonly protocol: Protocol; readonly complaints: readonly string[] }): void => {
    protocol = next === 'tempo' && tempo === undefined ? 'refused' : next;
    for (const complaint of complaints) if (!told.has(complaint)) options.onComplaint(complaint);
    told.clear();
    for (const complaint of complaints) told.add(complaint);
  };
  const ask = async (probe: VersionProbe | undefined, signal: AbortSignal): Promise<JobFailed | undefined> => {
    askedMs = clock.monotonicMs();
    try {
      const greeting = await options.ask(probe, AbortSignal.any([signal, AbortSignal.timeout(greetingTimeoutMs)]));
      if (greeting.kind === 'failed') return greeting.failed;
      settle(judgeGreeting(greeting, check));
      return undefined;
    } catch (thrown) {
      const { code, message } = toAppError(thrown);
      return failure('transport', code, message, true);
    }
  };
  /** One question for all that wait, not tied to the first caller's signal. */
  const askOnce = (): Promise<JobFailed | undefined> => {
    asking ??= ask(undefined, new AbortController().signal).finally(() => {
      asking = undefined;
    });
    return asking;
  };
  const calls = options.calls((engine) => {
    const verdict = judgeEngine(engine, check);
    if (protocol === 'calls' && (verdict.protocol !== 'calls' || verdict.complaints.some((complaint) => !told.has(complaint))))
      settle(verdict);
  });

  const invoke: Invoke = async (call, signal) => {
    const failed = protocol === undefined ? await raced(askOnce(), signal) : undefined;
    throwIfAborted(signal);
    if (failed !== undefined) return allFailed(call.jobs, failed);
    if (protocol !== 'calls' && clock.monotonicMs() - askedMs > askAgainMs) void askOnce();
    if (protocol === 'tempo' && tempo !== undefined && call.jobs.every(({ kind }) => kind === 'search'))
      return oneByOne(tempo, call, signal);
    if (protocol !== 'calls') return allFailed(call.jobs, failure('version', 'unimplemented', `${url} does not run such jobs`, true));
    const result = await calls(call, signal);
    if (result.outcomes.some((outcome) => outcome.kind === 'failed' && outcome.reason === 'version')) protocol = undefined;
    return result;
  };
  return {
    url,
    invoke,
    maxJobsPerCall: () => (protocol === 'calls' ? callLimits.maxJobs : 1),
    takes: (kind) => (protocol === 'refused' ? clock.monotonicMs() - askedMs > askAgainMs : protocol !== 'tempo' || kind === 'search'),
    greet: async (probe, signal) => {
      await ask(probe, signal);
    },
    protocol: () => protocol,
  };
}

/** A function of Tempo's takes one job a call. There are several only in calls that were planned before it was known for one. */
async function oneByOne(tempo: Invoke, call: Call, signal: AbortSignal): Promise<CallResult> {
  const results = await Promise.all(call.jobs.map((job) => tempo({ ...call, jobs: [job] }, signal)));
  return joinParts(
    call.jobs.map((_, index) => [index]),
    results,
  );
}

/** Ends at once when the signal is aborted; then the caller looks at the signal. */
async function raced<Value>(work: Promise<Value>, signal: AbortSignal): Promise<Value | undefined> {
  if (signal.aborted) return undefined;
  let stop = () => {};
  const aborted = new Promise<undefined>((resolve) => {
    stop = () => resolve(undefined);
    signal.addEventListener('abort', stop, { once: true });
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
