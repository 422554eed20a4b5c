import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { DedicatedColumn } from '#engine/api/dedicated-columns.ts';
import { parseForm, printForm } from '#engine/api/form.ts';
import { parseLogfmt, printLogfmt } from '#engine/api/logfmt.ts';
import { parseSearchBlockParams, printSearchBlockParams } from '#engine/api/search-block-params.ts';
import { parseSearchParams } from '#engine/api/search-params.ts';
import type { SearchBlockRequest } from '#engine/api/search-request.ts';
import { parseGoDuration, printGoDuration } from '#engine/base/duration.ts';
import { AppError } from '#engine/base/errors.ts';
import { blockId } from '#engine/base/units.ts';

const text = fc.string({ unit: 'binary' }).map((value) => value.toWellFormed());
const positive = fc.integer({ min: 1, max: 2 ** 31 - 1 });
const column: fc.Arbitrary<DedicatedColumn> = fc.record({
  scope: fc.constantFrom('span', 'resource', 'event'),
  name: text.filter((name) => name !== ''),
  type: fc.constantFrom('string', 'int'),
  options: fc.subarray<'array' | 'blob'>(['array', 'blob']),
});
const tagKey = fc.stringMatching(/^[a-z.é]+$/);
const search = fc.oneof(
  fc.record({ query: text.filter((query) => query !== ''), tags: fc.constant(new Map<string, string>()) }),
  fc.record({ tags: fc.array(fc.tuple(tagKey, text)).map((entries) => new Map(entries)) }),
);
const block = fc.record({
  blockId: fc.uuid().map((id) => blockId(id)!),
  version: fc.constantFrom('vParquet3', 'vParquet4'),
  sizeBytes: fc.nat(),
  footerBytes: fc.nat(),
  totalRecords: positive,
  startPage: fc.nat(),
  pagesToSearch: positive,
  dedicatedColumns: fc.array(column, { maxLength: 3 }),
});
const request: fc.Arbitrary<SearchBlockRequest> = fc
  .tuple(search, block, fc.tuple(fc.nat(), positive), fc.tuple(positive, positive), fc.option(fc.tuple(positive, fc.nat())))
  .map(([what, part, [start, length], [limit, spansPerSpanset], durations]) => ({
    ...what,
    ...(durations && { minDurationMs: durations[0], maxDurationMs: durations[0] + durations[1] }),
    startSeconds: Math.floor(start / 2),
    endSeconds: Math.floor(start / 2) + Math.ceil(length / 2),
    limit,
    spansPerSpanset,
    // fast-check's records may lack a prototype, which strict equality sees.
    block: { ...part, dedicatedColumns: part.dedicatedColumns.map((dedicated) => ({ ...dedicated })) },
  }));

test('a printed job is read back, by a querier and by a function', () => {
  fc.assert(
    fc.property(request, (job) => {
      const query = printSearchBlockParams(job, 0);
      assert.deepEqual(parseSearchBlockParams(query, 'tempo'), job);
      assert.deepEqual(parseSearchBlockParams(query, 'serverless'), job);
    }),
    { numRuns: 300 },
  );
});

test('printed forms, tags and durations are read back', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.tuple(text, text), { selector: ([name]) => name }), (pairs) => {
      assert.deepEqual([...parseForm(printForm(pairs))], pairs);
      // A browser's own decoder agrees.
      assert.deepEqual([...new URLSearchParams(printForm(pairs))], pairs);
    }),
  );
  fc.assert(
    fc.property(fc.array(fc.tuple(tagKey, text)), (entries) => {
      assert.deepEqual(parseLogfmt(printLogfmt(new Map(entries))), new Map(entries));
    }),
  );
  fc.assert(
    fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (nanos) => {
      // Fractions are scaled in floating point, as in Go, so the last digits of long ones may differ.
      const back = parseGoDuration(printGoDuration(nanos));
      assert.ok(back - nanos <= 1n && nanos - back <= 1n);
    }),
  );
});

const limits = { defaultLimit: 20, maxLimit: 100, defaultSpss: 3, maxSpss: 100, maxDurationSeconds: 1000 };
const rules = { nowSeconds: 1_000_000, queryEndCutoffSeconds: 30, queryBackendAfterSeconds: 900 };
const names = ['q', 'tags', 'start', 'end', 'since', 'limit', 'spss', 'minDuration', 'maxDuration', 'blockID', 'size', 'dc', 'version'];
const piece = fc.oneof(text, fc.constantFrom('%', '%zz', '+', ';', '=', '1', '-1', '1h', 'a="b', '[{', '%ff'), fc.nat().map(String));

test('no query string does worse than a clear refusal', () => {
  const query = fc
    .array(fc.tuple(fc.constantFrom(...names), piece))
    .map((pairs) => pairs.map(([name, value]) => `${name}=${value}`).join('&'));
  const refusal = (work: () => unknown) => {
    try {
      work();
    } catch (thrown) {
      assert.ok(thrown instanceof AppError && thrown.code === 'bad_request', String(thrown));
    }
  };
  fc.assert(
    fc.property(fc.oneof(query, text), (given) => {
      refusal(() => parseSearchParams(given, limits, rules));
      refusal(() => parseSearchBlockParams(given, 'tempo'));
      refusal(() => parseSearchBlockParams(given, 'serverless'));
    }),
    { numRuns: 1000 },
  );
});
