import type { IncomingHttpHeaders } from 'node:http';
import type { WireAnswer, WireJob } from '#engine/api/job-wire.ts';
import type { ServerAnswer } from '../server/exchange.ts';

/** The format that a job's sender wants: JSON unless `Accept` is exactly `application/protobuf` (spec http-api §9.2). */
export function jobAccept({ accept }: IncomingHttpHeaders): WireJob['accept'] {
  return accept === 'application/protobuf' ? accept : 'application/json';
}

/** A job's answer as an HTTP answer. */
export function serverAnswer({ status, contentType, body }: WireAnswer): ServerAnswer {
  return { status, headers: contentType === '' ? {} : { 'Content-Type': contentType }, body, compressible: true };
}
