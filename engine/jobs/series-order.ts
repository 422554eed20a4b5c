import { jsonDouble, quoteJson } from '#engine/api/fragments.ts';
import type { LabelValue, MetricsLabel, MetricsSeries } from '#engine/api/metrics-series.ts';

/** A label's value as the text that series are ordered by (spec traceql §8.8): numbers sort as text. */
function orderText(value: LabelValue): string {
  switch (value.type) {
    case 'boolean':
      return `bool_value:${value.value}`;
    case 'double':
      return `double_value:${jsonDouble(value.value)}`;
    case 'int':
      return `int_value:${value.value}`;
    case 'string':
      return `string_value:${quoteJson(value.value)}`;
    case 'nil':
      return ''; // before the text "nil", which looks the same
  }
}

function compareTexts(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Fewer labels first, then label by label key and value (spec traceql §8.8). */
export function sortSeries(series: readonly MetricsSeries[]): readonly MetricsSeries[] {
  const keyed = series.map((one) => ({ one, texts: one.labels.flatMap(({ key, value }: MetricsLabel) => [key, orderText(value)]) }));
  keyed.sort((a, b) => {
    if (a.texts.length !== b.texts.length) return a.texts.length - b.texts.length;
    for (let i = 0; i < a.texts.length; i++) {
      const order = compareTexts(a.texts[i], b.texts[i]);
      if (order !== 0) return order;
    }
    return 0;
  });
  return keyed.map(({ one }) => one);
}
