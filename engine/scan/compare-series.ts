import type { MetricsLabel, MetricsSeries } from '#engine/api/metrics-series.ts';
import type { Reference } from '#engine/traceql/ast.ts';
import { printReference } from '#engine/traceql/print.ts';
import type { CompareCounts } from './compare-counts.ts';
import type { LabelValues } from './label-values.ts';

const metaType = '__meta_type';
const sides = ['baseline', 'selection'] as const;

/** An attribute that is compared. */
export interface ComparedAttribute {
  readonly reference: Reference;
  /** How often each of its values counts. */
  readonly weight: number;
}

/** A job's counts as series: of each attribute and side the `topN` commonest values, and how many spans have the attribute (spec traceql §8.9). */
export function comparedSeries(
  counts: CompareCounts,
  attributes: readonly ComparedAttribute[],
  values: LabelValues,
  intervals: number,
  topN: number,
): readonly MetricsSeries[] {
  const totals = new Float64Array(2 * counts.pairCount());
  const attributeCells = new Float64Array(2 * intervals * attributes.length);
  counts.visit((pair, cell, count) => {
    totals[2 * pair + Number(cell >= intervals)] += count;
    attributeCells[counts.attributeOf(pair) * 2 * intervals + cell] += count;
  });
  const kept = keepCommonest(counts, attributes.length, totals, topN);
  const rows = new Map<number, Float64Array>();
  for (const row of kept) rows.set(row, new Float64Array(intervals));
  counts.visit((pair, cell, count) => {
    const side = Number(cell >= intervals);
    const row = rows.get(2 * pair + side);
    if (row !== undefined) row[cell - side * intervals] += count;
  });
  const series: MetricsSeries[] = [];
  const add = (type: string, attribute: ComparedAttribute, value: MetricsLabel['value'], cells: Float64Array) => {
    const labels: MetricsLabel[] = [
      { key: metaType, value: { type: 'string', value: type } },
      { key: printReference(attribute.reference), value },
    ];
    series.push({ labels, values: attribute.weight === 1 ? cells : cells.map((count) => count * attribute.weight), exemplars: [] });
  };
  for (const [row, cells] of rows) {
    const pair = row >> 1;
    const id = counts.valueOf(pair);
    const value = id === 0 ? ({ type: 'nil' } as const) : values.value(id);
    add(sides[row & 1], attributes[counts.attributeOf(pair)], value, cells);
  }
  attributes.forEach((attribute, index) => {
    sides.forEach((side, sideIndex) => {
      const from = (2 * index + sideIndex) * intervals;
      const cells = attributeCells.slice(from, from + intervals);
      if (cells.some((count) => count > 0)) add(`${side}_total`, attribute, { type: 'nil' }, cells);
    });
  });
  return series;
}

/** The pairs (times two, plus the side) with the largest totals of each attribute and side. */
function keepCommonest(counts: CompareCounts, attributeCount: number, totals: Float64Array, topN: number): readonly number[] {
  const candidates: number[][] = Array.from({ length: 2 * attributeCount }, () => []);
  for (let row = 0; row < totals.length; row++) if (totals[row] > 0) candidates[2 * counts.attributeOf(row >> 1) + (row & 1)].push(row);
  return candidates.flatMap((rows) => (rows.length > topN ? rows.sort((a, b) => totals[b] - totals[a]).slice(0, topN) : rows));
}

/** Keeps the `topN` commonest values of each attribute and side among combined series. */
export function trimCompared(series: readonly MetricsSeries[], topN: number): readonly MetricsSeries[] {
  const groups = Map.groupBy(series, ({ labels: [type, attribute] }) => {
    const side = type?.value.type === 'string' ? type.value.value : '';
    return `${side} ${attribute?.key}`;
  });
  return [...groups.values()].flatMap((group) => {
    if (group.length <= topN) return group;
    const ranked = group.map((one) => ({ one, total: one.values.reduce((sum, value) => sum + value, 0) }));
    return ranked
      .sort((a, b) => b.total - a.total)
      .slice(0, topN)
      .map(({ one }) => one);
  });
}
