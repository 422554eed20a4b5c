/** How far a search with a limit has come. */
export interface SearchProgress {
  /** Most traces of the answer, > 0. */
  readonly limit: number;
  /** Distinct traces found. */
  readonly found: number;
  /** Jobs that have answered. */
  readonly answered: number;
}

/** What is believed before the first answer, that a job finds one trace, counts as much as that many answers. */
const priorJobs = 1;
/** While nothing is found, jobs at once: at least so many, and so many for each that has found nothing. A limit of one trace must not make a search slow. */
const nothingFound = { jobs: 20, perAnswer: 4 } as const;
/** Jobs at once are never fewer than this share of those that have answered: what they cost in vain at the end is a small part of what was spent. */
const shareInVain = 0.05;

/**
 * Jobs that should run at once: as many as are needed to find what is missing if jobs find as much as they well may by what was seen, one standard deviation
 * more than the mean. Jobs that run when the limit is reached were for nothing, and where functions run on they are paid to their end. What has been started
 * cannot be taken back, so an estimate from a few answers must rather be too high.
 */
export function jobsAtOnce({ limit, found, answered }: SearchProgress): number {
  const counted = found + priorJobs;
  const perJob = (counted + Math.sqrt(counted)) / (answered + priorJobs);
  const missing = Math.max(1, limit - found);
  const atLeast = found === 0 ? Math.max(nothingFound.jobs, nothingFound.perAnswer * answered) : 1;
  return Math.ceil(Math.max(missing / perJob, shareInVain * answered, atLeast));
}
