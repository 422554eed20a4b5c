import type { FunctionAnswer } from '#engine/api/function-call.ts';
import type { WireJob } from '#engine/api/job-wire.ts';
import type { Clock } from '#engine/base/clock.ts';
import { throwIfAborted, toAppError } from '#engine/base/errors.ts';
import { allFailed, batchResult, encodeBatch, readBatch } from './batch.ts';
import type { Call, CallResult, Invoke, JobFailed } from './invoke.ts';
import { joinParts, splitCall } from './split-calls.ts';
import { failure } from './status-failure.ts';

/** What goes out: the bytes of a call. */
export interface BatchRequest {
  readonly body: Uint8Array;
  readonly gzip: boolean;
}

/** What came back: the bytes of an answer, or why there are none. */
export type BatchReply =
  | { readonly kind: 'body'; readonly body: Uint8Array /** Where the platform says it. */; readonly billedMs?: number }
  | JobFailed;

/** Carries a call to a function and its answer back. Rejects when nothing came back; an abort of the signal ends it. */
export type CarryBatch = (request: BatchRequest, signal: AbortSignal) => Promise<BatchReply>;

/** What {@link createBatchInvoke} needs. */
export interface BatchInvokeOptions {
  readonly carry: CarryBatch;
  /** Most bytes of a request as the platform counts them: what `carry` makes of the body. */
  readonly maxRequestBytes: number;
  readonly clock: Clock;
  /** Told of each answer: a function may have been replaced. */
  readonly onAnswer: (answer: FunctionAnswer) => void;
}

/** URLs of one query's jobs are much alike: what a request has before compression is several times what it has after. */
const urlBytesPerRequest = 4;

/** Makes the calls of one endpoint that understands calls of several jobs. */
export function createBatchInvoke(options: BatchInvokeOptions): Invoke {
  const { carry, maxRequestBytes, clock, onAnswer } = options;

  const send = async (call: Call, jobs: readonly WireJob[], signal: AbortSignal): Promise<CallResult> => {
    const request = await encodeBatch(call, jobs, clock.nowMs());
    throwIfAborted(signal);
    if (request.body.length > maxRequestBytes) {
      if (jobs.length === 1) return notSent(jobs, `the job has ${request.body.length} bytes, more than the platform takes`);
      const middle = jobs.length >> 1;
      const parts = [jobs.slice(0, middle), jobs.slice(middle)];
      const results = await Promise.all(parts.map((part) => send(call, part, signal)));
      return joinParts([[...parts[0]!.keys()], [...parts[1]!.keys()].map((index) => middle + index)], results);
    }
    try {
      const reply = await carry(request, signal);
      if (reply.kind === 'failed') return allFailed(jobs, reply);
      const answer = readBatch(reply.body, jobs.length);
      if ('kind' in answer) return allFailed(jobs, answer);
      onAnswer(answer);
      return batchResult(answer, reply.billedMs);
    } catch (thrown) {
      throwIfAborted(signal);
      const { code, message } = toAppError(thrown);
      return allFailed(jobs, failure('transport', code, message, true));
    }
  };

  return async (call, signal) => {
    throwIfAborted(signal);
    const parts = splitCall(call.jobs, urlBytesPerRequest * maxRequestBytes);
    const results = await Promise.all(
      parts.map((part) =>
        send(
          call,
          part.map((index) => call.jobs[index]!),
          signal,
        ),
      ),
    );
    return joinParts(parts, results);
  };
}

function notSent(jobs: readonly WireJob[], message: string): CallResult {
  const failed = failure('too_large', 'too_large', message, false);
  return { outcomes: jobs.map(() => failed), cost: { requests: 0, billedMs: undefined, memoryMb: undefined, coldStart: false } };
}
