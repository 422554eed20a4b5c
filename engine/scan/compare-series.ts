import type { LabelValue, MetricsLabel, MetricsSeries } from '#engine/api/metrics-series.ts';
import { kindNames, type Reference, statusNames } from '#engine/traceql/ast.ts';
import { printReference } from '#engine/traceql/print.ts';
import { type CompareCounts, type ComparePairs, comparedKind } from './compare-counts.ts';
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
}

/** A job's counts as series: of each attribute and side the `topN` commonest values, and how many spans have the attribute (spec traceql §8.9). */
export function comparedSeries(compared: Compared, intervals: number, topN: number): readonly MetricsSeries[] {
  const { pairs, counts, attributes } = compared;
  const series: MetricsSeries[] = [];
  const add = (type: string, attribute: number, value: LabelValue, cells: Float64Array): void => {
    const { reference, weight } = attributes[attribute];
    const labels: MetricsLabel[] = [
      { key: metaType, value: { type: 'string', value: type } },
      { key: printReference(reference), value },
    ];
    series.push({ labels, values: weight === 1 ? cells : cells.map((count) => count * weight), exemplars: [] });
  };
  const kept = keepCommonest(pairs, attributes.length, counts.totals(pairs.count()), topN);
  const rowOf = new Int32Array(pairs.count()).fill(-1);
  const keptPairs = [...new Set(kept.map((side) => side >> 1))];
  keptPairs.forEach((pair, row) => {
    rowOf[pair] = row;
  });
  const rows = counts.rows(rowOf, keptPairs.length);
  for (const row of kept) {
    const pair = row >> 1;
    const at = (2 * rowOf[pair] + (row & 1)) * intervals;
    add(sides[row & 1], pairs.attributeOf(pair), labelValueOf(compared, pair), rows.subarray(at, at + intervals));
  }
  for (let pair = 0; pair < rowOf.length; pair++) rowOf[pair] = pairs.attributeOf(pair);
  const ofAttributes = counts.rows(rowOf, attributes.length);
  for (let attribute = 0; attribute < attributes.length; attribute++) {
    sides.forEach((side, index) => {
      const at = (2 * attribute + index) * intervals;
      const cells = ofAttributes.subarray(at, at + intervals);
      if (cells.some((count) => count > 0)) add(`${side}_total`, attribute, { type: 'nil' }, cells);
    });
  }
  return series;
}

/** The pairs (times two, plus the side) with the largest totals of each attribute and side. */
function keepCommonest(pairs: ComparePairs, attributeCount: number, totals: Float64Array, topN: number): readonly number[] {
  const candidates: number[][] = Array.from({ length: 2 * attributeCount }, () => []);
  for (let row = 0; row < totals.length; row++) if (totals[row] > 0) candidates[2 * pairs.attributeOf(row >> 1) + (row & 1)].push(row);
  return candidates.flatMap((rows) => (rows.length > topN ? rows.sort((a, b) => totals[b] - totals[a]).slice(0, topN) : rows));
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
