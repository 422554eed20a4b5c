import type { LeafColumn } from '#engine/parquet/schema.ts';
import type { Reference } from '#engine/traceql/ast.ts';
import { sourcesOf } from '#engine/vparquet/sources.ts';
import { columnReferences } from './compare.ts';
import { listValueColumns } from './compare-lists.ts';
import { spanStartColumn } from './counted-spans.ts';
import { firstPassColumns, listColumns } from './first-pass.ts';
import type { MetricsScan } from './metrics.ts';
import { openRowGroup, prefetch, type RowGroup } from './row-group.ts';
import type { PreparedPlan } from './scan-state.ts';
import { structureColumn } from './structure.ts';

/** Row groups whose columns are fetched ahead where round trips matter. */
const lookahead = 2;

/** Columns that a scan for metrics reads of every row group. Attribute lists are left out where an attribute has a column: it is rarely there, too. */
export function metricsColumns({ plan, prepared }: Pick<MetricsScan, 'plan' | 'prepared'>): readonly LeafColumn[] {
  const { columns } = prepared.schema;
  const references = [...plan.by, ...(plan.argument === undefined ? [] : [plan.argument])];
  const always = [structureColumn, spanStartColumn].flatMap((path) => columns.get(path) ?? []);
  const compared =
    plan.compare === undefined
      ? []
      : [
          ...columnReferences(prepared.schema).flatMap((reference) => mainColumns(prepared, reference)),
          ...listValueColumns(prepared.schema),
        ];
  return [
    ...new Set([
      ...always,
      ...firstPassColumns(prepared),
      ...references.flatMap((reference) => mainColumns(prepared, reference)),
      ...compared,
    ]),
  ];
}

function mainColumns({ schema }: PreparedPlan, reference: Reference): readonly LeafColumn[] {
  return sourcesOf(schema, reference).flatMap(({ sources }) => {
    const own = sources.flatMap((source) => (source.kind === 'column' ? [source.column] : []));
    if (own.length > 0) return own;
    return sources
      .flatMap((source) => (source.kind === 'list' ? [source.key, ...listColumns(source, 'present')] : []))
      .filter((column) => column !== undefined);
  });
}

/** Opens row groups in turn, with the reads of the next ones under way. */
export function createRowGroupOpener(scan: MetricsScan): (index: number) => RowGroup {
  const opened = new Map<number, RowGroup>();
  const columns = metricsColumns(scan);
  const ahead = scan.reader.roundTripsMatter ? lookahead : 0;
  return (index) => {
    for (let i = index; i < Math.min(index + 1 + ahead, scan.toRowGroup); i++) {
      if (opened.has(i)) continue;
      const group = openRowGroup(scan.kernels, scan.reader, scan.file, i);
      prefetch(group, columns);
      opened.set(i, group);
    }
    const group = opened.get(index)!;
    opened.delete(index);
    return group;
  };
}
