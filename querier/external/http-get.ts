import type { Endpoint } from './endpoints.ts';
import type { HttpAnswer, HttpSend } from './http-send.ts';

/** Sends one GET: the query string replaces that of the endpoint (spec serverless §2). Rejects as {@link HttpSend} does. */
export type HttpGet = (
  endpoint: Endpoint,
  query: string,
  headers: Readonly<Record<string, string>>,
  signal: AbortSignal,
) => Promise<HttpAnswer>;

/** GETs of a client. */
export function httpGetOf(send: HttpSend): HttpGet {
  return (endpoint, query, headers, signal) => send(endpoint, { method: 'GET', target: `${endpoint.path}?${query}`, headers }, signal);
}
