import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { loadKernels } from '#engine/kernels/load.ts';
import { anyChildTwin, expandTwin, ownersOf, pickSpansTwin, startsTwin } from '../../unit/kernels/twins/slots.ts';
import { kinds, putColumn, randomColumn, someEntries } from './columns.ts';
import { choiceOf } from './encode-values.ts';

const runs = { numRuns: 200 };
const kernels = loadKernels({ maxBytes: 64 << 20 });

const seed = fc.integer();
const size = fc.integer({ min: 1, max: 400 });

/** A byte map of random density. */
function byteMap(count: number, from: number): number[] {
  const ones = new Set(someEntries(count, from));
  return Array.from({ length: count }, (_, i) => (ones.has(i) ? 1 : 0));
}

function putBytes(values: readonly number[]): number {
  return kernels.put(Uint8Array.from(values));
}

function putWords(values: readonly number[]): number {
  return kernels.put(new Uint8Array(Uint32Array.from(values).buffer));
}

/** Runs a check and gives the memory back. */
function scoped(check: () => void): void {
  const mark = kernels.mark();
  check();
  kernels.release(mark);
}

function written(count: number, run: (out: number) => void): number[] {
  const out = kernels.alloc(count);
  run(out);
  return [...kernels.u8(out, count)];
}

describe('byte maps', () => {
  it('and, or, andNot, not', () => {
    fc.assert(
      fc.property(size, seed, seed, (count, seedA, seedB) =>
        scoped(() => {
          const a = byteMap(count, seedA);
          const b = byteMap(count, seedB);
          const atA = putBytes(a);
          const atB = putBytes(b);
          const both = (run: typeof kernels.and) => written(count, (out) => run(atA, atB, out, count));
          assert.deepEqual(
            both(kernels.and),
            a.map((one, i) => one & b[i]),
          );
          assert.deepEqual(
            both(kernels.or),
            a.map((one, i) => one | b[i]),
          );
          assert.deepEqual(
            both(kernels.andNot),
            a.map((one, i) => one & (1 - b[i])),
          );
          assert.deepEqual(
            written(count, (out) => kernels.not(atA, out, count)),
            a.map((one) => 1 - one),
          );
        }),
      ),
      runs,
    );
  });

  it('any, countOnes, indexes', () => {
    fc.assert(
      fc.property(size, seed, fc.integer({ min: 0, max: 400 }), (count, from, capacity) =>
        scoped(() => {
          const map = byteMap(count, from);
          // Ones behind the end must not count.
          const at = putBytes([...map, 1, 1, 1]);
          const expected = map.flatMap((one, i) => (one ? [i] : []));
          assert.equal(kernels.any(at, count), expected.length > 0);
          assert.equal(kernels.countOnes(at, count), expected.length);
          const out = kernels.alloc(capacity * 4);
          const found = kernels.indexes(at, count, out, capacity);
          assert.deepEqual([...kernels.u32(out, found)], expected.slice(0, capacity));
        }),
      ),
      runs,
    );
  });
});

describe('parents and children', () => {
  const levels = fc.record({ count: size, from: seed, top: fc.integer({ min: 0, max: 4 }), level: fc.integer({ min: 0, max: 4 }) });

  it('starts, expand, anyChild, anyByRepetition', () => {
    fc.assert(
      fc.property(levels, seed, ({ count, from, top, level }, seedMap) =>
        scoped(() => {
          const choice = choiceOf(from);
          const repetitions = Array.from({ length: count }, (_, i) => (i === 0 ? 0 : choice(top + 1)));
          const expected = startsTwin(repetitions, level);
          const parentCount = expected.length - 1;
          const atRepetitions = putBytes([...repetitions, 0, 0]);
          const list = kernels.alloc(expected.length * 4);
          assert.equal(kernels.starts(atRepetitions, count, level, list, parentCount), parentCount);
          assert.deepEqual([...kernels.u32(list, expected.length)], expected);
          const parents = byteMap(parentCount, seedMap);
          const expanded = written(count, (out) => kernels.expand(putBytes(parents), list, parentCount, out));
          assert.deepEqual(expanded, expandTwin(parents, expected));
          const children = byteMap(count, seedMap);
          const atChildren = putBytes([...children, 1, 1]);
          const any = anyChildTwin(children, expected);
          assert.deepEqual(
            written(parentCount, (out) => kernels.anyChild(atChildren, list, parentCount, out)),
            any,
          );
          const byRepetition = written(parentCount, (out) => {
            assert.equal(kernels.anyByRepetition(atChildren, atRepetitions, count, level, out), parentCount);
          });
          assert.deepEqual(byRepetition, any);
        }),
      ),
      runs,
    );
  });

  it('pickSpans', () => {
    const options = fc.record({
      firstTrace: fc.integer({ min: 0, max: 5 }),
      spansPerTrace: fc.integer({ min: 0, max: 5 }),
      limit: fc.integer({ min: 0, max: 30 }),
    });
    fc.assert(
      fc.property(size, seed, options, (count, from, { firstTrace, spansPerTrace, limit }) =>
        scoped(() => {
          const choice = choiceOf(from);
          const wide = choice(40) + 1;
          const repetitions = Array.from({ length: count }, (_, i) => (i === 0 || choice(wide) === 0 ? 0 : 1));
          const starts = startsTwin(repetitions, 0);
          const matched = byteMap(count, from);
          const expected = pickSpansTwin(matched, starts, { firstTrace, spansPerTrace, limit });
          const traces = kernels.alloc(limit * 16);
          const spans = kernels.alloc(limit * spansPerTrace * 4);
          const atMatched = putBytes([...matched, 1]);
          const found = kernels.pickSpans(atMatched, putWords(starts), firstTrace, starts.length - 1, spansPerTrace, limit, traces, spans);
          assert.equal(found, expected.traces.length);
          assert.deepEqual([...kernels.u32(traces, found * 4)], expected.traces.flat());
          assert.deepEqual([...kernels.u32(spans, expected.spans.length)], expected.spans);
        }),
      ),
      runs,
    );
  });
});

describe('attribute lists', () => {
  it('matchAttributes and findAttributes', () => {
    const columns = randomColumn(kinds.ids).filter(({ shape }) => shape.maxRepetition > 0);
    fc.assert(
      fc.property(columns, seed, seed, seed, ({ ...column }, seedHits, seedCandidates, seedWanted) =>
        scoped(() => {
          const { entries, dictionaryCount } = column;
          const pages = putColumn(kernels, column);
          const owners = ownersOf(
            entries.map((entry) => entry.repetition),
            column.shape.maxRepetition,
          );
          const ownerCount = (owners.at(-1) ?? -1) + 1;
          const hit = byteMap(dictionaryCount, seedHits);
          const candidates = byteMap(entries.length, seedCandidates);
          const wanted = byteMap(ownerCount, seedWanted);
          const isHit = entries.map((entry) => entry.value !== undefined && hit[entry.value as number] === 1);
          const hits = putBytes(hit);
          for (const all of [true, false]) {
            const expected = new Array<number>(ownerCount).fill(0);
            owners.forEach((owner, i) => {
              if (isHit[i] && (all || candidates[i] === 1)) expected[owner] = 1;
            });
            const marked = written(ownerCount, (out) => {
              const from = all ? 0 : putBytes(candidates);
              assert.equal(kernels.matchAttributes(pages, hits, dictionaryCount, from, out, ownerCount), ownerCount);
            });
            assert.deepEqual(marked, expected);
            const found = owners.flatMap((owner, i) => (isHit[i] && (all || wanted[owner] === 1) ? [[owner, i]] : []));
            const outOwners = kernels.alloc(found.length * 4);
            const outEntries = kernels.alloc(found.length * 4);
            const from = all ? 0 : putBytes(wanted);
            const count = kernels.findAttributes(pages, hits, dictionaryCount, from, ownerCount, outOwners, outEntries, found.length);
            assert.equal(count, found.length);
            assert.deepEqual(
              [...kernels.u32(outOwners, count)],
              found.map(([owner]) => owner),
            );
            assert.deepEqual(
              [...kernels.u32(outEntries, count)],
              found.map(([, entry]) => entry),
            );
          }
        }),
      ),
      runs,
    );
  });
});
