import type { Http2ServerRequest } from 'node:http2';
import type { WorkerService } from '../frontend/worker-service.ts';
import type { AnyRequest, AnyResponse } from './listen.ts';

const workerService = '/frontend.Frontend/';

/** True for calls of queriers, which any port takes. */
export function isWorkerCall({ url = '' }: AnyRequest): boolean {
  return url.startsWith(workerService);
}

/** Tells apart calls of queriers and of clients; a process without one of these answers UNIMPLEMENTED, as Connect does for services that it does not know. */
export function createGrpcRouter(
  workers: WorkerService | undefined,
  clients: ((request: AnyRequest, response: AnyResponse) => void) | undefined,
): (request: AnyRequest, response: AnyResponse) => void {
  return (request, response) => {
    if (workers !== undefined && isWorkerCall(request) && 'stream' in response) {
      const { stream } = response;
      // Node's compatible interfaces would send trailers of their own.
      stream.removeAllListeners('wantTrailers');
      if (workers(request.url ?? '', stream, (request as Http2ServerRequest).headers)) return;
    }
    if (clients !== undefined) clients(request, response);
    else response.destroy();
  };
}
