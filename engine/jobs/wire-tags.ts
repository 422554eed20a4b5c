import { withIntrinsics } from '#engine/api/intrinsic-tags.ts';
import type { WireAnswer, WireJob } from '#engine/api/job-wire.ts';
import type { TagNamesAnswer, TagValuesAnswer } from '#engine/api/tags-answer.ts';
import { parseTagNamesBlockParams, parseTagValuesBlockParams, type TagTenantLimits } from '#engine/api/tags-block-params.ts';
import { encodeTagNames, encodeTagValues, type TagsBody } from '#engine/api/tags-body.ts';
import { type TagScope, type TagsVersion, tagNameOf } from '#engine/api/tags-params.ts';
import { AppError, toAppError } from '#engine/base/errors.ts';
import type { Reference } from '#engine/traceql/ast.ts';
import { oldTag } from '#engine/traceql/old-tag.ts';
import { parseIdentifier } from '#engine/traceql/parse.ts';
import { parseTagFilter } from '#engine/traceql/tag-filter.ts';
import type { JobEnvironment } from './environment.ts';
import { type TagNamesJob, tagNamesInBlock } from './tag-names-block.ts';
import { type TagValuesJob, tagValuesInBlock } from './tag-values-block.ts';

/** Where a job's URL says nothing: no limits. */
export const noTagLimits: TagTenantLimits = { maxBytes: 0, maxConditionGroups: 0 };

function bodyAnswer({ contentType, body }: TagsBody): WireAnswer {
  return { status: 200, contentType, body: typeof body === 'string' ? Buffer.from(body) : body };
}

function formatOf(accept: WireJob['accept']): 'json' | 'protobuf' {
  return accept === 'application/protobuf' ? 'protobuf' : 'json';
}

/** The answer of a job for names as queriers send it. */
export function tagNamesWireAnswer(answer: TagNamesAnswer, scope: TagScope, version: TagsVersion, accept: WireJob['accept']): WireAnswer {
  return bodyAnswer(encodeTagNames(withIntrinsics(answer, scope, version), version, formatOf(accept)));
}

/** The answer of a job for values as queriers send it. */
export function tagValuesWireAnswer(answer: TagValuesAnswer, version: TagsVersion, accept: WireJob['accept']): WireAnswer {
  return bodyAnswer(encodeTagValues(answer, version, formatOf(accept)));
}

/** Reads a job for names from its URL's query string. Throws `bad_request`. */
export function readTagNamesJob(query: string, version: TagsVersion, tenant: TagTenantLimits): TagNamesJob {
  const { scope, filter, block, limits, maxConditionGroups } = parseTagNamesBlockParams(query, version, tenant);
  return { block, scope, limits, filter: parseTagFilter(filter, maxConditionGroups) };
}

/** Reads a job for values from its URL's path and query string. Throws `bad_request`. */
export function readTagValuesJob(path: string, query: string, version: TagsVersion, tenant: TagTenantLimits): TagValuesJob {
  const name = tagNameOf(path);
  const tag = version === 2 ? parseTag(name) : oldTag(name);
  const { filter, block, limits, maxConditionGroups } = parseTagValuesBlockParams(query, version, tenant);
  return { block, tag, limits, filter: parseTagFilter(filter, maxConditionGroups) };
}

/** What the name of a v2 request means. Throws `bad_request` with Tempo's text. */
export function parseTag(name: string): Reference {
  try {
    return parseIdentifier(name);
  } catch (thrown) {
    throw new AppError('bad_request', `please provide a valid tagName: ${toAppError(thrown).message}`, { cause: thrown });
  }
}

/** A job's URL, cut. */
export interface WireUrl {
  readonly path: string;
  /** Without `?`. */
  readonly query: string;
  readonly version: 1 | 2;
}

/** Runs a job for names. Rejects as `tagNamesInBlock` does, and with `bad_request` where the URL is wrong. */
export async function runTagNamesWireJob(
  environment: JobEnvironment,
  job: WireJob,
  url: WireUrl,
  signal: AbortSignal,
): Promise<WireAnswer> {
  const read = readTagNamesJob(url.query, url.version, noTagLimits);
  return tagNamesWireAnswer(await tagNamesInBlock(environment, job.tenant, read, signal), read.scope, url.version, job.accept);
}

/** As {@link runTagNamesWireJob} for values. */
export async function runTagValuesWireJob(
  environment: JobEnvironment,
  job: WireJob,
  url: WireUrl,
  signal: AbortSignal,
): Promise<WireAnswer> {
  const read = readTagValuesJob(url.path, url.query, url.version, noTagLimits);
  return tagValuesWireAnswer(await tagValuesInBlock(environment, job.tenant, read, signal), url.version, job.accept);
}
