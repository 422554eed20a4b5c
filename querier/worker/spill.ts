import type { JobKind, SendJob, WireJob } from '#engine/api/job-wire.ts';
import type { Clock } from '#engine/base/clock.ts';
import { AppError, throwIfAborted, toAppError } from '#engine/base/errors.ts';
import { createSlots } from '#engine/base/slots.ts';
import type { Dispatcher } from '../dispatch/dispatcher.ts';
import type { CallListener, Sent } from '../dispatch/state.ts';
import { createOversized, type Oversized } from './oversized.ts';
import { placeJob, type SpillPolicy } from './place-job.ts';
import { type Cut, runParts } from './run-parts.ts';

/** A job in both forms. */
export interface SpillWork<Answer> {
  readonly kind: JobKind;
  readonly here: (signal: AbortSignal) => Promise<Answer>;
  /** Sends it with the given function, once, and reads the answer. */
  readonly away: (send: SendJob, signal: AbortSignal) => Promise<Answer>;
  /** Milliseconds since the epoch. */
  readonly deadlineMs: number;
  /** Over fewer row groups each, where its answer is too large for a call; absent or undefined where it cannot be cut. */
  readonly cut?: () => Cut<SpillWork<Answer>, Answer> | undefined;
}

/** An answer and where it comes from; that of a job in parts from outside if any of them does, and the first such endpoint stands for all. */
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
  /** Told of jobs that are cut because their answer is too large for a call. */
  readonly onCut: (kind: JobKind) => void;
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
  | { readonly kind: 'tooLarge'; readonly cut: Cut<SpillWork<Answer>, Answer>; readonly job: WireJob; readonly certain: boolean }
  | { readonly kind: 'unanswered'; readonly reason: string; readonly error: AppError; readonly blame?: () => void };

/** Who carries jobs, and what is known of them. */
interface Carrier {
  readonly dispatcher: Dispatcher;
  readonly oversized: Oversized;
  readonly listener: CallListener | undefined;
}

async function runAway<Answer>(
  { dispatcher, oversized, listener }: Carrier,
  work: SpillWork<Answer>,
  signal: AbortSignal,
): Promise<Away<Answer>> {
  for (let unreadable = 0; ; ) {
    let sent: Sent | undefined;
    let tooLarge: Extract<Away<Answer>, { kind: 'tooLarge' }> | undefined;
    const send: SendJob = async (job, inner) => {
      const expected = oversized.expect(job);
      const cutAtOnce = expected === 'cut' ? work.cut?.() : undefined;
      if (cutAtOnce !== undefined) {
        tooLarge = { kind: 'tooLarge', cut: cutAtOnce, job, certain: true };
        throw new AppError('too_large', 'answers of such jobs are too large for a call');
      }
      const alone = expected !== 'usual';
      sent = await dispatcher.send(job, { deadlineMs: work.deadlineMs, alone, ...(listener && { listener }) }, inner);
      if (sent.kind === 'answered') return sent.answer;
      const cut = sent.code === 'too_large' ? work.cut?.() : undefined;
      if (cut !== undefined) {
        // Only of an endpoint that says so it is certain; other answers may be missing for another reason.
        tooLarge = { kind: 'tooLarge', cut, job, certain: sent.reason === 'too_large' };
        if (tooLarge.certain) oversized.note(job);
      }
      throw new AppError(sent.code, sent.message);
    };
    try {
      const answer = await work.away(send, signal);
      return { kind: 'answered', answer, sent: sent as Extract<Sent, { kind: 'answered' }> };
    } catch (thrown) {
      throwIfAborted(signal);
      if (tooLarge !== undefined) return tooLarge;
      if (sent?.kind === 'unanswered') return { kind: 'unanswered', reason: sent.reason, error: toAppError(thrown), blame: sent.blame };
      // A refusal of the job is its answer; a good status with a body that cannot be read is the endpoint's fault.
      if (sent === undefined || sent.answer.status >= 300) throw thrown;
      sent.refuse();
      if (++unreadable > mostUnreadable) return { kind: 'unanswered', reason: 'bad_answer', error: toAppError(thrown) };
    }
  }
}

/** The answer of a job that ran in parts. */
function placedParts<Answer>(answer: Answer, used: readonly Placed<Answer>[]): Placed<Answer> {
  const outside = used.flatMap((one) => (one.where === 'external' ? [one] : []));
  const [first] = outside;
  if (first === undefined) return { where: 'self', answer, cameBack: used.some((one) => one.where === 'self' && one.cameBack) };
  return { where: 'external', answer, endpoint: first.endpoint, hedges: outside.reduce((sum, { hedges }) => sum + hedges, 0) };
}

/**
 * Runs jobs here while the policy has room and outside otherwise. A job that no function answers comes back: it runs here after all, but no more of those at once
 * than this process has threads, so that an outage of the functions does not take the memory of this process as well. One whose answer is too large for a call runs in parts, each of
 * them placed as a job of its own.
 */
export function createSpill(options: SpillOptions): Spill {
  const { dispatcher, policy, parallel, clock } = options;
  const slots = createSlots(Math.max(1, parallel));
  const kept = new Map<JobKind, Kept>();
  const oversized = createOversized(clock);
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

  const viewOf = (work: Pick<SpillWork<unknown>, 'kind' | 'deadlineMs'>, means: Kept) => ({
    externalAvailable: dispatcher?.available(work.kind) === true,
    running,
    parallel,
    remainingMs: work.deadlineMs - clock.nowMs(),
    ...means,
  });

  const run: Spill['run'] = async (work, signal, onPlaced) => {
    const means = kept.get(work.kind) ?? { selfMs: undefined, externalMs: undefined };
    kept.set(work.kind, means);
    const view = viewOf(work, means);
    const stays = dispatcher === undefined || !dispatcher.takes(work.kind) || (view.externalAvailable && placeJob(policy, view) === 'self');
    if (stays) return { where: 'self', answer: await runHere(work, means, signal), cameBack: false };
    let reason = 'all_down';
    let blame: (() => void) | undefined;
    if (view.externalAvailable || !options.fallBack) {
      onPlaced?.('external');
      const startedMs = clock.monotonicMs();
      const away = await runAway({ dispatcher, oversized, listener: options.listener() }, work, signal);
      if (away.kind === 'answered') {
        means.externalMs = moved(means.externalMs, clock.monotonicMs() - startedMs);
        const { endpoint, hedges } = away.sent;
        return { where: 'external', answer: away.answer, endpoint, hedges };
      }
      if (away.kind === 'tooLarge') {
        options.onCut(work.kind);
        const { answer, used } = await runParts(away.cut, (part, inner) => run(part, inner, onPlaced), signal);
        if (!away.certain) oversized.note(away.job);
        return placedParts(answer, used);
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
  };
  return { run };
}
