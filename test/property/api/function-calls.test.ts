// Calls of functions and their answers: what is written is read again, and nothing that was cut or changed on the way passes for an answer.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decodeAnswer, encodeAnswer } from '#engine/api/function-answer-body.ts';
import type { FunctionAnswer, FunctionCall, FunctionOutcome } from '#engine/api/function-call.ts';
import { decodeCall, encodeCall } from '#engine/api/function-call-body.ts';
import { decodeVersion, decodeVersionRequest, encodeVersionRequest } from '#engine/api/function-version.ts';
import { AppError, errorCodes } from '#engine/base/errors.ts';
import { tenantId } from '#engine/base/units.ts';

const seed = Math.floor(Math.random() * 2 ** 31);
const options = { seed, numRuns: 200 };
console.log(`seed ${seed}`);

const number = fc.double({ min: 0, max: 1e15, noNaN: true }).map((value) => value + 0);
const job = fc.record({
  kind: fc.constantFrom('search' as const, 'metrics' as const, 'tag-names' as const, 'tag-values' as const, 'trace' as const),
  url: fc.string({ unit: 'grapheme', maxLength: 300 }),
  accept: fc.constantFrom('application/json' as const, 'application/protobuf' as const),
});
const call: fc.Arbitrary<FunctionCall> = fc
  .record(
    {
      engine: fc.string(),
      sentMs: number,
      deadlineMs: number,
      hedged: fc.boolean(),
      traceparent: fc.string({ minLength: 1 }),
      tenant: fc.stringMatching(/^[a-z]{1,20}$/),
      jobs: fc.array(job, { minLength: 1, maxLength: 8 }),
    },
    { requiredKeys: ['engine', 'sentMs', 'deadlineMs', 'hedged', 'tenant', 'jobs'] },
  )
  .map(({ tenant, jobs, ...rest }) => structuredClone({ ...rest, jobs: jobs.map((one) => ({ ...one, tenant: tenantId(tenant) })) }));
const outcome: fc.Arbitrary<FunctionOutcome> = fc.oneof(
  fc.record({
    kind: fc.constant('answered' as const),
    answer: fc.record({ status: fc.nat(599), contentType: fc.string(), body: fc.uint8Array({ maxLength: 500 }) }),
    cost: fc.record({ bytesRead: fc.nat(), gets: fc.nat(), durationMs: number }),
  }),
  fc.record({
    kind: fc.constant('failed' as const),
    failure: fc.constantFrom('job' as const, 'timeout' as const, 'too_large' as const, 'no_room' as const),
    code: fc.constantFrom(...errorCodes),
    message: fc.string({ unit: 'binary' }).map((text) => text.toWellFormed()),
  }),
);
const answer: fc.Arbitrary<FunctionAnswer> = fc
  .record({
    engine: fc.string(),
    memoryMb: fc.nat(),
    elapsedMs: number,
    coldStart: fc.boolean(),
    outcomes: fc.array(outcome, { minLength: 1, maxLength: 6 }),
  })
  .map((one) => structuredClone(one));

/** Bodies as plain arrays, so that Buffers and views compare. */
function plain({ outcomes, ...rest }: FunctionAnswer) {
  return {
    ...rest,
    outcomes: outcomes.map((one) => (one.kind === 'failed' ? one : { ...one, answer: { ...one.answer, body: [...one.answer.body] } })),
  };
}

function isRefused(read: () => unknown): boolean {
  try {
    read();
    return false;
  } catch (thrown) {
    assert.ok(thrown instanceof AppError, String(thrown));
    return true;
  }
}

test('calls and answers are read as they were written', () => {
  fc.assert(
    fc.property(call, (one) => assert.deepEqual(decodeCall(encodeCall(one)), one)),
    options,
  );
  fc.assert(
    fc.property(answer, (one) => assert.deepEqual(plain(decodeAnswer(encodeAnswer(one), one.outcomes.length)), plain(one))),
    options,
  );
});

test('an answer that was cut, lengthened or changed is none', () => {
  fc.assert(
    fc.property(
      answer,
      fc.nat(),
      fc.integer({ min: 1, max: 255 }),
      fc.uint8Array({ minLength: 1, maxLength: 20 }),
      (one, place, flip, more) => {
        const bytes = encodeAnswer(one);
        const { length } = one.outcomes;
        for (let end = 0; end < bytes.length; end += Math.max(1, bytes.length >> 5))
          assert.ok(isRefused(() => decodeAnswer(bytes.subarray(0, end), length)));
        assert.ok(isRefused(() => decodeAnswer(Buffer.concat([bytes, more]), length)));
        const changed = Uint8Array.from(bytes);
        changed[place % changed.length]! ^= flip;
        assert.ok(isRefused(() => decodeAnswer(changed, length)));
        assert.ok(isRefused(() => decodeAnswer(bytes, length + 1)));
      },
    ),
    options,
  );
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => isRefused(() => decodeAnswer(bytes, 1))),
    options,
  );
});

test('a call that was cut or is something else is refused by name', () => {
  fc.assert(
    fc.property(call, fc.nat(), (one, place) => {
      const bytes = encodeCall(one);
      assert.ok(isRefused(() => decodeCall(bytes.subarray(0, place % bytes.length))));
    }),
    options,
  );
  fc.assert(
    fc.property(fc.json(), (text) => isRefused(() => decodeCall(Buffer.from(text)))),
    options,
  );
  const [one] = fc.sample(call, { seed, numRuns: 1 });
  const fields = JSON.parse(Buffer.from(encodeCall(one!)).toString());
  const changed = (change: object) => Buffer.from(JSON.stringify({ ...fields, ...change }));
  const refusals: readonly (readonly [object, string, RegExp])[] = [
    [{ protocol: 2 }, 'unimplemented', /calls of protocol 2 are not understood, only of 1/],
    [{ jobs: [] }, 'bad_request', /no jobs/],
    [{ jobs: [[9, 0, '/']] }, 'bad_request', /job 0 is not understood/],
    [{ jobs: new Array(1001).fill([0, 0, '/']) }, 'bad_request', /1001 jobs, at most 1000/],
    [{ jobs: [[0, 0, 'x'.repeat(300_000)]] }, 'bad_request', /job 0 has an URL of more than 262144 bytes/],
    [{ tenant: 'a/b' }, 'bad_request', /unsupported character/],
    [{ deadlineMs: 'soon' }, 'bad_request', /deadlineMs is no time/],
  ];
  for (const [change, code, message] of refusals) assert.throws(() => decodeCall(changed(change)), { code, message });
});

test('versions', () => {
  const probe = { tenant: 'a', blockId: 'b', sizeBytes: 7 };
  assert.deepEqual(decodeVersionRequest(encodeVersionRequest(probe)), probe);
  assert.equal(decodeVersionRequest(encodeVersionRequest(undefined)), undefined);
  assert.equal(decodeVersionRequest(new Uint8Array(0)), undefined);
  assert.throws(() => decodeVersionRequest(Buffer.from('{"probe":{}}')), { code: 'bad_request' });
  assert.equal(decodeVersion(Buffer.from('serverless [parsing search request]: start and end required')), undefined);
  assert.equal(decodeVersion(Buffer.from('{"traces":[]}')), undefined);
  assert.equal(decodeVersion(Buffer.from('null')), undefined);
  const version = { protocol: 1, engine: '1', formats: ['vParquet4'], kinds: ['search'], memoryMb: 5, nowMs: 6, backend: 'ok' };
  assert.deepEqual(decodeVersion(Buffer.from(JSON.stringify(version))), version);
});
