import type { AttributeValue } from './attribute-value.ts';
import { createByteOutput } from './byte-output.ts';
import { attributeJson, jsonDouble } from './fragments.ts';
import type { LabelValue, MetricsExemplar, MetricsGrid, MetricsLabel, MetricsSeries } from './metrics-series.ts';
import { createSampleWriter } from './sample-json.ts';
import type { SearchMetrics } from './search-answer.ts';

/** A metrics answer before it is written. */
export interface MetricsBody {
  readonly grid: MetricsGrid;
  /** One value for each series instead of samples, and no exemplars. */
  readonly instant: boolean;
  readonly series: readonly MetricsSeries[];
  /** Numbers that are 0 are left out. */
  readonly metrics: Partial<SearchMetrics>;
  /** Why the answer is only a part, if it is. */
  readonly partialMessage?: string;
}

/** The JSON of a metrics answer (spec traceql §8.11). */
export function encodeMetricsBody({ grid, instant, series, metrics, partialMessage }: MetricsBody): Uint8Array {
  const samples = instant ? undefined : createSampleWriter(grid);
  const shown = series.filter(({ values }) => (instant ? hasSample(values.subarray(0, 1)) : hasSample(values)));
  const labels = shown.map((one) => labelsJson(one.labels));
  const labelLength = labels.reduce((sum, { length }) => sum + length, 0);
  const output = createByteOutput(3 * labelLength + shown.length * ((samples?.maxBytes ?? 0) + fewBytes) + endBytes);
  // Without series an instant answer does not have the member at all.
  const hasSeries = !instant || shown.length > 0;
  output.text(hasSeries ? '{"series":[' : '{');
  for (const [i, { values, exemplars }] of shown.entries()) {
    output.text(`${i === 0 ? '' : ','}{"labels":[${labels[i]}]`);
    if (samples === undefined) {
      output.text(values[0] === 0 ? '}' : `,"value":${jsonDouble(values[0])}}`);
      continue;
    }
    output.text(',"samples":[');
    output.bytes(samples.maxBytes, (out, at) => samples.write(values, out, at));
    output.text(exemplars.length === 0 ? ']}' : `],"exemplars":[${exemplars.map(exemplarJson).join(',')}]}`);
  }
  const partial = partialMessage === undefined ? '' : `,"status":"PARTIAL","message":${JSON.stringify(partialMessage)}`;
  output.text(`${hasSeries ? '],' : ''}"metrics":${metricsJson(metrics)}${partial}}`);
  return output.finish();
}

/** What a series has beside labels and samples, and an answer beside series; output that needs more makes room itself. */
const fewBytes = 128;
const endBytes = 4096;

function hasSample(values: Float64Array): boolean {
  for (let i = 0; i < values.length; i++) if (!Number.isNaN(values[i])) return true;
  return false;
}

function exemplarJson({ labels, value, timeMs }: MetricsExemplar): string {
  const shown = value === 0 ? '' : `,"value":${jsonDouble(value)}`;
  return `{"labels":[${labelsJson(labels)}]${shown},"timestampMs":"${timeMs}"}`;
}

function labelsJson(labels: readonly MetricsLabel[]): string {
  return labels.map(({ key, value }) => attributeJson(key, shownValue(value))).join(',');
}

/** The value of a label as answers have it. */
export function shownValue(value: LabelValue): AttributeValue {
  return value.type === 'nil' ? { type: 'string', value: 'nil' } : value;
}

const wideNumbers = new Set(['inspectedBytes', 'totalBlockBytes', 'inspectedSpans']);

/** 64-bit numbers are strings. */
function metricsJson(metrics: Partial<SearchMetrics>): string {
  const members = Object.entries(metrics).filter(([, value]) => value !== 0);
  return `{${members.map(([name, value]) => (wideNumbers.has(name) ? `"${name}":"${value}"` : `"${name}":${value}`)).join(',')}}`;
}
