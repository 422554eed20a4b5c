import { defaultConcurrentJobs } from '#engine/jobs/environment.ts';

/** What decides how much memory one job may use. */
export interface JobMemoryOptions {
  /** `querier.max_memory_bytes`: what all jobs that scan at the same time may use; 0 is none. */
  readonly maxMemoryBytes: number;
  /** Threads that scan beside the main one. */
  readonly threads: number;
}

/** No job needs more, and some must be had for any. */
const mostBytes = 1 << 30;
const leastBytes = 64 << 20;

/**
 * Memory of one job, so that all that can run at once stay within the limit. A job that needs more fails with `resource_exhausted` (503, so that it is tried
 * elsewhere); the process lives. Jobs beyond those that can run wait.
 */
export function jobMemoryBytes({ maxMemoryBytes, threads }: JobMemoryOptions): number {
  if (maxMemoryBytes <= 0) return mostBytes;
  const atOnce = defaultConcurrentJobs * (threads + 1);
  return Math.max(leastBytes, Math.min(mostBytes, Math.floor(maxMemoryBytes / atOnce)));
}
