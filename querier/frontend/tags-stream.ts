import type { TagNamesAnswer, TagValuesAnswer } from '#engine/api/tags-answer.ts';
import type { TagsVersion } from '#engine/api/tags-params.ts';
import { type AnswerStream, createQueryStream, type QueryStreamOptions, type StreamedQuery } from './query-stream.ts';
import { tagKinds } from './tags-handler.ts';
import { type StartedTags, startTagNames, startTagValues, type TagsEnvironment } from './tags-query.ts';

/** What the streams of names and values need. */
export type TagsStreamOptions = QueryStreamOptions & TagsEnvironment;

function streamed<Answer extends { readonly inspectedBytes: number }>(started: StartedTags<Answer>): StreamedQuery<Answer> {
  const { completedJobs, result, log } = started;
  return { ...started, log: log(true), cost: () => ({ inspectedBytes: result().inspectedBytes, totalJobs: completedJobs() }) };
}

/** Names of tags that come while jobs run. */
export function createTagNamesStream(options: TagsStreamOptions, version: TagsVersion): AnswerStream<TagNamesAnswer> {
  return createQueryStream(options, tagKinds.names[version], ({ query }, tenants) =>
    streamed(startTagNames(options, version, query, tenants)),
  );
}

/** Values of a tag that come while jobs run. */
export function createTagValuesStream(options: TagsStreamOptions, version: TagsVersion): AnswerStream<TagValuesAnswer> {
  return createQueryStream(options, tagKinds.values[version], (request, tenants) =>
    streamed(startTagValues(options, version, request, tenants)),
  );
}
