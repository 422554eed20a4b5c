import { wireStatuses } from '#engine/api/status.ts';
import { AppError, throwIfAborted, toAppError } from '#engine/base/errors.ts';
import type { JobQueue, QueryTicket } from './queue.ts';

/** Status and text of the first job that failed (spec read-path §3.5). */
export interface JobFailure {
  readonly status: number;
  readonly message: string;
}

/** Jobs of one query. */
export interface JobRun<Job, Answer> extends QueryTicket {
  readonly queue: JobQueue;
  /** Taken one by one: a run that ends early never makes the rest. */
  readonly jobs: Iterator<Job>;
  /** Jobs that are in the queue or run at once. */
  readonly concurrency: number;
  /** False: that job waits for another answer, while others run. Undefined: none waits. */
  readonly mayStart?: (job: Job, running: number) => boolean;
  /** Attempts per job; 0 and 1 are one attempt. */
  readonly maxRetries: number;
  readonly run: (job: Job, signal: AbortSignal) => Promise<Answer>;
  /** Takes an answer; true when no more are needed. What it throws ends the run as a failed job does. */
  readonly onAnswer: (answer: Answer, job: Job) => boolean;
  /** Told at the end of each job how often it was tried again. */
  readonly onRetries: (retries: number) => void;
}

/** The status a failed job gives the query: client errors that only a job can have made are the server's fault. */
export function statusOfJob(error: AppError): number {
  const { http } = wireStatuses[error.code];
  return http >= 400 && http < 500 && http !== 422 && http !== 429 ? 500 : http;
}

function mayRetry(error: AppError): boolean {
  return wireStatuses[error.code].http >= 500 && error.code !== 'unimplemented';
}

async function runWithRetries<Job, Answer>(jobs: JobRun<Job, Answer>, job: Job, signal: AbortSignal): Promise<Answer> {
  const attempts = Math.max(1, jobs.maxRetries);
  for (let attempt = 1; ; attempt++) {
    try {
      const answer = await jobs.queue.run(jobs.tenantLabel, () => jobs.run(job, signal), signal);
      jobs.onRetries(attempt - 1);
      return answer;
    } catch (thrown) {
      const error = toAppError(thrown);
      if (attempt < attempts && !signal.aborted && mayRetry(error)) continue;
      if (!signal.aborted) jobs.onRetries(attempt - 1);
      throw error;
    }
  }
}

/** Starts jobs as others end, until there are none left; rejects with what making one throws. `runOne` does not reject. */
function startAll<Job, Answer>(
  { jobs, concurrency, mayStart }: JobRun<Job, Answer>,
  runOne: (job: Job) => Promise<void>,
  stop: AbortSignal,
): Promise<void> {
  return new Promise((resolve, reject) => {
    let running = 0;
    let next: IteratorResult<Job> | undefined;
    const startMore = (): void => {
      while (!stop.aborted && running < Math.max(1, concurrency)) {
        next ??= jobs.next();
        if (next.done) break;
        if (running > 0 && mayStart?.(next.value, running) === false) break;
        const { value } = next;
        next = undefined;
        running++;
        void runOne(value).then(ended);
      }
      if (running === 0) resolve();
    };
    const ended = (): void => {
      running--;
      try {
        startMore();
      } catch (thrown) {
        reject(thrown);
      }
    };
    startMore();
  });
}

/**
 * Runs jobs side by side until all are done, no more answers are needed, one fails or the signal ends it. Then what still runs is aborted, and not waited for:
 * a scan notices only between row groups. Rejects only with what the signal says.
 */
export async function runJobs<Job, Answer>(jobs: JobRun<Job, Answer>, signal: AbortSignal): Promise<JobFailure | undefined> {
  const stop = new AbortController();
  jobs.queue.announce?.(jobs, stop.signal);
  let failure: JobFailure | undefined;
  let end = () => {};
  const ended = new Promise<void>((resolve) => {
    end = () => {
      if (!stop.signal.aborted) stop.abort(new AppError('cancelled', 'context canceled'));
      resolve();
    };
  });
  const runOne = async (job: Job): Promise<void> => {
    try {
      const answer = await runWithRetries(jobs, job, stop.signal);
      if (!stop.signal.aborted && jobs.onAnswer(answer, job)) end();
    } catch (thrown) {
      if (stop.signal.aborted) return;
      const error = toAppError(thrown);
      failure = { status: statusOfJob(error), message: error.message };
      end();
    }
  };
  signal.addEventListener('abort', end, { once: true });
  try {
    throwIfAborted(signal);
    await Promise.race([ended, startAll(jobs, runOne, stop.signal)]);
    throwIfAborted(signal);
    return failure;
  } finally {
    signal.removeEventListener('abort', end);
  }
}
