import { encodeTagNames, encodeTagValues, type TagsBody, type TagsFormat } from '#engine/api/tags-body.ts';
import type { TagsVersion } from '#engine/api/tags-params.ts';
import type { Handler, ServerAnswer } from '../server/exchange.ts';
import { createQueryHandler, type QueryHandlerOptions, type QueryOutcome } from './query-handler.ts';
import { type StartedTags, startTagNames, startTagValues, type TagsEnvironment } from './tags-query.ts';

/** What {@link createTagNamesHandler} and {@link createTagValuesHandler} need. */
export type TagsHandlerOptions = QueryHandlerOptions & TagsEnvironment;

function acceptedTagsFormat(accept = ''): TagsFormat {
  if (accept.includes('application/protobuf')) return 'protobuf';
  return accept.includes('application/vnd.grafana.llm') && !accept.includes('application/json') ? 'llm' : 'json';
}

function answerOf({ contentType, body }: TagsBody): ServerAnswer {
  return { status: 200, headers: { 'Content-Type': contentType }, body, compressible: true };
}

async function outcomeOf<Answer extends { readonly inspectedBytes: number }>(
  { run, result, completedJobs }: StartedTags<Answer>,
  signal: AbortSignal,
  encode: (answer: Answer) => TagsBody,
): Promise<QueryOutcome> {
  const failure = await run(() => {}, signal);
  if (failure !== undefined) return { kind: 'jobFailed', ...failure };
  const answer = result();
  return { kind: 'answered', answer: answerOf(encode(answer)), inspectedBytes: answer.inspectedBytes, totalJobs: completedJobs() };
}

/** Makes the handler of `GET /api/search/tags` (v1) or `GET /api/v2/search/tags` (spec http-api §5.1). */
export function createTagNamesHandler(options: TagsHandlerOptions, version: TagsVersion): Handler {
  return createQueryHandler(options, 'metadata', async ({ query, headers }, tenants, signal) =>
    outcomeOf(startTagNames(options, version, query, tenants), signal, (answer) =>
      encodeTagNames(answer, version, acceptedTagsFormat(headers.accept)),
    ),
  );
}

/** Makes the handler of `GET /api/search/tag/{tagName}/values` (v1) or its v2 (spec http-api §5.2, §5.3). */
export function createTagValuesHandler(options: TagsHandlerOptions, version: TagsVersion): Handler {
  return createQueryHandler(options, 'metadata', async (request, tenants, signal) =>
    outcomeOf(startTagValues(options, version, request, tenants), signal, (answer) =>
      encodeTagValues(answer, version, acceptedTagsFormat(request.headers.accept)),
    ),
  );
}
