import type { Http2ServerRequest } from 'node:http2';
import { grpcCodes } from '#engine/api/status.ts';
import type { WorkerService } from '../frontend/worker-service.ts';
import { refuseCall, type ServerCall, serveCall } from './grpc-stream.ts';
import type { AnyRequest, AnyResponse } from './listen.ts';

/** What a port serves over gRPC. */
export interface GrpcServices {
  /** Queriers of a query-frontend; undefined in other processes. */
  readonly workers: WorkerService | undefined;
  /** Clients that stream answers; undefined in a querier. */
  readonly clients: ((request: AnyRequest, response: AnyResponse) => void) | undefined;
  /** As `/ready` says it. */
  readonly isReady: () => boolean;
}

const workerService = '/frontend.Frontend/';
const healthCheck = '/grpc.health.v1.Health/Check';
const maxHealthBytes = 1 << 16;
/** `status` of a HealthCheckResponse. */
const serving = Uint8Array.of(0x08, 1);
const notServing = Uint8Array.of(0x08, 2);

/** True for calls of queriers, which any port takes. */
export function isWorkerCall({ url = '' }: AnyRequest): boolean {
  return url.startsWith(workerService);
}

function answerHealth(isReady: () => boolean) {
  return (call: ServerCall) => ({
    onMessage: () => {
      call.send(isReady() ? serving : notServing);
      call.end(0, '');
    },
    onEnd: () => call.end(0, ''),
    onClose: () => {},
  });
}

/** Tells apart calls of queriers, of clients, and of those who ask for the health; what nobody serves is UNIMPLEMENTED. */
export function createGrpcRouter({ workers, clients, isReady }: GrpcServices): (request: AnyRequest, response: AnyResponse) => void {
  return (request, response) => {
    const { url = '' } = request;
    const ours = isWorkerCall(request) || url === healthCheck;
    if ('stream' in response && (clients === undefined || (ours && (workers !== undefined || url === healthCheck)))) {
      const { stream } = response;
      const { headers } = request as Http2ServerRequest;
      // Node's compatible interfaces would send trailers of their own.
      stream.removeAllListeners('wantTrailers');
      if (url === healthCheck) serveCall(stream, headers, { maxMessageBytes: maxHealthBytes, onError: () => {} }, answerHealth(isReady));
      else if (workers?.(url, stream, headers) !== true) {
        refuseCall(stream, grpcCodes.unimplemented, `unknown service ${url.split('/')[1] ?? ''}`);
      }
      return;
    }
    if (clients !== undefined) clients(request, response);
    else response.destroy();
  };
}
