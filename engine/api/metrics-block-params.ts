import { parseGoDuration, printGoDuration } from '#engine/base/duration.ts';
import { AppError } from '#engine/base/errors.ts';
import { parseFlexibleTime } from './date-range.ts';
import { parseForm, printForm } from './form.ts';
import { parseInteger, uint32 } from './integers.ts';
import type { MetricsBlockRequest, MetricsRange } from './metrics-request.ts';
import { blockPairs, parseBlockPart } from './search-block-params.ts';
import { invalidUnless } from './search-params.ts';

function required(form: ReadonlyMap<string, string>, name: string): bigint {
  const text = form.get(name) ?? '';
  if (text === '') throw new AppError('bad_request', `${name} required`);
  return invalidUnless(name, () => parseFlexibleTime(text));
}

function count(form: ReadonlyMap<string, string>, name: string): number {
  const text = form.get(name) ?? '';
  return text === '' ? 0 : invalidUnless(name, () => parseInteger(text, uint32));
}

/**
 * Reads the query string (without `?`) of a metrics job over a part of a block: `/querier/api/metrics/query_range?blockID=…` (spec read-path §5.3). Throws
 * `bad_request` that names the parameter.
 */
export function parseMetricsBlockParams(query: string): MetricsBlockRequest {
  return { ...parseMetricsRange(query), block: parseBlockPart(parseForm(query), 'tempo') };
}

/** What a metrics job computes, without the part of a block: all that a job over recent data has. Throws as {@link parseMetricsBlockParams}. */
export function parseMetricsRange(query: string): MetricsRange {
  const form = parseForm(query);
  const range: MetricsRange = {
    query: form.get('q') || form.get('query') || '',
    startNanos: required(form, 'start'),
    endNanos: required(form, 'end'),
    stepNanos: invalidUnless('step', () => parseGoDuration(form.get('step') ?? '')),
    instant: form.get('instant') === 'true',
    exemplars: count(form, 'exemplars'),
    maxSeries: count(form, 'maxSeries'),
  };
  if (range.endNanos <= range.startNanos) throw new AppError('bad_request', 'end must be greater than start');
  if (range.stepNanos <= 0n) throw new AppError('bad_request', 'step must be greater than 0');
  return range;
}

/** The query string of a metrics job over a part of a block, as {@link parseMetricsBlockParams} reads it. */
export function printMetricsBlockParams(request: MetricsBlockRequest): string {
  return printForm([
    ['q', request.query],
    ['start', `${request.startNanos}`],
    ['end', `${request.endNanos}`],
    ['step', printGoDuration(request.stepNanos)],
    ['mode', 'blocks'],
    ['exemplars', `${request.exemplars}`],
    ['maxSeries', `${request.maxSeries}`],
    ...(request.instant ? [['instant', 'true'] as const] : []),
    ...blockPairs(request.block),
  ]);
}
