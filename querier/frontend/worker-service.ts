import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import type { AppError } from '#engine/base/errors.ts';
import { type CallHandler, refuseCall, type ServerCall, serveCall } from '../server/grpc-stream.ts';
import type { Logger } from '../telemetry/log.ts';
import { batchingFeature, decodeClientShutdown, decodeWorkerMessage, encodeRequests, getIdMessage } from '../worker-protocol/messages.ts';
import type { JoinedWorker, WorkerPool } from './worker-pool.ts';

/** What {@link createWorkerService} needs. */
export interface WorkerServiceOptions {
  readonly pool: WorkerPool;
  /** `server.grpc_server_max_recv_msg_size`. */
  readonly maxMessageBytes: number;
  readonly logger: Logger;
}

/** Serves a call of `frontend.Frontend`; false for other paths. */
export type WorkerService = (path: string, stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => boolean;

const service = '/frontend.Frontend/';

/** A querier's stream: GET_ID first, then jobs as the pool has them (spec read-path §9.2). */
function process({ pool }: WorkerServiceOptions, call: ServerCall): CallHandler {
  let joined: JoinedWorker | undefined;
  call.send(getIdMessage);
  return {
    onMessage: (message) => {
      const { clientId, features, responses } = decodeWorkerMessage(message);
      if (joined !== undefined) {
        joined.answer(responses);
        return;
      }
      joined = pool.join({
        clientId,
        takesBatches: (features & batchingFeature) !== 0,
        send: (requests) => call.send(encodeRequests(requests)),
        end: ({ code, message: text }) => call.end(code, text),
      });
    },
    onEnd: () => {
      joined?.leave('the querier has closed it');
      call.end(0, '');
    },
    onClose: () => joined?.leave('the connection is gone'),
  };
}

/** NotifyClientShutdown: unary, answered with an empty message. */
function notifyShutdown({ pool, logger }: WorkerServiceOptions, call: ServerCall): CallHandler {
  return {
    onMessage: (message) => {
      const clientId = decodeClientShutdown(message);
      logger.debug('querier stops', { querier: clientId });
      pool.clientStops(clientId);
      call.send(new Uint8Array(0));
      call.end(0, '');
    },
    onEnd: () => call.end(0, ''),
    onClose: () => {},
  };
}

/** Serves `frontend.Frontend` on streams of an HTTP/2 server: queriers get their jobs there, ours and real ones. */
export function createWorkerService(options: WorkerServiceOptions): WorkerService {
  const { maxMessageBytes, logger } = options;
  const onError = (error: AppError) => logger.warn('querier stream failed', { err: error.message });
  return (path, stream, headers) => {
    if (!path.startsWith(service)) return false;
    const method = path.slice(service.length);
    const start = method === 'Process' ? process : method === 'NotifyClientShutdown' ? notifyShutdown : undefined;
    if (start === undefined) refuseCall(stream, 12, `unknown method ${method} for service frontend.Frontend`);
    else serveCall(stream, headers, { maxMessageBytes, onError }, (call) => start(options, call));
    return true;
  };
}
