import type { RunJob } from './job.ts';
import type { RunMetricsJob } from './metrics-job.ts';
import type { TagsRunner } from './tags-job.ts';
import type { RunTraceJob } from './trace-job.ts';

/** What runs the jobs of queries, in this process or elsewhere: the answers are the same. */
export interface Runners {
  readonly search: RunJob;
  readonly metrics: RunMetricsJob;
  readonly tags: TagsRunner;
  readonly trace: RunTraceJob;
}
