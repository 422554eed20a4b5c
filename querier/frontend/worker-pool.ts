import { grpcCodes } from '#engine/api/status.ts';
import { AppError } from '#engine/base/errors.ts';
import type { WorkerResponse } from '../worker-protocol/messages.ts';
import { createIdleWorkers, type IdleWorkers } from './idle-workers.ts';
import { createTenantQueues, type Queued, type TenantQueues } from './tenant-queues.ts';

/** How a stream ends: a gRPC status and its text. */
export interface StreamStatus {
  readonly code: number;
  readonly message: string;
}

/** A querier's stream, as it presents itself. */
export interface Worker {
  /** As it calls itself; '' where it does not. */
  readonly clientId: string;
  /** Takes several requests in one message. */
  readonly takesBatches: boolean;
  /** Sends requests, each encoded; the answers come with {@link JoinedWorker.answer}. */
  readonly send: (requests: readonly Uint8Array[]) => void;
  readonly end: (status: StreamStatus) => void;
}

/** A querier's stream that gets jobs. */
export interface JoinedWorker {
  /** Takes the answers of the last message, one per request and in their order. Another number of them ends the stream. */
  readonly answer: (responses: readonly WorkerResponse[]) => void;
  /** The stream is gone: its jobs fail, so that they are tried elsewhere. */
  readonly leave: (reason: string) => void;
}

/** A job that waits for its turn or for its answer. */
export interface PendingJob extends Queued {
  /** Encoded. */
  readonly request: Uint8Array;
  readonly sinceMs: number;
  readonly answered: (response: WorkerResponse) => void;
  readonly failed: (error: AppError) => void;
  /** The stream that has it; undefined in the queue and in the end. */
  member: Member | undefined;
}

/** A stream that gets jobs. */
export interface Member {
  readonly worker: Worker;
  /** Requests of the message that has no answer yet; undefined where nobody waits any more. */
  batch: (PendingJob | undefined)[];
  stopping: boolean;
}

/** Limits of a {@link WorkerPool}, and what happens in it, for metrics. */
export interface WorkerPoolOptions {
  readonly maxOutstandingPerTenant: number;
  /** Requests of one message, and the sum of weights at which it is full. */
  readonly maxBatchSize: number;
  readonly monotonicMs: () => number;
  readonly onLength: (tenant: string, length: number) => void;
  readonly onWaited: (waitedMs: number) => void;
  readonly onBatch: (tenant: string, size: number, weight: number) => void;
  /** The number of streams that get jobs. */
  readonly onWorkers: (count: number) => void;
}

/** Streams of queriers and the queue before them. */
export interface WorkerPool {
  /** Queues a job, and gives it to a stream that waits. False where the tenant's queue is full. */
  readonly push: (job: PendingJob) => boolean;
  /** Nobody waits for the job any more. When that is so for all jobs of a message, its stream ends, which stops the querier (spec read-path §9.3). */
  readonly abandon: (job: PendingJob) => void;
  readonly join: (worker: Worker) => JoinedWorker;
  /** A querier stops: its streams get no more jobs and end when they have answered. */
  readonly clientStops: (clientId: string) => void;
  readonly workers: () => number;
  /** Fails what waits and ends all streams. */
  readonly close: () => void;
}

const canceled = 'context canceled';
const stopping: StreamStatus = { code: grpcCodes.unavailable, message: 'query-frontend is stopping' };
const done: StreamStatus = { code: 0, message: '' };

/** What real frontends say when nobody waits for any job of a message. */
function cancelStatus(size: number): StreamStatus {
  const message = size === 1 ? canceled : `${size} errors: ${Array.from({ length: size }, () => canceled).join('; ')}`;
  return { code: grpcCodes.cancelled, message };
}

function wrongCount(got: number, wanted: number): StreamStatus {
  const message = `unexpected error reporting results upstream: incorrect number of responses to pipeline ${got} != ${wanted}`;
  return { code: grpcCodes.unknown, message };
}

function failBatch(member: Member, message: string): void {
  const { batch } = member;
  member.batch = [];
  for (const job of batch) {
    if (job === undefined) continue;
    job.member = undefined;
    job.failed(new AppError('unavailable', message));
  }
}

/** Takes the next message's jobs out of the queue, which must not be empty, and sends them. */
function give(queues: TenantQueues<PendingJob>, member: Member, options: WorkerPoolOptions): void {
  const jobs = queues.take(member.worker.takesBatches ? options.maxBatchSize : 1, options.maxBatchSize);
  const nowMs = options.monotonicMs();
  let weight = 0;
  for (const job of jobs) {
    job.member = member;
    weight += job.weight;
    options.onWaited(nowMs - job.sinceMs);
  }
  member.batch = jobs;
  options.onBatch(jobs[0]!.tenant, jobs.length, weight);
  member.worker.send(jobs.map(({ request }) => request));
}

/** The streams of a pool, beside what its users see. */
interface Members {
  readonly all: Set<Member>;
  readonly idle: IdleWorkers<Member>;
  readonly end: (member: Member, status: StreamStatus) => void;
  /** The member has nothing to answer any more: it gets the next jobs, waits for some, or ends. */
  readonly release: (member: Member) => void;
  readonly answer: (member: Member, responses: readonly WorkerResponse[]) => void;
  readonly leave: (member: Member, reason: string) => void;
}

function createMembers(queues: TenantQueues<PendingJob>, options: WorkerPoolOptions): Members {
  const idle = createIdleWorkers<Member>(({ worker }) => worker.clientId);
  const all = new Set<Member>();
  const remove = (member: Member): void => {
    idle.remove(member);
    if (all.delete(member)) options.onWorkers(all.size);
  };
  const end = (member: Member, status: StreamStatus): void => {
    remove(member);
    member.worker.end(status);
  };
  const release = (member: Member): void => {
    member.batch = [];
    if (member.stopping) end(member, done);
    else if (queues.isEmpty()) idle.add(member);
    else give(queues, member, options);
  };
  const answer = (member: Member, responses: readonly WorkerResponse[]): void => {
    const { batch } = member;
    if (!all.has(member)) return;
    if (responses.length !== batch.length || batch.length === 0) {
      const status = wrongCount(responses.length, batch.length);
      end(member, status);
      failBatch(member, status.message);
      return;
    }
    for (const [index, job] of batch.entries()) {
      if (job === undefined) continue;
      job.member = undefined;
      job.answered(responses[index]!);
    }
    release(member);
  };
  const leave = (member: Member, reason: string): void => {
    remove(member);
    failBatch(member, `querier stream ended: ${reason}`);
  };
  return { all, idle, end, release, answer, leave };
}

/** Starts without streams. */
export function createWorkerPool(options: WorkerPoolOptions): WorkerPool {
  const queues = createTenantQueues<PendingJob>(options);
  const { all, idle, end, release, answer, leave } = createMembers(queues, options);
  let closed = false;
  return {
    join: (worker) => {
      const member: Member = { worker, batch: [], stopping: false };
      if (closed) worker.end(stopping);
      else {
        all.add(member);
        options.onWorkers(all.size);
        release(member);
      }
      return { answer: (responses) => answer(member, responses), leave: (reason) => leave(member, reason) };
    },
    workers: () => all.size,
    push: (job) => {
      if (closed) throw new AppError('unavailable', stopping.message);
      if (!queues.push(job)) return false;
      for (let member = idle.take(); member !== undefined; member = queues.isEmpty() ? undefined : idle.take())
        give(queues, member, options);
      return true;
    },
    abandon: (job) => {
      const { member } = job;
      if (member === undefined) {
        queues.remove(job);
        return;
      }
      job.member = undefined;
      member.batch[member.batch.indexOf(job)] = undefined;
      if (member.batch.every((left) => left === undefined)) end(member, cancelStatus(member.batch.length));
    },
    clientStops: (clientId) => {
      for (const member of all) {
        if (member.worker.clientId !== clientId) continue;
        member.stopping = true;
        if (member.batch.length === 0) end(member, done);
      }
    },
    close: () => {
      closed = true;
      for (const job of queues.clear()) job.failed(new AppError('unavailable', stopping.message));
      for (const member of all) end(member, stopping);
    },
  };
}
