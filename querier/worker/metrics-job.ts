import type { MetricsAnswer } from '#engine/api/metrics-series.ts';
import type { MetricsJob } from '../frontend/metrics-sharder.ts';

/** Runs a metrics job somewhere. Rejects with an AppError; an abort of the signal ends it. */
export type RunMetricsJob = (job: MetricsJob, signal: AbortSignal) => Promise<MetricsAnswer>;
