import type { MetricsAnswer } from '#engine/api/metrics-series.ts';
import type { Clock } from '#engine/base/clock.ts';
import { type AppError, toAppError } from '#engine/base/errors.ts';
import { withDeadline } from '../deadline.ts';
import type { MetricsJob } from '../frontend/metrics-sharder.ts';
import type { JobReport } from '../telemetry/recent-jobs.ts';

/** Runs a metrics job somewhere. Rejects with an AppError; an abort of the signal ends it. */
export type RunMetricsJob = (job: MetricsJob, signal: AbortSignal) => Promise<MetricsAnswer>;

/** What {@link createMetricsExecutor} needs. */
export interface MetricsExecutorOptions {
  /** Computes in this process. */
  readonly queryRange: RunMetricsJob;
  readonly queryTimeoutMs: number;
  readonly clock: Clock;
  readonly onJob: (report: JobReport) => void;
}

/** Runs metrics jobs in this process, each within `queryTimeoutMs`. */
export function createMetricsExecutor({ queryRange, queryTimeoutMs, clock, onJob }: MetricsExecutorOptions): RunMetricsJob {
  return async (job, signal) => {
    const startedMs = clock.monotonicMs();
    const { query, block } = job.request;
    const report = (answer: MetricsAnswer | undefined, error?: AppError): JobReport => ({
      atMs: Math.round(clock.nowMs()),
      tenant: job.tenant,
      query,
      blockId: block.blockId,
      startPage: block.startPage,
      pagesToSearch: block.pagesToSearch,
      where: 'self',
      durationMs: Math.round((clock.monotonicMs() - startedMs) * 1000) / 1000,
      bytesRead: answer?.inspectedBytes ?? 0,
      matched: 0,
      ...(answer === undefined ? {} : { matchedSpans: answer.inspectedSpans }),
      hedges: 0,
      ...(error === undefined ? {} : { error: error.message, errorCode: error.code }),
    });
    try {
      const answer = await withDeadline(clock, queryTimeoutMs, signal, (inner) => queryRange(job, inner));
      onJob(report(answer));
      return answer;
    } catch (thrown) {
      const error = toAppError(thrown);
      onJob(report(undefined, error));
      throw error;
    }
  };
}
