import type { SearchPlan, Test } from '#engine/traceql/plan.ts';
import type { BlockSchema, SourceGroup } from '#engine/vparquet/sources.ts';
import { sourcesOf } from '#engine/vparquet/sources.ts';
import type { Mask } from './masks.ts';
import type { RowGroup } from './row-group.ts';
import { type StringPredicate, stringPredicate } from './string-predicates.ts';
import { type ChildStarts, readChildStarts, readStructure, requiredColumn, type Structure } from './structure.ts';

/** A test with all that does not depend on the row group worked out: once per job. */
export interface PreparedTest {
  readonly test: Test;
  readonly groups: readonly SourceGroup[];
  /** The predicate for string columns; undefined when no string satisfies it. */
  readonly strings: StringPredicate | undefined;
}

/** A plan bound to a block. */
export interface PreparedPlan {
  readonly plan: SearchPlan;
  readonly schema: BlockSchema;
  readonly tests: readonly PreparedTest[];
}

/** Binds a plan to a block: where its references are stored, regular expressions compiled. */
export function preparePlan(plan: SearchPlan, schema: BlockSchema): PreparedPlan {
  const tests = plan.tests.map((test) => ({ test, groups: sourcesOf(schema, test.reference), strings: stringPredicate(test.predicate) }));
  return { plan, schema, tests };
}

/** What one row group's evaluation has found out so far. */
export interface ScanState {
  readonly group: RowGroup;
  readonly prepared: PreparedPlan;
  readonly structure: () => Promise<Structure>;
  readonly childStarts: (level: 'event' | 'link') => Promise<ChildStarts>;
  /** Per test and source group (span before resource), the slots whose value satisfies the test: what decides which attributes are shown. */
  readonly testMasks: Map<number, readonly Mask[]>;
  /** Nested-set numbers of the span slots, by column path. */
  readonly treeNumbers: Map<string, Promise<Int32Array>>;
}

/** Starts on a row group. */
export function createScanState(group: RowGroup, prepared: PreparedPlan): ScanState {
  let structure: Promise<Structure> | undefined;
  const children = new Map<'event' | 'link', Promise<ChildStarts>>();
  const getStructure = () => {
    structure ??= readStructure(group);
    return structure;
  };
  return {
    group,
    prepared,
    structure: getStructure,
    childStarts: (level) => {
      let starts = children.get(level);
      if (starts === undefined) {
        const column = requiredColumn(group, level === 'event' ? 'rs.ss.Spans.Events.Name' : 'rs.ss.Spans.Links.SpanID');
        starts = getStructure().then(({ spanCount }) => readChildStarts(group, column, spanCount));
        children.set(level, starts);
      }
      return starts;
    },
    testMasks: new Map(),
    treeNumbers: new Map(),
  };
}
