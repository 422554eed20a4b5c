import type { SearchAnswer } from '#engine/api/search-answer.ts';
import { encodeSearchAnswer } from '#engine/api/search-body.ts';
import { wireStatuses } from '#engine/api/status.ts';
import { toAppError } from '#engine/base/errors.ts';
import { costFields } from '../cost/ledger.ts';
import { type Handler, textAnswer } from '../server/exchange.ts';
import type { AnswerStream, StreamPart } from './query-stream.ts';

/** One server-sent event. JSON has no line breaks, so that one `data` line is enough. */
function event(name: string, data: string): string {
  return `event: ${name}\ndata: ${data}\n\n`;
}

async function* events(parts: AsyncIterable<StreamPart<SearchAnswer>>): AsyncGenerator<string, void, void> {
  yield ':\n\n'; // a comment: headers reach the client before the first trace is found
  try {
    for await (const { kind, answer, calls } of parts) {
      if (calls !== undefined) yield event('cost', JSON.stringify(costFields(calls)));
      yield event(kind, Buffer.from(encodeSearchAnswer(answer, { emptyTraces: true, rootPlaceholder: true }).body).toString());
    }
  } catch (thrown) {
    const error = toAppError(thrown);
    if (error.code !== 'cancelled') yield event('error', JSON.stringify({ status: wireStatuses[error.code].http, message: error.message }));
  }
}

const headers = {
  'Content-Type': 'text/event-stream',
  'Cache-Control': 'no-store',
  'X-Accel-Buffering': 'no', // nginx passes events on at once
};

/**
 * Makes the handler of `GET /api/search/stream`: the parameters of `/api/search`, answered with server-sent events. `partial` has traces that are new or changed,
 * `final` all of them, both as the JSON of `/api/search`; `cost`, before `final`, what functions cost, if any was called; `error` has status and message, and is the
 * last event. Bad requests are answered as `/api/search` does.
 */
export function createSearchEventsHandler(stream: AnswerStream<SearchAnswer>): Handler {
  return ({ query, headers: { 'x-scope-orgid': tenant }, signal }) => {
    try {
      const parts = stream({ path: '/api/search', query, tenant: tenant as string | undefined, signal });
      return { status: 200, headers, body: '', events: events(parts), compressible: false };
    } catch (thrown) {
      const error = toAppError(thrown);
      if (error.code === 'unauthenticated') throw error;
      return textAnswer(wireStatuses[error.code].http, error.message);
    }
  };
}
