import { type AnsweredScope, intrinsicTags, type TagNamesAnswer, toByteText } from './tags-answer.ts';
import type { TagScope, TagsVersion } from './tags-params.ts';

/** Intrinsics do not depend on the blocks, and limits do not count them. The old endpoint lists them only when asked for. */
export function withIntrinsics(answer: TagNamesAnswer, scope: TagScope, version: TagsVersion): TagNamesAnswer {
  if (scope !== 'intrinsic' && (version === 1 || scope !== 'none')) return answer;
  const names = new Map<AnsweredScope, ReadonlySet<string>>([['intrinsic', new Set(intrinsicTags.map(toByteText))], ...answer.names]);
  return { ...answer, names };
}
