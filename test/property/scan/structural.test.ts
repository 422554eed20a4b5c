// Structural operators against every pair of spans, as spec traceql §5.2 and §5.3 define them.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { relate, type TreeNumbers } from '#engine/scan/structural.ts';
import type { Combination, Relation } from '#engine/traceql/plan.ts';

type Related = Combination & { readonly kind: 'related' };

const relations: readonly Relation[] = ['child', 'descendant', 'parent', 'ancestor', 'sibling'];
const keeps = ['related', 'unrelated', 'pairs'] as const;

/** A trace: the parent of each span is an earlier one, −1 for a root, −2 for a span that no root reaches. */
const trace = fc
  .array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 9 })), { maxLength: 24 })
  .map((draws) => draws.map(([draw, die], i) => (die === 0 ? -2 : die === 1 || i === 0 ? -1 : draw % i)));

/** Numbers as Tempo gives them: depth first, roots in order (spec traceql §5.1). */
function numbersOf(parents: readonly number[]): TreeNumbers {
  const left = new Int32Array(parents.length);
  const right = new Int32Array(parents.length);
  const parent = new Int32Array(parents.length);
  let next = 1;
  const visit = (span: number, above: number): void => {
    left[span] = next++;
    parent[span] = above;
    parents.forEach((of, child) => {
      if (of === span) visit(child, left[span]!);
    });
    right[span] = next++;
  };
  parents.forEach((of, span) => {
    if (of === -1) visit(span, -1);
  });
  return { left, right, parent };
}

/** True when b has the relation to a. */
function isRelated(relation: Relation, { left, right, parent }: TreeNumbers, a: number, b: number): boolean {
  const known = (...numbers: readonly number[]) => numbers.every((number) => number !== 0);
  switch (relation) {
    case 'child':
      return known(parent[b]!, left[a]!) && parent[b] === left[a];
    case 'parent':
      return isRelated('child', { left, right, parent }, b, a);
    case 'descendant':
      return known(left[a]!, right[a]!, left[b]!, right[b]!) && left[b]! > left[a]! && right[b]! < right[a]!;
    case 'ancestor':
      return isRelated('descendant', { left, right, parent }, b, a);
    case 'sibling':
      return a !== b && parent[a] === parent[b] && known(parent[a]!);
  }
}

function naive({ relation, keep }: Related, sets: readonly (readonly number[])[], sides: Sides, tree: TreeNumbers): Uint8Array {
  const out = new Uint8Array(tree.left.length);
  for (const set of sets) {
    const lefts = set.filter((span) => sides.left[span] === 1);
    for (const b of set) {
      if (sides.right[b] === 0) continue;
      const partners = lefts.filter((a) => isRelated(relation, tree, a, b));
      if (partners.length > 0 === (keep !== 'unrelated')) out[b] = 1;
      if (keep === 'pairs') for (const a of partners) out[a] = 1;
    }
  }
  return out;
}

interface Sides {
  readonly left: Uint8Array;
  readonly right: Uint8Array;
}

/** Several traces one behind the other, with spans on either side. */
const scene = fc.array(trace, { minLength: 1, maxLength: 5 }).chain((traces) => {
  const trees = traces.map(numbersOf);
  const count = traces.reduce((sum, { length }) => sum + length, 0);
  const join = (pick: (tree: TreeNumbers) => Int32Array) => Int32Array.from(trees.flatMap((tree) => [...pick(tree)]));
  const byteMap = fc.array(fc.constantFrom(0, 0, 1), { minLength: count, maxLength: count }).map((bytes) => Uint8Array.from(bytes));
  const group = fc.array(fc.nat({ max: 2 }), { minLength: count, maxLength: count });
  return fc.record({
    sizes: fc.constant(traces.map(({ length }) => length)),
    tree: fc.constant({ left: join(({ left }) => left), right: join(({ right }) => right), parent: join(({ parent }) => parent) }),
    left: byteMap,
    right: byteMap,
    group,
  });
});

describe('structural operators', () => {
  for (const relation of relations) {
    for (const keep of keeps) {
      test(`${relation}, ${keep}`, () => {
        fc.assert(
          fc.property(scene, ({ sizes, tree, left, right, group }) => {
            const operator: Related = { kind: 'related', relation, keep };
            const starts = [0];
            for (const size of sizes) starts.push(starts[starts.length - 1]! + size);
            const whole = sizes.map((size, i) => Array.from({ length: size }, (_, j) => starts[i]! + j));
            const out = new Uint8Array(left.length);
            relate(operator, { count: sizes.length, starts: Uint32Array.from(starts), members: undefined }, { left, right }, tree, out);
            assert.deepEqual(out, naive(operator, whole, { left, right }, tree), 'whole traces');

            const groups = whole.flatMap((set) => [0, 1, 2].map((wanted) => set.filter((span) => group[span] === wanted)));
            const groupStarts = [0];
            for (const { length } of groups) groupStarts.push(groupStarts[groupStarts.length - 1]! + length);
            const inGroups = new Uint8Array(left.length);
            const sets = { count: groups.length, starts: Uint32Array.from(groupStarts), members: Uint32Array.from(groups.flat()) };
            relate(operator, sets, { left, right }, tree, inGroups);
            assert.deepEqual(inGroups, naive(operator, groups, { left, right }, tree), 'groups');
          }),
          { seed: 7, numRuns: 150 },
        );
      });
    }
  }

  test('numbers that are no tree are compared as they are', () => {
    const anyNumber = fc.array(fc.integer({ min: -2, max: 12 }), { minLength: 12, maxLength: 12 }).map((list) => Int32Array.from(list));
    const byteMap = fc.array(fc.nat({ max: 1 }), { minLength: 12, maxLength: 12 }).map((list) => Uint8Array.from(list));
    fc.assert(
      fc.property(
        anyNumber,
        anyNumber,
        anyNumber,
        byteMap,
        byteMap,
        fc.constantFrom(...relations),
        (left, right, parent, a, b, relation) => {
          const tree = { left, right, parent };
          const operator: Related = { kind: 'related', relation, keep: 'pairs' };
          const out = new Uint8Array(12);
          relate(operator, { count: 1, starts: Uint32Array.of(0, 12), members: undefined }, { left: a, right: b }, tree, out);
          assert.deepEqual(out, naive(operator, [Array.from({ length: 12 }, (_, i) => i)], { left: a, right: b }, tree));
        },
      ),
      { seed: 11, numRuns: 500 },
    );
  });

  test('a long chain takes no quadratic time', () => {
    const count = 200_000;
    const tree = {
      left: Int32Array.from({ length: count }, (_, i) => i + 1),
      right: Int32Array.from({ length: count }, (_, i) => 2 * count - i),
      parent: Int32Array.from({ length: count }, (_, i) => (i === 0 ? -1 : i)),
    };
    const all = new Uint8Array(count).fill(1);
    for (const relation of relations) {
      const out = new Uint8Array(count);
      const operator: Related = { kind: 'related', relation, keep: 'pairs' };
      relate(operator, { count: 1, starts: Uint32Array.of(0, count), members: undefined }, { left: all, right: all }, tree, out);
      assert.equal(
        out.reduce((sum, byte) => sum + byte, 0),
        relation === 'sibling' ? 0 : count,
      );
    }
  });
});
