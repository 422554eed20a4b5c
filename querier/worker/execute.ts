import { countMatchedSpans } from '#engine/api/encoded-traces.ts';
import type { SearchAnswer } from '#engine/api/search-answer.ts';
import type { Clock } from '#engine/base/clock.ts';
import { toAppError } from '#engine/base/errors.ts';
import { withDeadline } from '../deadline.ts';
import type { ExternalAnswer } from '../external/search.ts';
import type { JobReport } from '../telemetry/recent-jobs.ts';
import type { Job, RunJob } from './job.ts';

/** What {@link createJobExecutor} needs. */
export interface ExecutorOptions {
  /** Searches in this process. */
  readonly searchSelf: RunJob;
  /** Searches through a function; absent where no endpoints are configured. */
  readonly searchExternal: ((job: Job, signal: AbortSignal) => Promise<ExternalAnswer>) | undefined;
  /** Local searches at once before jobs go out; 0 sends every job out (spec read-path §6.1). */
  readonly preferSelf: number;
  readonly queryTimeoutMs: number;
  readonly clock: Clock;
  readonly onJob: (report: JobReport) => void;
}

/** Where a job ran, beside its answer. */
type Placed = { readonly where: 'self'; readonly answer: SearchAnswer } | ({ readonly where: 'external' } & ExternalAnswer);

function report(job: Job, endedMs: number, durationMs: number): Omit<JobReport, 'where' | 'bytesRead' | 'matched' | 'hedges'> {
  const { block, query } = job.request;
  return {
    atMs: Math.round(endedMs),
    tenant: job.tenant,
    query: query ?? '',
    blockId: block.blockId,
    startPage: block.startPage,
    pagesToSearch: block.pagesToSearch,
    durationMs: Math.round(durationMs * 1000) / 1000,
  };
}

/** Answers above this are not searched for the number of their spans. */
const maxCountedBytes = 1 << 20;

function matchedSpans({ traces }: SearchAnswer): { readonly matchedSpans?: number } {
  const count = countMatchedSpans(traces, maxCountedBytes);
  return count === undefined ? {} : { matchedSpans: count };
}

/**
 * Runs jobs in this process or outside (spec read-path §6.1): with endpoints configured a job takes one of `preferSelf` slots without waiting, held for the
 * whole local search; without a free slot it goes out. No fallback: an external failure is the job's. Every job has `queryTimeoutMs`.
 */
export function createJobExecutor(options: ExecutorOptions): RunJob {
  const { searchSelf, searchExternal, preferSelf, clock } = options;
  let held = 0;

  const place = async (job: Job, signal: AbortSignal, onExternal: () => void): Promise<Placed> => {
    if (searchExternal === undefined) return { where: 'self', answer: await searchSelf(job, signal) };
    if (held >= preferSelf) {
      onExternal();
      return { where: 'external', ...(await searchExternal(job, signal)) };
    }
    held++;
    try {
      return { where: 'self', answer: await searchSelf(job, signal) };
    } finally {
      held--;
    }
  };

  return async (job, signal) => {
    const startedMs = clock.monotonicMs();
    let where: 'self' | 'external' = 'self';
    try {
      const placed = await withDeadline(clock, options.queryTimeoutMs, signal, (inner) =>
        place(job, inner, () => {
          where = 'external';
        }),
      );
      const { answer } = placed;
      options.onJob({
        ...report(job, clock.nowMs(), clock.monotonicMs() - startedMs),
        where: placed.where,
        ...(placed.where === 'external' ? { endpoint: placed.endpoint } : {}),
        bytesRead: answer.metrics.inspectedBytes,
        matched: answer.traces.count,
        ...matchedSpans(answer),
        hedges: placed.where === 'external' ? placed.hedges : 0,
      });
      return answer;
    } catch (thrown) {
      const error = toAppError(thrown);
      const failed = report(job, clock.nowMs(), clock.monotonicMs() - startedMs);
      options.onJob({ ...failed, where, bytesRead: 0, matched: 0, hedges: 0, error: error.message, errorCode: error.code });
      throw error;
    }
  };
}
