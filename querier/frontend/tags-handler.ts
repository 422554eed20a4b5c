import { encodeTagNames, encodeTagValues, type TagsBody, type TagsFormat } from '#engine/api/tags-body.ts';
import type { TagsVersion } from '#engine/api/tags-params.ts';
import type { Handler, ServerAnswer } from '../server/exchange.ts';
import type { QueryKind } from './query-end.ts';
import { createQueryHandler, type QueryHandlerOptions, type QueryOutcome } from './query-handler.ts';
import type { QueryLog } from './query-log.ts';
import { type StartedTags, startTagNames, startTagValues, type TagsEnvironment } from './tags-query.ts';

/** What {@link createTagNamesHandler} and {@link createTagValuesHandler} need. */
export type TagsHandlerOptions = QueryHandlerOptions & TagsEnvironment;

/** As metrics and log know the endpoints. */
export const tagKinds: Readonly<Record<'names' | 'values', Readonly<Record<TagsVersion, QueryKind>>>> = {
  names: { 1: { op: 'metadata', name: 'search tags' }, 2: { op: 'metadata', name: 'search tags v2' } },
  values: { 1: { op: 'metadata', name: 'search tag values' }, 2: { op: 'metadata', name: 'search tag values v2' } },
};

function acceptedTagsFormat(accept = ''): TagsFormat {
  if (accept.includes('application/protobuf')) return 'protobuf';
  return accept.includes('application/vnd.grafana.llm') && !accept.includes('application/json') ? 'llm' : 'json';
}

function answerOf({ contentType, body }: TagsBody): ServerAnswer {
  return { status: 200, headers: { 'Content-Type': contentType }, body, compressible: true };
}

async function outcomeOf<Answer extends { readonly inspectedBytes: number }>(
  { log, run, result, completedJobs }: StartedTags<Answer>,
  signal: AbortSignal,
  tell: (log: QueryLog) => void,
  encode: (answer: Answer) => TagsBody,
): Promise<QueryOutcome> {
  tell(log(false));
  const failure = await run(() => {}, signal);
  if (failure !== undefined) return { kind: 'jobFailed', ...failure };
  const answer = result();
  const { inspectedBytes } = answer;
  return { kind: 'answered', answer: answerOf(encode(answer)), cost: { inspectedBytes, totalJobs: completedJobs() } };
}

/** Makes the handler of `GET /api/search/tags` (v1) or `GET /api/v2/search/tags` (spec http-api §5.1). */
export function createTagNamesHandler(options: TagsHandlerOptions, version: TagsVersion): Handler {
  return createQueryHandler(options, tagKinds.names[version], async ({ query, headers }, tenants, signal, tell) =>
    outcomeOf(startTagNames(options, version, query, tenants), signal, tell, (answer) =>
      encodeTagNames(answer, version, acceptedTagsFormat(headers.accept)),
    ),
  );
}

/** Makes the handler of `GET /api/search/tag/{tagName}/values` (v1) or its v2 (spec http-api §5.2, §5.3). */
export function createTagValuesHandler(options: TagsHandlerOptions, version: TagsVersion): Handler {
  return createQueryHandler(options, tagKinds.values[version], async (request, tenants, signal, tell) =>
    outcomeOf(startTagValues(options, version, request, tenants), signal, tell, (answer) =>
      encodeTagValues(answer, version, acceptedTagsFormat(request.headers.accept)),
    ),
  );
}
