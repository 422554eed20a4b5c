// Traces that are written into blocks come back by their id as they were.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DedicatedColumn } from '#engine/api/dedicated-columns.ts';
import type { AnyValue, KeyValue, ResourceSpans, Trace } from '#engine/api/otlp.ts';
import { resourceSpansJson } from '#engine/api/otlp-json.ts';
import { createMemoryBackend } from '#engine/backend/memory.ts';
import { tenantId } from '#engine/base/units.ts';
import { createJobEnvironment } from '#engine/jobs/environment.ts';
import { findTraceInBlock, type TraceBlock } from '#engine/jobs/find-trace-block.ts';
import type { WritableVersion } from '#engine/vparquet/write/block-schema.ts';
import type { OtlpAttribute, OtlpTrace, OtlpValue } from '#engine/vparquet/write/trace-model.ts';
import { writeBlock } from '#engine/vparquet/write/write-block.ts';
import { seededRandom } from '../corruption/random.ts';
import { randomDedicatedColumns, randomTraces } from './random-traces.ts';

const rounds = 25;
const tenant = tenantId('shop');
const blockId = '00000000-0000-4000-8000-000000000001' as TraceBlock['blockId'];

/** A filter that lets every id pass: 64 bits, one hash, all set. */
const openBloom = Buffer.from(['0000000000000040', '0000000000000001', '0000000000000040', 'ffffffffffffffff'].join(''), 'hex');

for (const version of ['vParquet4', 'vParquet5'] as const) {
  test(`every trace of random blocks: ${version}`, async () => {
    const random = seededRandom(7);
    for (let round = 0; round < rounds; round++) {
      const traces = randomTraces(random, 1 + random.below(15));
      const dedicatedColumns = round % 2 === 0 ? [] : randomDedicatedColumns(random);
      const rowGroupTraces = 1 + random.below(15);
      const { dataParquet, meta } = writeBlock(traces, {
        version,
        dedicatedColumns,
        rowGroupTraces,
        pageBytes: random.pick([1, 60, 400, 10_000]),
      });
      const memory = createMemoryBackend();
      memory.put(`${tenant}/${blockId}/data.parquet`, dataParquet);
      memory.put(`${tenant}/${blockId}/bloom-0`, openBloom);
      const backend = { ...memory, coalesceGapBytes: random.below(2) * 1000 };
      const environment = createJobEnvironment({ backend, maxMemoryBytes: 1 << 28, cacheBytes: 1 << 22 });
      const block = { blockId, bloomShards: 1, ...meta } as unknown as TraceBlock;
      for (const trace of traces) {
        const id = Buffer.concat([Buffer.alloc(16 - trace.traceId.length), trace.traceId]);
        const { trace: found } = await findTraceInBlock(environment, tenant, block, id);
        assert.ok(found !== undefined, `round ${round}: ${id.toString('hex')}`);
        assert.equal(texts(found), texts(expected(trace, id, version, dedicatedColumns)), `round ${round}`);
      }
      assert.equal((await findTraceInBlock(environment, tenant, block, Buffer.alloc(16, 0xfe))).trace, undefined);
    }
  });
}

/** A trace's JSON with attributes in one order. */
function texts(trace: Trace): string {
  const list = JSON.parse(resourceSpansJson(trace.resourceSpans)) as object;
  return JSON.stringify(list, (name, value: unknown) => {
    if (name !== 'attributes') return value;
    return (value as readonly object[]).map((attribute) => JSON.stringify(attribute)).sort();
  });
}

/** The trace that was written as a lookup gives it back. */
function expected(trace: OtlpTrace, traceId: Uint8Array, version: WritableVersion, columns: readonly DedicatedColumn[]): Trace {
  const attributes = (list: readonly OtlpAttribute[], scope?: DedicatedColumn['scope']) =>
    list.flatMap((attribute) => storedAttribute(attribute, version, scope, columns));
  const none = { droppedAttributesCount: 0 };
  const resourceSpans = trace.resources.map(
    (resource): ResourceSpans => ({
      resource: { ...none, attributes: attributes(resource.attributes, 'resource') },
      scopeSpans: resource.scopes.map((scope) => ({
        scope: { ...none, name: scope.name, version: scope.version, attributes: attributes(scope.attributes) },
        spans: scope.spans.map(({ statusCode, statusMessage, ...span }) => ({
          ...span,
          ...none,
          traceId,
          endNanos: BigInt.asUintN(64, span.endNanos),
          attributes: attributes(span.attributes, 'span'),
          events: span.events.map((event) => ({ ...event, ...none, attributes: attributes(event.attributes, 'event') })),
          droppedEventsCount: 0,
          links: span.links.map((link) => ({ ...link, ...none, attributes: attributes(link.attributes) })),
          droppedLinksCount: 0,
          status: { code: statusCode, message: statusMessage },
        })),
      })),
    }),
  );
  return { resourceSpans };
}

/** What the format loses: an empty service name, and in dedicated columns of vParquet5 whether one value or none was an array (spec blocks §4.2, §4.3). */
function storedAttribute(
  { key, value }: OtlpAttribute,
  version: WritableVersion,
  scope: DedicatedColumn['scope'] | undefined,
  columns: readonly DedicatedColumn[],
): readonly KeyValue[] {
  if (scope === 'resource' && key === 'service.name' && value.kind === 'string' && value.value === '') return [];
  const column = columns.find((one) => one.scope === scope && one.name === key);
  if (version === 'vParquet5' && column !== undefined && value.kind === 'array' && value.values.every(({ kind }) => kind === column.type)) {
    const [first] = value.values;
    if (first === undefined) return [];
    if (value.values.length === 1) return [{ key, value: otlpValue(first) }];
  }
  return [{ key, value: otlpValue(value) }];
}

function otlpValue(value: OtlpValue): AnyValue {
  switch (value.kind) {
    case 'array':
      return { type: 'array', values: value.values.map(otlpValue) };
    case 'kvlist':
      return { type: 'map', values: value.values.map((one) => ({ key: one.key, value: otlpValue(one.value) })) };
    case 'empty':
      return { type: 'none' };
    case 'int':
      return { type: 'int', value: value.value };
    case 'double':
      return { type: 'double', value: value.value };
    case 'boolean':
      return { type: 'boolean', value: value.value };
    case 'bytes':
      return { type: 'bytes', value: value.value };
    case 'string':
      return { type: 'string', value: value.value };
  }
}
