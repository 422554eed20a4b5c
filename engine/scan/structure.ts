import { AppError } from '#engine/base/errors.ts';
import type { LeafColumn } from '#engine/parquet/schema.ts';
import type { Level } from '#engine/vparquet/versions.ts';
import { announcedEntries, onColumn, pagesOf, type RowGroup } from './row-group.ts';

/**
 * How the slots of the levels hang together in the scanned rows. Lists are addresses of u32, with the total as last element; those of resources and scopes, and
 * their numbers, are made when they are first asked for.
 */
export interface Structure {
  readonly traceCount: number;
  readonly resourceCount: number;
  readonly scopeCount: number;
  readonly spanCount: number;
  /** First span slot of each trace. */
  readonly traceSpans: number;
  /** First span slot of each resource. */
  readonly resourceSpans: number;
  /** First span slot of each instrumentation scope. */
  readonly scopeSpans: number;
  /** Byte map of slots that are spans, or 0 when all are: an empty list has a slot without a span. */
  readonly realSpans: number;
}

/** First event (or link) slot of each span. */
export interface ChildStarts {
  readonly starts: number;
  readonly childCount: number;
}

/** A required span column that is cheap to read: its repetition levels tell the structure. */
export const structureColumn = 'rs.ss.Spans.StatusCode';

/** A column that every block has. Throws `corrupt_block` when it is not there. */
export function requiredColumn(group: RowGroup, path: string): LeafColumn {
  const column = group.file.columns.get(path);
  if (column === undefined) throw new AppError('corrupt_block', `block ${group.reader.name}: data.parquet has no column ${path}`);
  return column;
}

/** Reads the structure of the scanned rows. */
export async function readStructure(group: RowGroup): Promise<Structure> {
  const column = requiredColumn(group, structureColumn);
  const pages = await pagesOf(group, column);
  return onColumn(group, column, () => {
    const { kernels } = group;
    const count = pages.entryCount;
    const repetitions = kernels.alloc(count);
    kernels.repetitions(pages, repetitions);
    const traceSpans = kernels.alloc(4 * (pages.rowCount + 1));
    const traceTotal = kernels.starts(repetitions, count, 0, traceSpans, pages.rowCount);
    if (traceTotal < group.rowCount) {
      throw new AppError('corrupt_block', `it holds ${traceTotal} rows, the row group should have ${group.rowCount}`);
    }
    const spanCount = kernels.u32(traceSpans, traceTotal + 1)[group.rowCount];
    let realSpans = 0;
    if (pages.valueCount < pages.entryCount) {
      realSpans = kernels.alloc(count);
      kernels.matchPresent(pages, realSpans);
    }
    const resources = spansOfLevel(group, repetitions, 1, spanCount);
    const scopes = spansOfLevel(group, repetitions, 2, spanCount);
    return {
      traceCount: group.rowCount,
      spanCount,
      traceSpans,
      realSpans,
      get resourceCount() {
        return resources().count;
      },
      get resourceSpans() {
        return resources().at;
      },
      get scopeCount() {
        return scopes().count;
      },
      get scopeSpans() {
        return scopes().at;
      },
    };
  });
}

interface SpanStarts {
  readonly at: number;
  readonly count: number;
}

/** Where the slots of a level start, once it is asked for; its space is taken here, so that it stays as long as the structure. */
function spansOfLevel({ kernels }: RowGroup, repetitions: number, level: number, spanCount: number): () => SpanStarts {
  const at = kernels.alloc(4 * (spanCount + 1));
  let made: SpanStarts | undefined;
  return () => {
    made ??= { at, count: kernels.starts(repetitions, spanCount, level, at, spanCount) };
    return made;
  };
}

/** Reads where each span's events (or links) start. `column` is a column of that level. */
export async function readChildStarts(group: RowGroup, column: LeafColumn, spanCount: number): Promise<ChildStarts> {
  const pages = await pagesOf(group, column);
  return onColumn(group, column, () => {
    const { kernels } = group;
    const count = pages.entryCount;
    const repetitions = kernels.alloc(count);
    kernels.repetitions(pages, repetitions);
    const starts = kernels.alloc(4 * (count + 1));
    const spans = kernels.starts(repetitions, count, 3, starts, count);
    if (spans < spanCount) throw new AppError('corrupt_block', `it covers ${spans} spans of ${spanCount}`);
    return { starts, childCount: kernels.u32(starts, spans + 1)[spanCount] };
  });
}

/** Slots of a level in the whole row group, as the footer has them: an upper bound for the scanned rows. */
export function slotBound(group: RowGroup, level: Level): number {
  switch (level) {
    case 'trace':
      return group.file.footer.rowGroupRows[group.index];
    case 'resource':
      return announcedEntries(group, requiredColumn(group, 'rs.Resource.ServiceName'));
    case 'scope':
      return announcedEntries(group, requiredColumn(group, 'rs.ss.Scope.Name'));
    case 'span':
      return announcedEntries(group, requiredColumn(group, structureColumn));
    case 'event':
      return announcedEntries(group, requiredColumn(group, 'rs.ss.Spans.Events.Name'));
    case 'link':
      return announcedEntries(group, requiredColumn(group, 'rs.ss.Spans.Links.SpanID'));
  }
}
