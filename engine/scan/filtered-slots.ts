import { planSearch } from '#engine/traceql/plan.ts';
import { groupQuery, type TagCondition, type TagFilter } from '#engine/traceql/tag-filter.ts';
import { type BlockSchema, levelOf } from '#engine/vparquet/sources.ts';
import type { Level } from '#engine/vparquet/versions.ts';
import { evaluateSpansets } from './evaluate.ts';
import { type Mask, slotCount } from './masks.ts';
import type { RowGroup } from './row-group.ts';
import { createScanState, type PreparedPlan, preparePlan, type ScanState } from './scan-state.ts';
import { evaluateTest } from './tests.ts';

/** One group of a filter, bound to a block. */
export interface PreparedGroup {
  readonly conditions: readonly TagCondition[];
  readonly prepared: PreparedPlan;
}

/** Binds the groups of a filter to a block, once per job. */
export function prepareGroups(groups: TagFilter['groups'], schema: BlockSchema): readonly PreparedGroup[] {
  return groups.map((conditions) => ({ conditions, prepared: preparePlan(planSearch(groupQuery(conditions)), schema) }));
}

/** The spans of a row group that satisfy a group, as a byte map; its address is in WASM memory. */
export interface FilteredSpans {
  readonly state: ScanState;
  readonly spans: number;
}

/** Evaluates a group on a whole row group; undefined where no span satisfies it. */
export async function filterSpans(group: RowGroup, { prepared }: PreparedGroup): Promise<FilteredSpans | undefined> {
  const state = createScanState(group, prepared);
  const spans = await evaluateSpansets(state, prepared.plan.spansets);
  return spans === undefined ? undefined : { state, spans };
}

/**
 * Byte map of the slots of a level that hang together with the matching spans: their traces, resources and scopes, they themselves, or their events and links;
 * of those the ones that satisfy the conditions on them.
 */
export async function slotsOfSpans({ state, spans }: FilteredSpans, level: Level): Promise<number> {
  const { kernels } = state.group;
  const structure = await state.structure();
  if (level === 'span') return spans;
  const count = await slotCount(state, level);
  const out = kernels.alloc(count);
  switch (level) {
    case 'trace':
      kernels.anyChild(spans, structure.traceSpans, structure.traceCount, out);
      return out;
    case 'resource':
      kernels.anyChild(spans, structure.resourceSpans, structure.resourceCount, out);
      return out;
    case 'scope':
      kernels.anyChild(spans, structure.scopeSpans, structure.scopeCount, out);
      return out;
    default: {
      const { starts } = await state.childStarts(level);
      kernels.expand(spans, starts, structure.spanCount, out);
      for (const mask of await childMasks(state, level)) if (mask.kind === 'some') kernels.and(out, mask.at, out, count);
      return out;
    }
  }
}

/** What the conditions say of each event or link. */
async function childMasks(state: ScanState, level: 'event' | 'link'): Promise<readonly Mask[]> {
  const masks: Mask[] = [];
  for (const [index, { test }] of state.prepared.tests.entries()) {
    if (test.predicate.kind !== 'absent' && levelOf(test.reference) === level) masks.push(await evaluateTest(state, index));
  }
  return masks;
}
