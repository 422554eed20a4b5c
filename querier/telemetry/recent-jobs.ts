import type { JobKind } from '#engine/api/job-wire.ts';
import type { ErrorCode } from '#engine/base/errors.ts';

/** Where and how a job ran; what `/status/jobs` lists. */
export interface JobReport {
  /** When it ended, milliseconds since the epoch. */
  readonly atMs: number;
  /** Left out: a search. */
  readonly kind?: JobKind;
  readonly tenant: string;
  readonly query: string;
  readonly blockId: string;
  /** First row group and how many. */
  readonly startPage: number;
  readonly pagesToSearch: number;
  readonly where: 'self' | 'external';
  /** Of `external`: the endpoint that answered, or the last one tried. */
  readonly endpoint?: string;
  readonly durationMs: number;
  readonly bytesRead: number;
  /** Traces found. */
  readonly matched: number;
  /** Spans matched in them; not counted in large answers. */
  readonly matchedSpans?: number;
  /** Further calls started besides the first. */
  readonly hedges: number;
  /** Of a failed job. */
  readonly error?: string;
  readonly errorCode?: ErrorCode;
}

/** The label `result` of a job: `canceled` where its query needed it no more. */
export function jobResult(error: ErrorCode | undefined): 'ok' | 'failed' | 'canceled' {
  if (error === undefined) return 'ok';
  return error === 'cancelled' ? 'canceled' : 'failed';
}

/** The last jobs of this process, oldest first. */
export interface RecentJobs {
  readonly add: (report: JobReport) => void;
  readonly list: () => readonly JobReport[];
}

/** Keeps the last `capacity` reports in memory. */
export function createRecentJobs(capacity: number): RecentJobs {
  const ring: JobReport[] = [];
  let next = 0;
  return {
    add: (report) => {
      ring[next] = report;
      next = (next + 1) % capacity;
    },
    list: () => (ring.length < capacity ? [...ring] : [...ring.slice(next), ...ring.slice(0, next)]),
  };
}
