import { attributeFragment, quoteJson } from '#engine/api/fragments.ts';
import { bytesField, numberField, stringField } from '#engine/api/protobuf-wire.ts';
import type { AttributeModel, SpanModel, SpansetModel, TraceModel } from './trace-model.ts';

/** The encoders of engine/kernels/assembly once more, in plain TypeScript over plain objects. */

function object(members: readonly (string | false)[]): string {
  return `{${members.filter((member) => member !== false).join(',')}}`;
}

function list<Item>(items: readonly Item[], print: (item: Item) => string): string {
  return `[${items.map(print).join(',')}]`;
}

function hex(id: Uint8Array): string {
  return Buffer.from(id).toString('hex');
}

function traceIdText(id: Uint8Array, leftPad: boolean): string {
  return leftPad ? hex(id) : hex(id).replace(/^0{1,31}/, '');
}

function shownMs(nanos: bigint): number {
  return Number(BigInt.asUintN(32, nanos / 1_000_000n));
}

function jsonAttribute({ key, value }: AttributeModel): string {
  return Buffer.from(attributeFragment('json', key, value)).toString();
}

function jsonSpan(span: SpanModel): string {
  return object([
    `"spanID":"${hex(span.id)}"`,
    !!span.name && `"name":${quoteJson(span.name)}`,
    span.startNanos !== 0n && `"startTimeUnixNano":"${span.startNanos}"`,
    span.durationNanos !== 0n && `"durationNanos":"${span.durationNanos}"`,
    span.attributes.length > 0 && `"attributes":${list(span.attributes, jsonAttribute)}`,
  ]);
}

function jsonSpanset(spanset: SpansetModel): string {
  return object([
    spanset.spans.length > 0 && `"spans":${list(spanset.spans, jsonSpan)}`,
    spanset.matched !== 0 && `"matched":${spanset.matched}`,
    spanset.attributes.length > 0 && `"attributes":${list(spanset.attributes, jsonAttribute)}`,
  ]);
}

/** A trace as JSON text. */
export function twinJson(trace: TraceModel, leftPad: boolean): string {
  const stats = trace.stats.map(
    ({ service, spanCount, errorCount }) =>
      `${quoteJson(service)}:${object([spanCount !== 0 && `"spanCount":${spanCount}`, errorCount !== 0 && `"errorCount":${errorCount}`])}`,
  );
  const [first] = trace.spansets;
  const durationMs = shownMs(trace.durationNanos);
  return object([
    `"traceID":"${traceIdText(trace.id, leftPad)}"`,
    !!trace.rootService && `"rootServiceName":${quoteJson(trace.rootService)}`,
    !!trace.rootName && `"rootTraceName":${quoteJson(trace.rootName)}`,
    trace.startNanos !== 0n && `"startTimeUnixNano":"${trace.startNanos}"`,
    durationMs !== 0 && `"durationMs":${durationMs}`,
    first !== undefined && `"spanSet":${jsonSpanset(first)}`,
    first !== undefined && `"spanSets":${list(trace.spansets, jsonSpanset)}`,
    stats.length > 0 && `"serviceStats":${object(stats)}`,
  ]);
}

function protobufAttributes(number: number, attributes: readonly AttributeModel[]): Uint8Array[] {
  return attributes.map(({ key, value }) => bytesField(number, attributeFragment('protobuf', key, value)));
}

function protobufSpan(span: SpanModel): Uint8Array {
  return Buffer.concat([
    stringField(1, hex(span.id)),
    stringField(2, span.name ?? ''),
    numberField(3, span.startNanos),
    numberField(4, span.durationNanos),
    ...protobufAttributes(5, span.attributes),
  ]);
}

function protobufSpanset(spanset: SpansetModel): Uint8Array {
  return Buffer.concat([
    ...spanset.spans.map((span) => bytesField(1, protobufSpan(span))),
    numberField(2, spanset.matched),
    ...protobufAttributes(3, spanset.attributes),
  ]);
}

/** A trace as a TraceSearchMetadata message. */
export function twinProtobuf(trace: TraceModel, leftPad: boolean): Uint8Array {
  return Buffer.concat([
    stringField(1, traceIdText(trace.id, leftPad)),
    stringField(2, trace.rootService ?? ''),
    stringField(3, trace.rootName ?? ''),
    numberField(4, trace.startNanos),
    numberField(5, shownMs(trace.durationNanos)),
    ...trace.spansets.slice(0, 1).map((spanset) => bytesField(6, protobufSpanset(spanset))),
    ...trace.spansets.map((spanset) => bytesField(7, protobufSpanset(spanset))),
    ...trace.stats.map(({ service, spanCount, errorCount }) => {
      const counters = Buffer.concat([numberField(1, spanCount), numberField(2, errorCount)]);
      return bytesField(8, Buffer.concat([bytesField(1, Buffer.from(service)), bytesField(2, counters)]));
    }),
  ]);
}
