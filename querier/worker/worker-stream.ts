import type { ClientHttp2Session } from 'node:http2';
import { AppError } from '#engine/base/errors.ts';
import type { MessageEncoding } from '../worker-protocol/grpc-messages.ts';
import {
  batchingFeature,
  decodeFrontendMessage,
  encodeBatchAnswer,
  encodeClientShutdown,
  encodeGreeting,
  encodeSingleAnswer,
  type WorkerRequest,
  type WorkerResponse,
} from '../worker-protocol/messages.ts';
import { type CallEnd, type ClientCall, openCall } from './client-call.ts';

/** What a querier's streams share. */
export interface WorkerStreamOptions {
  readonly clientId: string;
  readonly encoding: MessageEncoding;
  readonly maxSendBytes: number;
  readonly maxReceiveBytes: number;
  /** Runs a request as if it had come over HTTP. Never rejects; an abort of the signal ends it. */
  readonly execute: (request: WorkerRequest, signal: AbortSignal) => Promise<WorkerResponse>;
}

/** One `Process` stream. */
export interface WorkerStream {
  /** Resolves when the stream is over, with how it ended and whether the frontend had said anything. */
  readonly ended: Promise<CallEnd & { readonly wasUsed: boolean }>;
  /** Answers what has been asked, takes no more and ends. */
  readonly finish: () => void;
}

const errorText = new TextEncoder();

function tooLarge(size: number, maxSendBytes: number): WorkerResponse {
  const body = errorText.encode(`response larger than the max (${size} vs ${maxSendBytes})`);
  return { status: 413, headers: [['Content-Type', 'text/plain; charset=utf-8']], body };
}

/** Room for statuses, headers and lengths of one response. */
const overheadBytes = 512;

/** Replaces answers that are larger than a message may be, alone or together: the largest first (spec read-path §6). */
function withinLimit(responses: readonly WorkerResponse[], maxSendBytes: number): readonly WorkerResponse[] {
  const kept = responses.map((response) =>
    response.body.length >= maxSendBytes ? tooLarge(response.body.length, maxSendBytes) : response,
  );
  let total = kept.reduce((sum, { body }) => sum + body.length + overheadBytes, 0);
  const most = Math.max(maxSendBytes, kept.length * overheadBytes);
  while (total > most) {
    const largest = kept.reduce((best, { body }, index) => (body.length > kept[best]!.body.length ? index : best), 0);
    const size = kept[largest]!.body.length;
    const replaced = tooLarge(size, maxSendBytes);
    if (replaced.body.length >= size) break;
    total -= size - replaced.body.length;
    kept[largest] = replaced;
  }
  return kept;
}

/**
 * Opens a stream: answers GET_ID, runs jobs as they come, those of a batch at the same time, and answers them by position (spec read-path §9.2, §9.3). The end of the
 * stream, whatever its status, aborts what still runs.
 */
export function openWorkerStream(session: ClientHttp2Session, options: WorkerStreamOptions): WorkerStream {
  const { clientId, encoding, maxSendBytes, execute } = options;
  const running = new AbortController();
  let wasUsed = false;
  let busy = 0;
  let finishing = false;
  const { promise: ended, resolve } = Promise.withResolvers<CallEnd & { readonly wasUsed: boolean }>();

  const run = async (call: ClientCall, requests: readonly WorkerRequest[], encode: typeof encodeBatchAnswer): Promise<void> => {
    busy++;
    const responses = await Promise.all(requests.map((request) => execute(request, running.signal)));
    busy--;
    if (running.signal.aborted) return;
    call.send(encode(withinLimit(responses, maxSendBytes)));
    if (finishing && busy === 0) call.finish();
  };

  const call: ClientCall = openCall(session, {
    path: '/frontend.Frontend/Process',
    encoding,
    maxMessageBytes: options.maxReceiveBytes,
    onMessage: (bytes) => {
      wasUsed = true;
      const message = decodeFrontendMessage(bytes);
      if (message.kind === 'get_id') call.send(encodeGreeting(clientId, batchingFeature));
      else if (message.kind === 'batch') void run(call, message.requests, encodeBatchAnswer);
      else void run(call, [message.request], ([response]) => encodeSingleAnswer(response!));
    },
    onEnd: (end) => {
      running.abort(new AppError('cancelled', 'context canceled'));
      resolve({ ...end, wasUsed });
    },
  });
  return {
    ended,
    finish: () => {
      finishing = true;
      if (busy === 0) call.finish();
    },
  };
}

/** Tells a frontend that this querier stops, so that it gets no more jobs. Resolves also where the frontend does not know the call. */
export function notifyShutdown(session: ClientHttp2Session, clientId: string): Promise<void> {
  return new Promise((resolve) => {
    const call = openCall(session, {
      path: '/frontend.Frontend/NotifyClientShutdown',
      encoding: 'identity',
      maxMessageBytes: 1 << 16,
      onMessage: () => {},
      onEnd: () => resolve(),
    });
    call.send(encodeClientShutdown(clientId));
    call.finish();
  });
}
