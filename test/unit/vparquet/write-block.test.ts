import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parquetMetadata, parquetReadObjects } from 'hyparquet';
import { loadKernels } from '#engine/kernels/load.ts';
import { parseParquetTail } from '#engine/parquet/file.ts';
import type { OtlpSpan, OtlpTrace } from '#engine/vparquet/write/trace-model.ts';
import { numberTree } from '#engine/vparquet/write/tree-numbers.ts';
import { writeBlock } from '#engine/vparquet/write/write-block.ts';
import { seededRandom } from '../../property/corruption/random.ts';
import { randomDedicatedColumns, randomTraces } from '../../property/search/random-traces.ts';

// Goal: other readers of parquet understand the blocks that the writer makes. Method: hyparquet reads what was written.

const versions = ['vParquet4', 'vParquet5'] as const;

function bufferOf(bytes: Uint8Array): ArrayBuffer {
  return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length) as ArrayBuffer;
}

for (const version of versions) {
  test(`hyparquet reads every row back: ${version}`, async () => {
    const random = seededRandom(1);
    for (let round = 0; round < 10; round++) {
      const traces = randomTraces(random, 1 + random.below(12));
      const dedicatedColumns = randomDedicatedColumns(random);
      const { dataParquet, meta } = writeBlock(traces, {
        version,
        dedicatedColumns,
        rowGroupTraces: 1 + random.below(12),
        pageBytes: random.pick([1, 50, 300]),
      });
      const file = bufferOf(dataParquet);
      const metadata = parquetMetadata(file);
      assert.equal(Number(metadata.num_rows), traces.length);
      assert.equal(metadata.row_groups.length, meta.totalRecords);
      assert.equal(metadata.metadata_length, meta.footerBytes);
      const rows = await parquetReadObjects({ file, utf8: false });
      const expected = traces.map(spansOfTrace).sort();
      assert.deepEqual(rows.map(spansOfRow).sort(), expected);
    }
  });

  test(`real blocks have the same columns: ${version}`, () => {
    const { dataParquet } = writeBlock(randomTraces(seededRandom(2), 3), { version, dedicatedColumns: [], rowGroupTraces: 10 });
    const kernels = loadKernels({ maxBytes: 2 ** 26 });
    const { columns } = parseParquetTail(kernels, dataParquet, dataParquet.length);
    for (const [path, levels] of Object.entries(sampleLevels)) {
      const column = columns.get(path);
      assert.deepEqual(column && [column.maxDefinition, column.maxRepetition], levels, path);
    }
    assert.equal(columns.has('rs.ss.Spans.ChildCount'), version === 'vParquet5');
  });
}

/** Maximum definition and repetition level of some columns (spec blocks §4.10, §4.11). */
const sampleLevels = {
  TraceID: [0, 0],
  'rs.Resource.ServiceName': [1, 1],
  'rs.Resource.Attrs.Value': [3, 3],
  'rs.ss.Scope.Attrs.ValueUnsupported': [4, 3],
  'rs.ss.Spans.StatusCode': [3, 3],
  'rs.ss.Spans.Events.Attrs.ValueBool': [6, 6],
  'rs.ss.Spans.Links.TraceID': [4, 4],
};

/** Trace id and what spans are, in storage order. */
function spansOfTrace({ traceId, resources }: OtlpTrace): string {
  const spans = resources.flatMap(({ scopes }) => scopes.flatMap((scope) => scope.spans));
  const shown = spans.map((span) => [
    hex(span.spanId),
    span.name,
    span.kind,
    String(span.startNanos),
    String(BigInt.asIntN(64, span.endNanos - span.startNanos)),
    span.statusMessage,
    span.events.map(({ name }) => name),
    span.links.map((link) => hex(link.traceId)),
  ]);
  return JSON.stringify([hex(traceId), shown]);
}

function hex(bytes: unknown): string {
  return Buffer.from(bytes as Uint8Array).toString('hex');
}

type Row = Readonly<Record<string, unknown>>;

/** The same of a row as hyparquet gives it. */
function spansOfRow(row: Row): string {
  const list = (value: unknown): readonly Row[] => (value ?? []) as readonly Row[];
  const spans = list(row.rs).flatMap((resource) => list(resource.ss).flatMap((scope) => list(scope.Spans)));
  const shown = spans.map((span) => [
    hex(span.SpanID),
    text(span.Name),
    Number(span.Kind),
    String(span.StartTimeUnixNano),
    String(BigInt.asIntN(64, BigInt(span.DurationNano as bigint))),
    text(span.StatusMessage),
    list(span.Events).map((event) => text(event.Name)),
    list(span.Links).map((link) => hex(link.TraceID)),
  ]);
  return JSON.stringify([hex(row.TraceID), shown]);
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : Buffer.from(value as Uint8Array).toString('utf8');
}

function spanOf(id: number, parent: number | undefined, kind = 1): OtlpSpan {
  return {
    spanId: Uint8Array.of(id),
    parentSpanId: parent === undefined ? new Uint8Array(0) : Uint8Array.of(parent),
    name: '',
    kind,
    startNanos: 1n,
    endNanos: 2n,
    statusCode: 0,
    statusMessage: '',
    traceState: '',
    attributes: [],
    events: [],
    links: [],
  };
}

function numbers(spans: readonly OtlpSpan[]): readonly string[] {
  return numberTree(spans).map(({ left, right, parent, childCount }) => `${left}/${right} ${parent} ${childCount}`);
}

test('tree numbers are those of the example', () => {
  // root(c1(g), c2) of spec blocks §4.7
  assert.deepEqual(numbers([spanOf(1, undefined), spanOf(2, 1), spanOf(3, 2), spanOf(4, 1)]), [
    '1/8 -1 2',
    '2/5 1 1',
    '3/4 2 0',
    '6/7 1 0',
  ]);
});

test('tree numbers of broken traces', () => {
  assert.deepEqual(numbers([spanOf(1, 9), spanOf(2, 1)]), ['0/0 0 0', '0/0 0 0'], 'no root');
  assert.deepEqual(numbers([spanOf(1, undefined), spanOf(2, 9)]), ['1/2 -1 0', '0/0 0 0'], 'a lost parent');
  assert.deepEqual(
    numbers([spanOf(1, undefined), spanOf(2, 1, 3), spanOf(2, 2, 2), spanOf(3, 2)]),
    ['1/8 -1 1', '2/7 1 1', '3/6 2 1', '4/5 3 0'],
    'a client and its server',
  );
  const thrice = [spanOf(1, undefined), spanOf(1, undefined), spanOf(1, undefined)];
  assert.deepEqual(numbers(thrice), ['0/0 0 0', '0/0 0 0', '0/0 0 0'], 'an id three times');
});

test('two traces of one id are refused', () => {
  const traces = randomTraces(seededRandom(3), 1);
  assert.throws(() => writeBlock([...traces, ...traces], { version: 'vParquet5', dedicatedColumns: [], rowGroupTraces: 10 }), /two traces/);
});
