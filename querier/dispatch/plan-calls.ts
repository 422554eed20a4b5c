/** How jobs are put into calls. */
export interface CallLimits {
  /** Jobs per call. */
  readonly maxJobs: number;
  /** A call gets further jobs until they have about that many bytes of block. */
  readonly targetBytes: number;
}

interface Load {
  readonly jobs: readonly unknown[];
  readonly sizeBytes: number;
}

function isLighter(a: Load, b: Load): boolean {
  return a.sizeBytes < b.sizeBytes || (a.sizeBytes === b.sizeBytes && a.jobs.length < b.jobs.length);
}

/**
 * Puts jobs of one query into as few calls as the limits allow, balanced by bytes: the largest job goes first, each into the lightest call. A job of target size
 * goes alone, since calls run side by side and jobs of a call one after the other; small ones share the cost of a call.
 */
export function planCalls<Job extends { readonly sizeBytes: number }>(jobs: readonly Job[], { maxJobs, targetBytes }: CallLimits): Job[][] {
  if (jobs.length === 0) return [];
  let totalBytes = 0;
  for (const { sizeBytes } of jobs) totalBytes += sizeBytes;
  const atMost = Math.max(1, maxJobs);
  // As many of average size as fit: two of just below the target do not.
  const ofTarget = totalBytes === 0 ? atMost : Math.max(1, Math.floor((targetBytes * jobs.length) / totalBytes));
  const count = Math.ceil(jobs.length / Math.min(atMost, ofTarget));
  if (count === jobs.length) return jobs.map((job) => [job]);
  const calls = Array.from({ length: count }, () => ({ jobs: [] as Job[], sizeBytes: 0 }));
  for (const job of [...jobs].sort((a, b) => b.sizeBytes - a.sizeBytes)) {
    let lightest: (typeof calls)[number] | undefined;
    for (const call of calls) {
      if (call.jobs.length < atMost && (lightest === undefined || isLighter(call, lightest))) lightest = call;
    }
    lightest!.jobs.push(job);
    lightest!.sizeBytes += job.sizeBytes;
  }
  return calls.map((call) => call.jobs);
}
