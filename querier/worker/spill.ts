import type { JobKind, SendJob } from '#engine/api/job-wire.ts';
import type { Clock } from '#engine/base/clock.ts';
import { AppError, throwIfAborted, toAppError } from '#engine/base/errors.ts';
import { createSlots } from '#engine/base/slots.ts';
import type { Dispatcher } from '../dispatch/dispatcher.ts';
import type { CallListener, Sent } from '../dispatch/state.ts';
import { placeJob, type SpillPolicy } from './place-job.ts';

/** A job in both forms. */
export interface SpillWork<Answer> {
  readonly kind: JobKind;
  readonly here: (signal: AbortSignal) => Promise<Answer>;
  /** Sends it with the given function, once, and reads the answer. */
  readonly away: (send: SendJob, signal: AbortSignal) => Promise<Answer>;
  /** Milliseconds since the epoch. */
  readonly deadlineMs: number;
}

/** An answer and where it comes from. */
export type Placed<Answer> =
  | { readonly where: 'self'; readonly answer: Answer /** It was out first. */; readonly cameBack: boolean }
  | { readonly where: 'external'; readonly answer: Answer; readonly endpoint: string; readonly hedges: number };

/** What {@link createSpill} needs. */
export interface SpillOptions {
  /** Absent where no endpoints are configured: everything runs here. */
  readonly dispatcher: Dispatcher | undefined;
  readonly policy: SpillPolicy;
  /** false: what no function answers has failed, as with Tempo. */
  readonly fallBack: boolean;
  /** Jobs that run at once without slowing each other down, and most jobs that came back from functions at once. */
  readonly parallel: number;
  readonly clock: Clock;
  /** Who pays for the calls of the job that is being sent. */
  readonly listener: () => CallListener | undefined;
  /** Told of jobs that no function has answered. */
  readonly onCameBack: (kind: JobKind, reason: string) => void;
}

/** Runs jobs here or outside. */
export interface Spill {
  readonly run: <Answer>(
    work: SpillWork<Answer>,
    signal: AbortSignal,
    onPlaced?: (where: 'self' | 'external') => void,
  ) => Promise<Placed<Answer>>;
}

interface Kept {
  selfMs: number | undefined;
  externalMs: number | undefined;
}

/** Moving mean: about the last twenty jobs. */
function moved(meanMs: number | undefined, durationMs: number): number {
  return meanMs === undefined ? durationMs : meanMs + (durationMs - meanMs) * 0.05;
}

/** Answers that could not be read before a job comes back. */
const mostUnreadable = 2;

/** What one attempt outside came to. */
type Away<Answer> =
  | { readonly kind: 'answered'; readonly answer: Answer; readonly sent: Extract<Sent, { kind: 'answered' }> }
  | { readonly kind: 'unanswered'; readonly reason: string; readonly error: AppError; readonly blame?: () => void };

async function runAway<Answer>(
  dispatcher: Dispatcher,
  work: SpillWork<Answer>,
  listener: CallListener | undefined,
  signal: AbortSignal,
): Promise<Away<Answer>> {
  for (let unreadable = 0; ; ) {
    let sent: Sent | undefined;
    const send: SendJob = async (job, inner) => {
      sent = await dispatcher.send(job, { deadlineMs: work.deadlineMs, ...(listener && { listener }) }, inner);
      if (sent.kind === 'answered') return sent.answer;
      throw new AppError(sent.code, sent.message);
    };
    try {
      const answer = await work.away(send, signal);
      return { kind: 'answered', answer, sent: sent as Extract<Sent, { kind: 'answered' }> };
    } catch (thrown) {
      throwIfAborted(signal);
      if (sent?.kind === 'unanswered') return { kind: 'unanswered', reason: sent.reason, error: toAppError(thrown), blame: sent.blame };
      // A refusal of the job is its answer; a good status with a body that cannot be read is the endpoint's fault.
      if (sent === undefined || sent.answer.status >= 300) throw thrown;
      sent.refuse();
      if (++unreadable > mostUnreadable) return { kind: 'unanswered', reason: 'bad_answer', error: toAppError(thrown) };
    }
  }
}

/**
 * Runs jobs here while the policy has room and outside otherwise. A job that no function answers comes back: it runs here after all, but no more of those at once
 * than this process has threads, so that an outage of the functions does not take the memory of this process as well.
 */
export function createSpill(options: SpillOptions): Spill {
  const { dispatcher, policy, parallel, clock } = options;
  const slots = createSlots(Math.max(1, parallel));
  const kept = new Map<JobKind, Kept>();
  let running = 0;

  const runHere = async <Answer>(work: SpillWork<Answer>, means: Kept, signal: AbortSignal): Promise<Answer> => {
    running++;
    const startedMs = clock.monotonicMs();
    try {
      const answer = await work.here(signal);
      means.selfMs = moved(means.selfMs, clock.monotonicMs() - startedMs);
      return answer;
    } finally {
      running--;
    }
  };

  /** Runs a job that came back. */
  const runBack = <Answer>(work: SpillWork<Answer>, means: Kept, signal: AbortSignal): Promise<Answer> =>
    running < policy.preferSelf ? runHere(work, means, signal) : slots.run(() => runHere(work, means, signal), signal);

  return {
    run: async (work, signal, onPlaced) => {
      const means = kept.get(work.kind) ?? { selfMs: undefined, externalMs: undefined };
      kept.set(work.kind, means);
      const remainingMs = work.deadlineMs - clock.nowMs();
      const view = {
        externalAvailable: dispatcher?.available(work.kind) === true,
        running,
        parallel,
        remainingMs,
        ...means,
      };
      const stays =
        dispatcher === undefined || !dispatcher.takes(work.kind) || (view.externalAvailable && placeJob(policy, view) === 'self');
      if (stays) {
        return { where: 'self', answer: await runHere(work, means, signal), cameBack: false };
      }
      let reason = 'all_down';
      let blame: (() => void) | undefined;
      if (view.externalAvailable || !options.fallBack) {
        onPlaced?.('external');
        const startedMs = clock.monotonicMs();
        const away = await runAway(dispatcher, work, options.listener(), signal);
        if (away.kind === 'answered') {
          means.externalMs = moved(means.externalMs, clock.monotonicMs() - startedMs);
          const { endpoint, hedges } = away.sent;
          return { where: 'external', answer: away.answer, endpoint, hedges };
        }
        if (!options.fallBack) throw away.error;
        reason = away.reason;
        blame = away.blame;
      }
      onPlaced?.('self');
      options.onCameBack(work.kind, reason);
      const answer = await runBack(work, means, signal);
      blame?.();
      return { where: 'self', answer, cameBack: true };
    },
  };
}
