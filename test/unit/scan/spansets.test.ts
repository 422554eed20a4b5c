import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Operand } from '#engine/scan/expressions.ts';
import { groupBy } from '#engine/scan/groups.ts';
import { pickFromSpansets } from '#engine/scan/picks.ts';
import { operandKind, type SpanValues } from '#engine/scan/span-values.ts';
import { coalesce, keepSpans, keepSpansets, type Spansets } from '#engine/scan/spansets.ts';

/** Spans 0–3 of trace 1, spans 5 and 7 of trace 4. */
const two: Spansets = {
  count: 2,
  traces: Uint32Array.of(1, 4),
  starts: Uint32Array.of(0, 4, 6),
  spans: Uint32Array.of(0, 1, 2, 3, 5, 7),
  attributes: [{ key: 'count()', ids: Uint32Array.of(0, 1), values: [int(4n), int(2n)] }],
};

function int(value: bigint): Operand {
  return { kind: 'int', value };
}

function valuesOf(list: readonly Operand[]): SpanValues {
  const none = new Uint32Array(list.length);
  return {
    kinds: Uint8Array.from(list, ({ kind }) => operandKind[kind]),
    low: Uint32Array.from(list, (operand) => (operand.kind === 'int' ? Number(BigInt.asUintN(32, operand.value)) : 0)),
    high: Int32Array.from(list, (operand) => (operand.kind === 'int' ? Number(BigInt.asIntN(32, operand.value >> 32n)) : 0)),
    numbers: Float64Array.from(list, (operand) => (operand.kind === 'float' ? operand.value : 0)),
    textAt: none,
    textLength: none,
    operand: (index) => list[index]!,
  };
}

/** Spansets as plain data. */
function plain({ count, traces, starts, spans, attributes }: Spansets): unknown {
  return Array.from({ length: count }, (_, set) => ({
    trace: traces[set],
    spans: [...spans.subarray(starts[set], starts[set + 1])],
    ...Object.fromEntries(attributes.map(({ key, ids, values }) => [key, values[ids[set]!]])),
  }));
}

const members = Uint32Array.of(0, 1, 2, 3, 4, 5);
const groups = groupBy(
  two,
  'by(.x)',
  valuesOf([int(1n), { kind: 'nil' }, int(1n), { kind: 'float', value: 1 }, int(1n), { kind: 'string', value: '1' }]),
  members,
);

describe('spansets', () => {
  test('lose spans, and vanish when none is left', () => {
    const map = new Uint8Array(8);
    map[1] = map[3] = 1;
    assert.deepEqual(plain(keepSpans(two, map)), [{ trace: 1, spans: [1, 3], 'count()': int(4n) }]);
    assert.deepEqual(plain(keepSpansets(two, Uint32Array.of(1))), [{ trace: 4, spans: [5, 7], 'count()': int(2n) }]);
    assert.equal(keepSpansets(two, new Uint32Array(0)).count, 0);
  });

  test('are split by type and value, missing values too, and keep their attributes', () => {
    assert.deepEqual(plain(groups), [
      { trace: 1, spans: [0, 2], 'count()': int(4n), 'by(.x)': int(1n) },
      { trace: 1, spans: [1], 'count()': int(4n), 'by(.x)': { kind: 'nil' } },
      { trace: 1, spans: [3], 'count()': int(4n), 'by(.x)': { kind: 'float', value: 1 } },
      { trace: 4, spans: [5], 'count()': int(2n), 'by(.x)': int(1n) },
      { trace: 4, spans: [7], 'count()': int(2n), 'by(.x)': { kind: 'string', value: '1' } },
    ]);
  });

  test('large and negative integers, arrays and words are told apart', () => {
    const list: readonly Operand[] = [
      int(2n ** 40n),
      int(-1n),
      int(2n ** 40n),
      {
        kind: 'array',
        elements: [
          { kind: 'string', value: 'a' },
          { kind: 'string', value: 'b' },
        ],
      },
      {
        kind: 'array',
        elements: [
          { kind: 'string', value: 'a' },
          { kind: 'string', value: 'b' },
        ],
      },
      { kind: 'array', elements: [{ kind: 'string', value: 'a,b' }] },
    ];
    const merged = coalesce({ ...two, traces: Uint32Array.of(1, 1) });
    assert.deepEqual(
      (plain(groupBy(merged, 'g', valuesOf(list), members)) as readonly { readonly spans: unknown }[]).map(({ spans }) => spans),
      [[0, 2], [1], [3, 5], [7]],
    );
  });

  test('of a trace are merged in order and lose their attributes', () => {
    assert.deepEqual(plain(coalesce(groups)), [
      { trace: 1, spans: [0, 1, 2, 3] },
      { trace: 4, spans: [5, 7] },
    ]);
  });

  test('are cut to so many spans each, and so many traces', () => {
    const all = pickFromSpansets(groups, { firstTrace: 0, maxTraces: 10, spansPerSpanset: 1 });
    assert.deepEqual([...all.rows], [1, 4]);
    assert.deepEqual([...all.spansetRanges], [0, 3, 3, 5]);
    assert.deepEqual([...all.matched], [2, 1, 1, 1, 1]);
    assert.deepEqual([...all.spanRanges], [0, 1, 1, 2, 2, 3, 3, 4, 4, 5]);
    assert.deepEqual([...all.spans], [0, 1, 3, 5, 7]);
    assert.equal(all.order, undefined);

    const whole = pickFromSpansets(groups, { firstTrace: 0, maxTraces: 1, spansPerSpanset: 0 });
    assert.deepEqual([...whole.rows], [1]);
    assert.deepEqual([...whole.spans], [0, 1, 2, 3]);
    assert.deepEqual([...whole.order!], [0, 2, 1, 3]);

    const later = pickFromSpansets(groups, { firstTrace: 2, maxTraces: 10, spansPerSpanset: 3 });
    assert.deepEqual([...later.rows], [4]);
    assert.deepEqual([...later.spansetRanges], [0, 2]);
    assert.deepEqual(
      later.attributes.map(({ ids, values }) => Array.from(ids, (id) => values[id])),
      [
        [int(2n), int(2n)],
        [int(1n), { kind: 'string', value: '1' }],
      ],
    );
  });
});
