import type { MetricsExemplar, MetricsLabel, MetricsSeries } from '#engine/api/metrics-series.ts';
import type { ComparisonOperator, SecondStage } from '#engine/traceql/ast.ts';

/** Runs `topk`, `bottomk` and comparisons in their order on the final series (spec traceql §8.8). */
export function applySecondStages(series: readonly MetricsSeries[], stages: readonly SecondStage[]): readonly MetricsSeries[] {
  return stages.reduce<readonly MetricsSeries[]>((left, stage) => {
    if (stage.kind === 'metricsFilter') return filterSeries(left, stage.operator, stage.value);
    return keepBest(left, Number(stage.limit), stage.kind === 'topk');
  }, series);
}

function satisfies(operator: ComparisonOperator, value: number, literal: number): boolean {
  switch (operator) {
    case '=':
      return value === literal;
    case '!=':
      return value !== literal;
    case '<':
      return value < literal;
    case '<=':
      return value <= literal;
    case '>':
      return value > literal;
    case '>=':
      return value >= literal;
    default:
      return false;
  }
}

function filterSeries(series: readonly MetricsSeries[], operator: ComparisonOperator, literal: number): readonly MetricsSeries[] {
  const left: MetricsSeries[] = [];
  for (const one of series) {
    const values = one.values.map((value) => (!Number.isNaN(value) && satisfies(operator, value, literal) ? value : Number.NaN));
    if (values.every(Number.isNaN)) continue;
    const exemplars = one.exemplars.filter(({ value }: MetricsExemplar) => satisfies(operator, value, literal));
    left.push({ ...one, values, exemplars });
  }
  return left;
}

/** Keeps of each interval the largest or smallest values; zeros compete, missing values do not. */
function keepBest(series: readonly MetricsSeries[], limit: number, largest: boolean): readonly MetricsSeries[] {
  if (series.length <= limit) return series;
  const ranks = rankLabels(series, largest);
  const kept = series.map(({ values }) => new Float64Array(values.length).fill(Number.NaN));
  const intervals = series[0].values.length;
  const present: number[] = [];
  for (let i = 0; i < intervals; i++) {
    present.length = 0;
    for (let s = 0; s < series.length; s++) if (!Number.isNaN(series[s].values[i])) present.push(s);
    present.sort((a, b) => {
      const order = series[a].values[i] - series[b].values[i];
      return (largest ? -order : order) || ranks[a] - ranks[b];
    });
    for (const s of present.slice(0, limit)) kept[s][i] = series[s].values[i];
  }
  return series.map((one, s) => ({ ...one, values: kept[s] })).filter(({ values }) => !values.every(Number.isNaN));
}

/** Position of each series among equals: the one with the smaller rank wins. */
function rankLabels(series: readonly MetricsSeries[], largest: boolean): Uint32Array {
  const order = Array.from(series.keys()).sort((a, b) => {
    const difference = compareLabels(series[a].labels, series[b].labels);
    return largest ? difference : -difference;
  });
  const ranks = new Uint32Array(series.length);
  order.forEach((s, rank) => {
    ranks[s] = rank;
  });
  return ranks;
}

const typeRanks = { nil: 0, int: 1, double: 2, boolean: 3, string: 4 } as const;

/** Negative where the first wins in `topk`: the earlier string; values of other types count as empty strings, and among them the larger wins. */
function compareLabels(a: readonly MetricsLabel[], b: readonly MetricsLabel[]): number {
  for (let i = 0; i < Math.min(a.length, b.length); i++) {
    const byText = Buffer.compare(textOf(a[i]), textOf(b[i]));
    if (byText !== 0) return byText;
    const byType = typeRanks[b[i].value.type] - typeRanks[a[i].value.type];
    if (byType !== 0) return byType;
    const byBits = bitsOf(b[i]) - bitsOf(a[i]);
    if (byBits !== 0n) return byBits < 0n ? -1 : 1;
  }
  return 0;
}

function textOf({ value }: MetricsLabel): Buffer {
  return Buffer.from(value.type === 'string' ? value.value : '');
}

/** The 64 bits that a value is stored in, read as an unsigned number. */
function bitsOf({ value }: MetricsLabel): bigint {
  switch (value.type) {
    case 'int':
      return BigInt.asUintN(64, value.value);
    case 'boolean':
      return BigInt(value.value);
    case 'double':
      return new BigUint64Array(Float64Array.of(value.value).buffer)[0];
    default:
      return 0n;
  }
}
