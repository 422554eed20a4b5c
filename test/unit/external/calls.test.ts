import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { FunctionOutcome } from '#engine/api/function-call.ts';
import type { WireJob } from '#engine/api/job-wire.ts';
import { tenantId } from '#engine/base/units.ts';
import { engineVersion } from '#engine/base/version.ts';
import { answerDeadline } from '../../../functions/answer-deadline.ts';
import { leaveOut } from '../../../functions/fit-answer.ts';
import { judgeEngine, judgeGreeting } from '../../../querier/external/greeting.ts';
import { parseLambdaEndpoint } from '../../../querier/external/lambda-invoke.ts';
import { readPools } from '../../../querier/external/pool-config.ts';
import { joinParts, splitCall } from '../../../querier/external/split-calls.ts';
import { failureOfStatus, parseRetryAfter } from '../../../querier/external/status-failure.ts';

function job(tenant: string, urlBytes: number): WireJob {
  return { kind: 'search', tenant: tenantId(tenant), url: 'x'.repeat(urlBytes), accept: 'application/json' };
}

const noCost = { bytesRead: 0, gets: 0, durationMs: 0 };

test('statuses are told apart', () => {
  const body = Buffer.from('no\n');
  const at = (status: number, retryAfter?: string) => {
    const { reason, code, message, retryable, retryAfterMs } = failureOfStatus(status, retryAfter, body, 0);
    assert.equal(message, `external endpoint returned ${status}, no`);
    return [reason, code, retryable, retryAfterMs];
  };
  assert.deepEqual(at(429, '2'), ['throttled', 'too_many_requests', true, 2000]);
  assert.deepEqual(at(429), ['throttled', 'too_many_requests', true, undefined]);
  assert.deepEqual(at(503, '1'), ['throttled', 'too_many_requests', true, 1000]);
  assert.deepEqual(at(503), ['server_error', 'unavailable', true, undefined]);
  assert.deepEqual(at(500), ['server_error', 'unavailable', true, undefined]);
  assert.deepEqual(at(504), ['timeout', 'deadline_exceeded', true, undefined]);
  assert.deepEqual(at(413), ['too_large', 'too_large', true, undefined]);
  assert.deepEqual(at(501), ['version', 'unimplemented', true, undefined]);
});

test('Retry-After is seconds or a date, at most a minute', () => {
  const nowMs = Date.parse('2026-01-10T12:00:00Z');
  assert.equal(parseRetryAfter('1.5', nowMs), 1500);
  assert.equal(parseRetryAfter('Sat, 10 Jan 2026 12:00:05 GMT', nowMs), 5000);
  assert.equal(parseRetryAfter('Sat, 10 Jan 2026 11:00:00 GMT', nowMs), 0);
  assert.equal(parseRetryAfter('3600', nowMs), 60_000);
  assert.equal(parseRetryAfter('soon', nowMs), undefined);
  assert.equal(parseRetryAfter(undefined, nowMs), undefined);
});

test('a split call has every job once, one tenant a part, within the limit where there is more than one job', () => {
  const jobs = fc.array(
    fc.tuple(fc.constantFrom('a', 'b'), fc.nat(300)).map(([tenant, bytes]) => job(tenant, bytes)),
    { minLength: 1, maxLength: 30 },
  );
  fc.assert(
    fc.property(jobs, fc.integer({ min: 1, max: 1000 }), (list, maxBytes) => {
      const parts = splitCall(list, maxBytes);
      assert.deepEqual(
        parts.flat().sort((a, b) => a - b),
        [...list.keys()],
      );
      for (const part of parts) {
        assert.equal(new Set(part.map((index) => list[index]!.tenant)).size, 1);
        const size = part.reduce((sum, index) => sum + list[index]!.url.length + 64, 0);
        assert.ok(part.length === 1 || size <= maxBytes);
      }
      const cost = { requests: 1, billedMs: 2, memoryMb: 3, coldStart: false };
      const results = parts.map((part) => ({
        cost,
        outcomes: part.map((index) => ({
          kind: 'answered' as const,
          answer: { status: index, contentType: '', body: new Uint8Array(0) },
          cost: noCost,
        })),
      }));
      const joined = joinParts(parts, results);
      assert.deepEqual(
        joined.outcomes.map((one) => one.kind === 'answered' && one.answer.status),
        [...list.keys()],
      );
      assert.deepEqual([joined.cost.requests, joined.cost.billedMs], [parts.length, 2 * parts.length]);
    }),
  );
});

test('the deadline of a call is the caller’s, unless the clocks disagree', () => {
  const call = { sentMs: 1_000_000, deadlineMs: 1_030_000 };
  assert.equal(answerDeadline(call, 1_000_050), 1_030_000);
  assert.equal(answerDeadline(call, 1_009_000), 1_030_000, 'nine seconds in the queue');
  assert.equal(answerDeadline(call, 999_000), 1_029_000, 'this clock is behind');
  assert.equal(answerDeadline(call, 1_060_000), 1_090_000, 'this clock is a minute ahead');
  assert.equal(answerDeadline({ sentMs: 0, deadlineMs: 1e15 }, 10), 15 * 60 * 1000, 'bounded');
});

test('the largest answers are left out first; one alone is too large for good', () => {
  const answered = (sizeBytes: number): FunctionOutcome => ({
    kind: 'answered',
    answer: { status: 200, contentType: '', body: new Uint8Array(sizeBytes) },
    cost: noCost,
  });
  const kinds = (list: readonly FunctionOutcome[]) => list.map((one) => (one.kind === 'failed' ? one.failure : one.answer.body.length));
  assert.deepEqual(kinds(leaveOut([answered(10), answered(500), answered(20), answered(300)], 350)), [10, 'no_room', 20, 300]);
  assert.deepEqual(kinds(leaveOut([answered(10), answered(500), answered(20), answered(300)], 100)), [10, 'no_room', 20, 'no_room']);
  assert.deepEqual(kinds(leaveOut([answered(500)], 100)), ['too_large']);
  assert.deepEqual(kinds(leaveOut([answered(0), answered(0)], 0)), [0, 0]);
});

test('greetings decide how an endpoint is called', () => {
  const version = { protocol: 1, engine: engineVersion, formats: [], kinds: [], memoryMb: 0, nowMs: 0, backend: 'ok' };
  const judge = (changes: Partial<typeof version>, check: 'refuse' | 'warn' | 'off') => {
    const { protocol, complaints } = judgeGreeting({ kind: 'version', version: { ...version, ...changes } }, check);
    return `${protocol} ${complaints.length}`;
  };
  assert.equal(judge({}, 'refuse'), 'calls 0');
  assert.deepEqual(
    [judge({ engine: '9' }, 'refuse'), judge({ engine: '9' }, 'warn'), judge({ engine: '9' }, 'off')],
    ['refused 1', 'calls 1', 'calls 0'],
  );
  assert.deepEqual([judge({ protocol: 2 }, 'refuse'), judge({ protocol: 2 }, 'warn')], ['refused 1', 'tempo 1']);
  assert.equal(judge({ backend: 'no bucket' }, 'warn'), 'calls 1');
  assert.deepEqual(judgeGreeting({ kind: 'tempo' }, 'warn'), { protocol: 'tempo', complaints: [] });
  assert.equal(judgeGreeting({ kind: 'tempo' }, 'refuse').protocol, 'refused');
  assert.match(judgeEngine('', 'warn').complaints[0]!, /the function has version unknown/);
});

test('Lambda endpoints: names, aliases, ARNs', () => {
  assert.deepEqual(parseLambdaEndpoint('lambda:search'), { functionName: 'search', qualifier: undefined, region: '' });
  assert.deepEqual(parseLambdaEndpoint('lambda:search:live'), { functionName: 'search', qualifier: 'live', region: '' });
  const arn = 'arn:aws:lambda:eu-west-1:123456789012:function:search:live';
  assert.deepEqual(parseLambdaEndpoint(`lambda:${arn}`), { functionName: arn, qualifier: undefined, region: 'eu-west-1' });
  assert.equal(parseLambdaEndpoint('https://x'), undefined);
  assert.throws(() => parseLambdaEndpoint('lambda:a/b'), {
    code: 'config',
    message: 'external endpoint lambda:a/b is not lambda:FUNCTION[:ALIAS]',
  });
});

test('pools: Tempo’s keys make the first one; what is wrong is said by name', () => {
  const tempo = { backend: '', endpoints: [] as string[], cloudRunEndpoints: [] as string[], cloudRunNoAuth: false };
  const url = 'https://a.lambda-url.eu-west-1.on.aws/';
  assert.deepEqual(readPools(tempo, undefined), []);
  const shown = (changes: Partial<typeof tempo>, pools?: unknown) =>
    readPools({ ...tempo, ...changes }, pools).map(({ name, platform, auth }) => `${name} ${platform} ${auth}`);
  assert.deepEqual(shown({ endpoints: ['http://a'] }), ['default none none']);
  assert.deepEqual(shown({ endpoints: [url], backend: 'aws_lambda' }), ['default lambda-arm64 aws_sigv4']);
  assert.deepEqual(shown({ backend: 'google_cloud_run', cloudRunEndpoints: ['https://x.run.app'] }), ['default cloudrun google_id_token']);
  assert.deepEqual(shown({ backend: 'google_cloud_run', cloudRunEndpoints: ['https://x.run.app'], cloudRunNoAuth: true }), [
    'default cloudrun none',
  ]);
  assert.deepEqual(shown({ endpoints: ['http://a'] }, [{ name: 'far', endpoints: ['lambda:f'], memory_mb: 1769 }]), [
    'default none none',
    'far lambda-arm64 none',
  ]);
  const refused: readonly (readonly [Partial<typeof tempo>, unknown, RegExp])[] = [
    [{ backend: 'google_cloud_run' }, undefined, /needs querier\.search\.google_cloud_run\.external_endpoints/],
    [{ endpoints: ['ftp://a'] }, undefined, /ftp:\/\/a is no http/],
    [{}, {}, /a list of pools/],
    [{}, ['x'], /entry 1 is no section/],
    [{}, [{ endpoints: ['http://a'] }], /entry 1 needs a name/],
    [{}, [{ name: 'a' }], /pool a needs endpoints/],
    [{}, [{ name: 'a', endpoints: ['http://a'], colour: 1 }], /unknown key colour/],
    [{}, [{ name: 'a', endpoints: ['http://a'], auth: 'magic' }], /auth of pool a is one of none, google_id_token, aws_sigv4/],
    [{}, [{ name: 'a', endpoints: ['http://a'], memory_mb: -1 }], /memory_mb of pool a/],
    [
      {},
      [
        { name: 'a', endpoints: ['http://a'] },
        { name: 'a', endpoints: ['http://b'] },
      ],
      /two pools are called a/,
    ],
    [
      {},
      [
        { name: 'a', endpoints: ['http://a'] },
        { name: 'b', endpoints: ['http://a'] },
      ],
      /endpoint http:\/\/a is in the pools a and b/,
    ],
  ];
  for (const [changes, pools, message] of refused)
    assert.throws(() => readPools({ ...tempo, ...changes }, pools), { code: 'config', message });
});
