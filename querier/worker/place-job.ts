/** When jobs go out. `slots` is Tempo's (spec read-path §6.1); `wait` compares what both places are predicted to need. */
export type SpillPolicy = { readonly kind: 'slots'; readonly preferSelf: number } | { readonly kind: 'wait'; readonly preferSelf: number };

/** How this process and the functions do, at the moment a job comes. */
export interface SpillView {
  /** Some endpoint takes calls. */
  readonly externalAvailable: boolean;
  /** Jobs that run here, those that came back from functions included. */
  readonly running: number;
  /** Jobs that this process can run at once without slowing each other down: its scan threads. */
  readonly parallel: number;
  /** Mean time of such a job here; undefined: unknown. */
  readonly selfMs: number | undefined;
  /** Mean time of such a job in a function, its way there and back included; undefined: unknown. */
  readonly externalMs: number | undefined;
  /** Time that is left for the job. */
  readonly remainingMs: number;
}

/** When a job that starts here now would be done: what runs shares the threads. */
export function predictedSelfMs({ running, parallel, selfMs }: Pick<SpillView, 'running' | 'parallel' | 'selfMs'>): number | undefined {
  return selfMs === undefined ? undefined : selfMs * Math.max(1, (running + 1) / Math.max(1, parallel));
}

/**
 * Where a job runs. Pure. `slots`: here while fewer than `preferSelf` run, without waiting. `wait`: as `slots`, but a job also stays when this process is
 * predicted to have it done sooner than a function would, and goes when it would not be done here in time.
 */
export function placeJob(policy: SpillPolicy, view: SpillView): 'self' | 'external' {
  if (!view.externalAvailable) return 'self';
  const hasSlot = view.running < policy.preferSelf;
  if (policy.kind === 'slots') return hasSlot ? 'self' : 'external';
  const self = predictedSelfMs(view);
  if (self === undefined) return hasSlot ? 'self' : 'external';
  if (self > view.remainingMs) return 'external';
  if (view.externalMs === undefined) return hasSlot ? 'self' : 'external';
  return self <= view.externalMs ? 'self' : 'external';
}
