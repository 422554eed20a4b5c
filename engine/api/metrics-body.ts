import type { AttributeValue } from './attribute-value.ts';
import { attributeFragment, jsonDouble } from './fragments.ts';
import {
  intervalMs,
  type LabelValue,
  type MetricsExemplar,
  type MetricsGrid,
  type MetricsLabel,
  type MetricsSeries,
} from './metrics-series.ts';
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

/** Text is turned into bytes in pieces of about this many characters: a large answer is no single string. */
const pieceLength = 1 << 20;
const encoder = new TextEncoder();

/** The JSON of a metrics answer (spec traceql §8.11). */
export function encodeMetricsBody({ grid, instant, series, metrics, partialMessage }: MetricsBody): Uint8Array {
  const pieces: Uint8Array[] = [];
  const write = instant ? writeInstant : createSampleWriter(grid);
  let text = '{"series":[';
  let separator = '';
  let count = 0;
  for (const one of series) {
    const written = write(one);
    if (written === undefined) continue;
    text += `${separator}{"labels":[${labelsJson(one.labels)}]${written}}`;
    separator = ',';
    count++;
    if (text.length < pieceLength) continue;
    pieces.push(encoder.encode(text));
    text = '';
  }
  // Without series an instant answer does not have the member at all.
  text = instant && count === 0 ? '{' : `${text}],`;
  text += `"metrics":${metricsJson(metrics)}`;
  if (partialMessage !== undefined) text += `,"status":"PARTIAL","message":${JSON.stringify(partialMessage)}`;
  pieces.push(encoder.encode(`${text}}`));
  return pieces.length === 1 ? pieces[0] : Buffer.concat(pieces);
}

/** What follows the labels; undefined for a series without a value, which is left out. */
type SeriesWriter = (series: MetricsSeries) => string | undefined;

function writeInstant({ values: [value] }: MetricsSeries): string | undefined {
  if (value === undefined || Number.isNaN(value)) return undefined;
  return value === 0 ? '' : `,"value":${jsonDouble(value)}`;
}

/** Writes samples and exemplars; the beginnings of samples are made once. */
function createSampleWriter(grid: MetricsGrid): SeriesWriter {
  const beginnings = Array.from({ length: grid.count }, (_, i) => `{"timestampMs":"${intervalMs(grid, i)}"`);
  const zeros = beginnings.map((beginning) => `${beginning}}`);
  return ({ values, exemplars }) => {
    let samples = '';
    for (let i = 0; i < values.length; i++) {
      const value = values[i];
      if (Number.isNaN(value)) continue;
      if (samples !== '') samples += ',';
      samples += value === 0 ? zeros[i] : `${beginnings[i]},"value":${jsonDouble(value)}}`;
    }
    if (samples === '') return undefined;
    const shown = exemplars.length === 0 ? '' : `,"exemplars":[${exemplars.map(exemplarJson).join(',')}]`;
    return `,"samples":[${samples}]${shown}`;
  };
}

function exemplarJson({ labels, value, timeMs }: MetricsExemplar): string {
  const shown = value === 0 ? '' : `,"value":${jsonDouble(value)}`;
  return `{"labels":[${labelsJson(labels)}]${shown},"timestampMs":"${timeMs}"}`;
}

const decoder = new TextDecoder();

function labelsJson(labels: readonly MetricsLabel[]): string {
  return labels.map(({ key, value }) => decoder.decode(attributeFragment('json', key, shownValue(value)))).join(',');
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
