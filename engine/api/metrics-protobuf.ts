import { attributeFragment } from './fragments.ts';
import { type MetricsBody, shownValue } from './metrics-body.ts';
import { isTextField } from './metrics-body-decode.ts';
import { intervalMs, type MetricsGrid, type MetricsLabel, type MetricsSeries } from './metrics-series.ts';
import { bytesField, numberField, stringField } from './protobuf-wire.ts';
import {
  putBytesField,
  putDoubleField,
  putLongVarint,
  putMessage,
  putTag,
  type ReverseWriter,
  reverseWriter,
  written,
} from './reverse-writer.ts';
import { protobufMetrics } from './search-body.ts';
import type { StreamedAnswer } from './stream-packets.ts';

/** A metrics answer in protobuf, as a frontend streams it: QueryRangeResponse, or QueryInstantResponse (spec http-api §8). Series without a value are left out. */
export function streamedMetrics({ grid, instant, series, metrics, partialMessage }: MetricsBody): StreamedAnswer {
  const encode = instant ? encodeInstant : (one: MetricsSeries) => encodeRange(one, grid);
  const shown = series.filter(({ values }) => (instant ? values.length > 0 && !Number.isNaN(values[0]) : !values.every(Number.isNaN)));
  return {
    items: shown.map(encode),
    metrics: protobufMetrics(metrics),
    ...(partialMessage === undefined ? {} : { partialMessage }),
  };
}

/** Members are written from the last to the first. */
function encodeInstant({ labels, values }: MetricsSeries): Uint8Array {
  const writer = reverseWriter(1024);
  putValue(writer, 2, values[0]);
  putLabels(writer, labels);
  return written(writer);
}

/**
 * A metrics answer of a querier's job, QueryRangeResponse, for a frontend. Unlike a frontend's answer it tells a text `nil` from a missing value, which both
 * are shown as `nil`: others pass over that mark.
 */
export function encodeMetricsJob({ grid, series, metrics }: MetricsBody): Uint8Array {
  const shown = series.filter(({ values }) => !values.every(Number.isNaN));
  return Buffer.concat([
    ...shown.map((one) => bytesField(1, encodeRange(one, grid, putExactLabels))),
    bytesField(2, protobufMetrics(metrics)),
  ]);
}

function encodeRange({ labels, values, exemplars }: MetricsSeries, grid: MetricsGrid, putAll = putLabels): Uint8Array {
  const writer = reverseWriter();
  for (const { labels: own, value, timeMs } of exemplars.toReversed()) {
    putMessage(writer, 4, () => {
      putTime(writer, 3, timeMs);
      putValue(writer, 2, value);
      putAll(writer, own);
    });
  }
  for (let i = values.length - 1; i >= 0; i--) {
    if (Number.isNaN(values[i])) continue;
    putMessage(writer, 2, () => {
      putTime(writer, 2, intervalMs(grid, i));
      putValue(writer, 1, values[i]);
    });
  }
  putAll(writer, labels);
  return written(writer);
}

/** `string_value: "nil"` and a field that nobody else knows. */
const textNil = Buffer.concat([bytesField(1, Buffer.from('nil')), numberField(isTextField, 1)]);

function putExactLabels(writer: ReverseWriter, labels: readonly MetricsLabel[]): void {
  for (const label of labels.toReversed()) {
    if (label.value.type !== 'string' || label.value.value !== 'nil') putLabels(writer, [label]);
    else putBytesField(writer, 1, Buffer.concat([stringField(1, label.key), bytesField(2, textNil)]));
  }
}

function putLabels(writer: ReverseWriter, labels: readonly MetricsLabel[]): void {
  for (const { key, value } of labels.toReversed()) putBytesField(writer, 1, attributeFragment('protobuf', key, shownValue(value)));
}

/** Zeros are left out, as proto3 has it. */
function putValue(writer: ReverseWriter, field: number, value: number): void {
  if (value !== 0) putDoubleField(writer, field, value);
}

function putTime(writer: ReverseWriter, field: number, timeMs: number): void {
  if (timeMs === 0) return;
  putLongVarint(writer, BigInt(Math.trunc(timeMs)));
  putTag(writer, field, 0);
}
