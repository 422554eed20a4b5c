import type { IncomingHttpHeaders } from 'node:http';
import type { ServerAnswer, ServerRequest } from '../server/exchange.ts';
import type { WorkerRequest, WorkerResponse } from '../worker-protocol/messages.ts';

const encoder = new TextEncoder();

/**
 * Runs requests of a frontend as if they had come over HTTP: same routes, same answers, names of headers in any case (spec read-path §9.3). Never rejects, as `answer`
 * does not.
 */
export function executeRequest(
  answer: (request: ServerRequest) => Promise<ServerAnswer>,
): (request: WorkerRequest, signal: AbortSignal) => Promise<WorkerResponse> {
  return async ({ method, url, headers }, signal) => {
    const mark = url.indexOf('?');
    const path = mark < 0 ? url : url.slice(0, mark);
    const lower: IncomingHttpHeaders = Object.fromEntries(headers.map(([name, value]) => [name.toLowerCase(), value]));
    const query = mark < 0 ? '' : url.slice(mark + 1);
    const { status, headers: own, body } = await answer({ method, path, query, target: url, headers: lower, signal });
    return { status, headers: Object.entries(own), body: typeof body === 'string' ? encoder.encode(body) : body };
  };
}
