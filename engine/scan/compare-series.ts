import type { LabelValue, MetricsLabel, MetricsSeries } from '#engine/api/metrics-series.ts';
import { kindNames, type Reference, statusNames } from '#engine/traceql/ast.ts';
import { printReference } from '#engine/traceql/print.ts';
import type { CompareCounts } from './compare-counts.ts';
import { attributeOfName, comparedKind, kindOfName } from './compare-values.ts';
import type { SettledValue } from './rare-values.ts';

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
  readonly counts: CompareCounts;
  readonly attributes: readonly ComparedAttribute[];
}

/** A job's counts as series: of each attribute and side the `topN` commonest values, and how many spans have the attribute (spec traceql §8.9). */
export function comparedSeries({ counts, attributes }: Compared, topN: number): readonly MetricsSeries[] {
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
  const { commonest, attribute: attributeCells, close } = counts.kept(attributes.length, topN);
  for (const { value, side, cells } of commonest) add(sides[side], attributeOfName(value.name), labelValueOf(value), halfOf(cells, side));
  for (let attribute = 0; attribute < attributes.length; attribute++) {
    const both = attributeCells(attribute);
    sides.forEach((side, index) => {
      const half = halfOf(both, index);
      if (half.some((count) => count > 0)) add(`${side}_total`, attribute, { type: 'nil' }, half);
    });
  }
  close();
  return series;
}

/** The cells of one side. */
function halfOf(cells: Float64Array, side: number): Float64Array {
  const length = cells.length / 2;
  return cells.subarray(side * length, (side + 1) * length);
}

function labelValueOf({ name, low, high, text }: SettledValue): LabelValue {
  switch (kindOfName(name)) {
    case comparedKind.text:
      return { type: 'string', value: text() };
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
