import type { LabelValue, MetricsLabel, MetricsSeries } from '#engine/api/metrics-series.ts';
import { kindNames, type Reference, statusNames } from '#engine/traceql/ast.ts';
import { printReference } from '#engine/traceql/print.ts';
import { commonest } from './commonest.ts';
import type { CompareCounts } from './compare-counts.ts';
import { type ComparePairs, comparedKind } from './compare-pairs.ts';
import type { TextTable } from './text-table.ts';

const metaType = '__meta_type';
const sides = ['baseline', 'selection'] as const;

/** An attribute that is compared. */
export interface ComparedAttribute {
  readonly reference: Reference;
  /** How often each of its values counts. */
  readonly weight: number;
}

/** What a comparison has counted. */
export interface Compared {
  readonly pairs: ComparePairs;
  readonly counts: CompareCounts;
  readonly texts: TextTable;
  readonly attributes: readonly ComparedAttribute[];
  /** Of one side. */
  readonly intervals: number;
}

/** A job's counts as series: of each attribute and side the `topN` commonest values, and how many spans have the attribute (spec traceql §8.9). */
export function comparedSeries(compared: Compared, topN: number): readonly MetricsSeries[] {
  const { pairs, counts, attributes, intervals } = compared;
  const series: MetricsSeries[] = [];
  const keys = attributes.map(({ reference }) => printReference(reference));
  const add = (type: string, attribute: number, value: LabelValue, cells: Float64Array): void => {
    const { weight } = attributes[attribute];
    const labels: MetricsLabel[] = [
      { key: metaType, value: { type: 'string', value: type } },
      { key: keys[attribute], value },
    ];
    series.push({ labels, values: weight === 1 ? cells : cells.map((count) => count * weight), exemplars: [] });
  };
  const kept = keepCommonest(pairs, attributes.length, counts.totals(pairs.count()), topN);
  const rowOf = new Int32Array(pairs.count()).fill(-1);
  let rowCount = 0;
  for (const side of kept) if (rowOf[side >> 1] < 0) rowOf[side >> 1] = rowCount++;
  const rows = counts.rows(rowOf, rowCount, pairs.attributeOf, attributes.length);
  for (const row of kept) {
    const pair = row >> 1;
    const at = (2 * rowOf[pair] + (row & 1)) * intervals;
    add(sides[row & 1], pairs.attributeOf(pair), labelValueOf(compared, pair), rows.pairs.subarray(at, at + intervals));
  }
  for (let attribute = 0; attribute < attributes.length; attribute++) {
    sides.forEach((side, index) => {
      const at = (2 * attribute + index) * intervals;
      const cells = rows.attributes.subarray(at, at + intervals);
      if (cells.some((count) => count > 0)) add(`${side}_total`, attribute, { type: 'nil' }, cells);
    });
  }
  return series;
}

/** The pairs (times two, plus the side) with the largest totals of each attribute and side. */
function keepCommonest(pairs: ComparePairs, attributeCount: number, totals: Uint32Array, topN: number): readonly number[] {
  const starts = new Uint32Array(2 * attributeCount + 1);
  for (let row = 0; row < totals.length; row++) if (totals[row] > 0) starts[2 * pairs.attributeOf(row >> 1) + (row & 1) + 1]++;
  for (let i = 1; i < starts.length; i++) starts[i] += starts[i - 1];
  const sorted = new Uint32Array(starts[starts.length - 1]);
  const ends = starts.slice();
  for (let row = 0; row < totals.length; row++) if (totals[row] > 0) sorted[ends[2 * pairs.attributeOf(row >> 1) + (row & 1)]++] = row;
  const kept: number[] = [];
  for (let i = 1; i < starts.length; i++) {
    for (const row of commonest(sorted.subarray(starts[i - 1], starts[i]), totals, topN)) kept.push(row);
  }
  return kept;
}

function labelValueOf({ pairs, texts }: Compared, pair: number): LabelValue {
  const low = pairs.lowOf(pair);
  const high = pairs.highOf(pair);
  switch (pairs.kindOf(pair)) {
    case comparedKind.text:
      return { type: 'string', value: texts.text(low) };
    case comparedKind.int:
      return { type: 'int', value: BigInt.asIntN(64, (BigInt(high) << 32n) | BigInt(low)) };
    case comparedKind.double:
      return { type: 'double', value: new Float64Array(Uint32Array.of(low, high).buffer)[0] };
    case comparedKind.boolean:
      return { type: 'boolean', value: low === 1 };
    case comparedKind.status:
      return { type: 'string', value: statusNames[low] ?? `status(${low})` };
    case comparedKind.kind:
      return { type: 'string', value: kindNames[low] ?? `kind(${low})` };
    default:
      return { type: 'nil' };
  }
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
