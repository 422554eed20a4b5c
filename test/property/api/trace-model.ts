import fc from 'fast-check';
import type { AttributeValue, ScalarValue } from '#engine/api/attribute-value.ts';
import { attributeFragment, nameFragment } from '#engine/api/fragments.ts';
import type { AnswerFormat } from '#engine/api/search-answer.ts';
import type { Kernels } from '#engine/kernels/kernels.ts';
import { absentFragment, type TraceTables } from '#engine/kernels/trace-tables.ts';

/** Traces of an answer as plain objects: what tests make up, lay out as tables and encode a second time in plain TypeScript (twin.ts). */
export interface TraceModel {
  readonly id: Uint8Array;
  readonly startNanos: bigint;
  readonly durationNanos: bigint;
  /** Undefined: absent, which must look like the empty text. */
  readonly rootService: string | undefined;
  readonly rootName: string | undefined;
  readonly stats: readonly { readonly service: string; readonly spanCount: number; readonly errorCount: number }[];
  readonly spansets: readonly SpansetModel[];
}

export interface SpansetModel {
  readonly matched: number;
  readonly spans: readonly SpanModel[];
  readonly attributes: readonly AttributeModel[];
}

export interface SpanModel {
  readonly id: Uint8Array;
  readonly startNanos: bigint;
  readonly durationNanos: bigint;
  readonly name: string | undefined;
  readonly attributes: readonly AttributeModel[];
}

export interface AttributeModel {
  readonly key: string;
  readonly value: AttributeValue;
}

const text = fc.oneof(
  fc.string({ maxLength: 12 }),
  fc.string({ unit: 'binary', maxLength: 40 }).map((value) => value.toWellFormed()),
  fc.string({ minLength: 250, maxLength: 270 }),
  fc.constantFrom('', '<b>&"\\\u0000\u007f', 'GET /api/{id}'),
);
// Numbers of every length, and those where lengths change.
const wide = fc.oneof(
  fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  fc.integer({ min: 0, max: 19 }).map((digits) => 10n ** BigInt(digits)),
  fc.integer({ min: 0, max: 19 }).map((digits) => 10n ** BigInt(digits) - 1n),
  fc.integer({ min: 0, max: 9 }).map((group) => (1n << BigInt(7 * group)) - 1n),
  fc.constantFrom(0n, 2n ** 64n - 1n, 1_768_049_723_333_733_910n),
);
const narrow = fc.oneof(fc.nat(20), fc.integer({ min: 0, max: 2 ** 32 - 1 }));
const bytesOf = (length: number) =>
  fc.oneof(
    fc.uint8Array({ minLength: length, maxLength: length }),
    fc.tuple(fc.nat(length - 1), fc.uint8Array({ minLength: length, maxLength: length })).map(([zeros, bytes]) => bytes.fill(0, 0, zeros)),
  );
const scalar: fc.Arbitrary<ScalarValue> = fc.oneof(
  text.map((value) => ({ type: 'string' as const, value })),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map((value) => ({ type: 'int' as const, value })),
  fc.double().map((value) => ({ type: 'double' as const, value })),
  fc.boolean().map((value) => ({ type: 'boolean' as const, value })),
);
const value: fc.Arbitrary<AttributeValue> = fc.oneof(
  { weight: 4, arbitrary: scalar },
  { weight: 1, arbitrary: fc.array(scalar, { maxLength: 3 }).map((values) => ({ type: 'array' as const, values })) },
);
const attributes = fc.array(fc.record({ key: text, value }), { maxLength: 3 });
const name = fc.option(text, { nil: undefined });
const span: fc.Arbitrary<SpanModel> = fc.record({ id: bytesOf(8), startNanos: wide, durationNanos: wide, name, attributes });
const spanset: fc.Arbitrary<SpansetModel> = fc.record({ matched: narrow, spans: fc.array(span, { maxLength: 4 }), attributes });
const stats = fc.uniqueArray(fc.record({ service: text, spanCount: narrow, errorCount: narrow }), {
  maxLength: 3,
  selector: (entry) => entry.service,
});

/** Made-up traces. */
export const traceModel: fc.Arbitrary<TraceModel> = fc.record({
  id: bytesOf(16),
  startNanos: wide,
  durationNanos: wide,
  rootService: name,
  rootName: name,
  stats,
  spansets: fc.array(spanset, { maxLength: 3 }),
});

/** Lists that grow while a model is laid out. */
interface Lists {
  readonly kernels: Kernels;
  readonly format: AnswerFormat;
  readonly attributes: number[];
}

function putU32(kernels: Kernels, values: readonly number[]): number {
  return kernels.put(new Uint8Array(Uint32Array.from(values).buffer));
}

function putI64(kernels: Kernels, values: readonly bigint[]): number {
  return kernels.put(new Uint8Array(BigUint64Array.from(values).buffer));
}

function fragment({ kernels }: Lists, bytes: Uint8Array): readonly number[] {
  return [kernels.put(bytes), bytes.length];
}

function names(lists: Lists, texts: readonly (string | undefined)[]): number {
  const pairs = texts.flatMap((item) =>
    item === undefined ? [0, absentFragment] : fragment(lists, nameFragment(lists.format, new TextEncoder().encode(item))),
  );
  return putU32(lists.kernels, pairs);
}

function attributeRanges(lists: Lists, owners: readonly { readonly attributes: readonly AttributeModel[] }[]): number {
  const ranges = owners.flatMap((owner) => {
    const from = lists.attributes.length / 2;
    for (const { key, value: given } of owner.attributes)
      lists.attributes.push(...fragment(lists, attributeFragment(lists.format, key, given)));
    return [from, lists.attributes.length / 2];
  });
  return putU32(lists.kernels, ranges);
}

/** `[from, to)` of each length in one list behind the other. */
function ranges(kernels: Kernels, lengths: readonly number[]): number {
  let end = 0;
  return putU32(
    kernels,
    lengths.flatMap((length) => [end, (end += length)]),
  );
}

/** Lays traces out in WASM memory. */
export function putTraces(kernels: Kernels, traces: readonly TraceModel[], format: AnswerFormat): TraceTables {
  const lists: Lists = { kernels, format, attributes: [] };
  const stats = traces.flatMap((trace) => trace.stats);
  const spansets = traces.flatMap((trace) => trace.spansets);
  const spans = spansets.flatMap((item) => item.spans);
  const numbers = (values: readonly number[]) => putU32(kernels, values);
  return {
    count: traces.length,
    ids: numbers(traces.map((trace) => kernels.put(trace.id))),
    startNanos: putI64(
      kernels,
      traces.map((trace) => trace.startNanos),
    ),
    durationNanos: putI64(
      kernels,
      traces.map((trace) => trace.durationNanos),
    ),
    rootServices: names(
      lists,
      traces.map((trace) => trace.rootService),
    ),
    rootNames: names(
      lists,
      traces.map((trace) => trace.rootName),
    ),
    statsRanges: ranges(
      kernels,
      traces.map((trace) => trace.stats.length),
    ),
    spansetRanges: ranges(
      kernels,
      traces.map((trace) => trace.spansets.length),
    ),
    stats: {
      services: names(
        lists,
        stats.map((entry) => entry.service),
      ),
      spanCounts: numbers(stats.map((entry) => entry.spanCount)),
      errorCounts: numbers(stats.map((entry) => entry.errorCount)),
    },
    spansets: {
      matched: numbers(spansets.map((item) => item.matched)),
      spanRanges: ranges(
        kernels,
        spansets.map((item) => item.spans.length),
      ),
      attributeRanges: attributeRanges(lists, spansets),
    },
    spans: {
      ids: numbers(spans.map((item) => kernels.put(item.id))),
      startNanos: putI64(
        kernels,
        spans.map((item) => item.startNanos),
      ),
      durationNanos: putI64(
        kernels,
        spans.map((item) => item.durationNanos),
      ),
      names: names(
        lists,
        spans.map((item) => item.name),
      ),
      attributeRanges: attributeRanges(lists, spans),
    },
    attributes: numbers(lists.attributes),
  };
}
