import type { AnswerFormat } from '#engine/api/search-answer.ts';

/** The format that an `Accept` header asks of a search: a substring test, quality values ignored (spec http-api §2). */
export function acceptedFormat(accept: string | undefined): AnswerFormat {
  return accept?.includes('application/protobuf') ? 'protobuf' : 'json';
}
