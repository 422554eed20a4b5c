// The archive that is deployed, run as Lambda runs it, called as queriers call it: by Invoke with the AWS SDK, through a function URL and a load balancer.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { WireJob } from '#engine/api/job-wire.ts';
import { printSearchBlockParams } from '#engine/api/search-block-params.ts';
import { createCredentialSource } from '#engine/backend/aws-credentials.ts';
import { createLocalBackend } from '#engine/backend/local.ts';
import { systemClock } from '#engine/base/clock.ts';
import { type BlockMeta, parseBlockMeta } from '#engine/blocklist/meta.ts';
import { createJobEnvironment, type JobEnvironment } from '#engine/jobs/environment.ts';
import { runWireJob } from '#engine/jobs/run-wire-job.ts';
import { parseEndpoint } from '../../../querier/external/endpoints.ts';
import { createGetInvoke } from '../../../querier/external/get-invoke.ts';
import { authorizedSend } from '../../../querier/external/http-batch.ts';
import { httpGetOf } from '../../../querier/external/http-get.ts';
import { createHttpSend } from '../../../querier/external/http-send.ts';
import type { JobOutcome } from '../../../querier/external/invoke.ts';
import type { PoolConfig } from '../../../querier/external/pool-config.ts';
import { type OpenPools, openPools } from '../../../querier/external/pools.ts';
import { signRequests } from '../../../querier/external/sigv4-requests.ts';
import { heavyStartSeconds, writeHeavyBlocks } from '../../local-lambda/heavy-blocks.ts';
import { buildLambdaZip, caller, type LocalLambda, startLocalLambda } from '../../local-lambda/start.ts';
import { blocksPath, jobsOf, lookupsOf, sampleBlocks, wholeBlock, wireJobs } from '../jobs/sample-jobs.ts';
import { startTestApp } from '../querier/start.ts';

const environment = {
  AWS_ACCESS_KEY_ID: caller.accessKeyId,
  AWS_SECRET_ACCESS_KEY: caller.secretAccessKey,
  AWS_REGION: 'us-east-1',
};
const medium = { tenant: 'medium', blockId: '00000000-0000-4000-8000-00000000000a', rowGroups: 8, blobBytes: 300_000 };
const large = { tenant: 'large', blockId: '00000000-0000-4000-8000-00000000000b', rowGroups: 1, blobBytes: 7_000_000 };
const signal = new AbortController().signal;

let zipPath: string;
let remove = () => {};
let blocks: string;
let lambda: LocalLambda;
let here: JobEnvironment;
before(async () => {
  Object.assign(process.env, environment);
  ({ zipPath, remove } = await buildLambdaZip());
  blocks = writeHeavyBlocks([medium, large], blocksPath, ['vp2', 'vp3', 'vp4', 'vp5', 'dedicated5', 'rowgroups']);
  lambda = await startLocalLambda(zipPath, blocks);
  const backend = await createLocalBackend({ path: blocks });
  here = createJobEnvironment({ backend, maxMemoryBytes: 2 ** 29, cacheBytes: 2 ** 26 });
});
after(async () => {
  await lambda?.stop();
  remove();
  rmSync(blocks, { recursive: true, force: true });
});

function poolsOf(pool: Partial<PoolConfig>, complaints: string[] = []): Promise<OpenPools> {
  const rest = {
    name: 'p',
    endpoints: [],
    platform: 'lambda-arm64',
    auth: 'none',
    region: '',
    memoryMb: undefined,
    lambdaApi: '',
  } as const;
  return openPools({
    config: { pools: [{ ...rest, ...pool }], versionCheck: 'warn' },
    limits: () => ({ maxBytesPerTrace: 0 }) as never,
    clock: systemClock,
    env: environment,
    onRoundTrip: () => {},
    onComplaint: (_, complaint) => complaints.push(complaint),
  });
}

/** Calls the only endpoint of pools. */
async function call({ pools }: OpenPools, jobs: readonly WireJob[], { timeoutMs = 20_000, abort = signal } = {}) {
  return pools[0]!.endpoints[0]!.invoke({ jobs, deadlineMs: Date.now() + timeoutMs, hedged: false }, abort);
}

function answerOf(outcome: JobOutcome): string {
  assert.equal(outcome.kind, 'answered', JSON.stringify(outcome).slice(0, 500));
  const { answer } = outcome as Extract<JobOutcome, { kind: 'answered' }>;
  return `${answer.status} ${answer.contentType} ${Buffer.from(answer.body).toString('latin1')}`;
}

function reasonOf(outcome: JobOutcome): string {
  return outcome.kind === 'failed' ? outcome.reason : 'answered';
}

function someBlock(): BlockMeta {
  return sampleBlocks().find(({ tenant }) => tenant === 'vp4')!;
}

function heavyMeta({ tenant, blockId }: typeof medium): BlockMeta {
  return parseBlockMeta(readFileSync(join(blocks, tenant, blockId, 'meta.json')));
}

/** A job for each row group, that shows everything. */
function heavyJobs(meta: BlockMeta): readonly WireJob[] {
  const range = { startSeconds: heavyStartSeconds - 100, endSeconds: heavyStartSeconds + 1000 };
  const request = { query: '{ .blob != "" } | select(.blob)', tags: new Map(), ...range, limit: 20, spansPerSpanset: 3 };
  return Array.from({ length: meta.totalRecords }, (_, startPage) => {
    const block = { ...wholeBlock(meta), startPage, pagesToSearch: 1 };
    return {
      kind: 'search',
      tenant: meta.tenant,
      accept: 'application/json',
      url: `/querier/api/search?${printSearchBlockParams({ ...request, block })}`,
    };
  });
}

async function runHere(jobs: readonly WireJob[]): Promise<readonly string[]> {
  const answers: string[] = [];
  // What is read depends on what is cached, and it is part of the answer: once to fill the caches, once for the answers.
  for (const job of jobs) await runWireJob(here, job, signal);
  for (const job of jobs) {
    const { status, contentType, body } = await runWireJob(here, job, signal);
    answers.push(`${status} ${contentType} ${Buffer.from(body).toString('latin1')}`);
  }
  return answers;
}

test('jobs of every kind by Invoke: the bytes of the answers are those of this process', async () => {
  const wanted = ['vp2', 'vp3', 'vp4', 'vp5', 'dedicated5', 'rowgroups'];
  const pools = await poolsOf({ endpoints: ['lambda:search'], lambdaApi: lambda.api.url });
  await pools.greet(undefined, signal);
  let compared = 0;
  for (const meta of sampleBlocks().filter(({ tenant }) => wanted.includes(tenant))) {
    const jobs = wireJobs(meta, [...jobsOf(meta), ...lookupsOf(meta, 'a0000000000000000000000000000001')]);
    await call(pools, jobs);
    const { outcomes, cost } = await call(pools, jobs);
    assert.deepEqual([cost.requests, cost.memoryMb, cost.coldStart], [1, 1024, false]);
    assert.ok((cost.billedMs ?? 0) > 0);
    assert.deepEqual(outcomes.map(answerOf), await runHere(jobs), meta.version);
    compared += outcomes.length;
  }
  assert.ok(compared > 150, `${compared} answers`);
});

test('a sandbox starts cold once, is frozen between calls, and calls side by side have one each', async () => {
  const other = await startLocalLambda(zipPath, blocks, { concurrency: 3 });
  try {
    const pools = await poolsOf({ endpoints: ['lambda:search'], lambdaApi: other.api.url });
    const [meta] = sampleBlocks();
    const jobs = wireJobs(meta!, jobsOf(meta!).slice(0, 1)).slice(0, 1);
    assert.equal((await call(pools, jobs)).cost.coldStart, false, 'the question for the version came first');
    const [sandbox] = other.fn.environments();
    for (let waited = 0; !isStopped(sandbox!.pid) && waited < 5000; waited += 20) await systemClock.sleep(20);
    assert.ok(isStopped(sandbox!.pid), 'frozen');
    const many = await Promise.all(Array.from({ length: 12 }, () => call(pools, jobs)));
    const outcomes = many.map((one) => one.outcomes[0]!);
    const throttled = outcomes.filter((one) => one.kind === 'failed' && one.reason === 'throttled' && one.retryAfterMs === 1000);
    assert.ok(throttled.length > 0, outcomes.map(reasonOf).join());
    assert.deepEqual([...new Set(outcomes.map(reasonOf))].sort(), ['answered', 'throttled']);
    assert.equal(many.filter(({ cost }) => cost.coldStart).length, other.fn.started() - 1);
    assert.ok(other.fn.started() > 1 && other.fn.started() <= 3, `${other.fn.started()} sandboxes`);
  } finally {
    await other.stop();
  }
});

function isStopped(pid: number): boolean {
  return /^State:\s+T/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
}

test('6 MB by Invoke: what does not fit is left out by name, and comes when it is asked for alone', async () => {
  const pools = await poolsOf({ endpoints: ['lambda:search'], lambdaApi: lambda.api.url });
  const jobs = [...heavyJobs(heavyMeta(medium)), ...heavyJobs(heavyMeta(medium))];
  const { outcomes } = await call(pools, jobs);
  const reasons = outcomes.map(reasonOf);
  const left = jobs.filter((_, index) => reasons[index] !== 'answered');
  assert.ok(left.length > 0 && left.length < jobs.length, reasons.join());
  assert.ok(
    outcomes.every((one) => one.kind === 'answered' || (one.reason === 'too_large' && one.retryable)),
    reasons.join(),
  );
  const again = await Promise.all(left.map((job) => call(pools, [job])));
  for (const { outcomes: alone } of again) assert.ok(answerOf(alone[0]!).length > medium.blobBytes);
  const tooLarge = await call(pools, heavyJobs(heavyMeta(large)));
  assert.deepEqual(
    [reasonOf(tooLarge.outcomes[0]!), tooLarge.outcomes[0]!.kind === 'failed' && tooLarge.outcomes[0]!.retryable],
    ['too_large', false],
  );
});

test('1 MB through a load balancer: the same', async () => {
  const pools = await poolsOf({ endpoints: [`${lambda.loadBalancer.url}/search`] });
  const jobs = heavyJobs(heavyMeta(medium));
  const { outcomes } = await call(pools, jobs);
  const reasons = outcomes.map(reasonOf);
  assert.ok(reasons.includes('answered') && reasons.includes('too_large'), reasons.join());
  const alone = await Promise.all(jobs.map((job) => call(pools, [job])));
  assert.deepEqual(
    alone.map((one) => answerOf(one.outcomes[0]!).replace(/"metrics".*/, '')),
    (await runHere(jobs)).map((one) => one.replace(/"metrics".*/, '')),
  );
});

test('calls of more than 6 MB are several requests; a job of more is none', async () => {
  const pools = await poolsOf({ endpoints: ['lambda:search'], lambdaApi: lambda.api.url });
  await pools.greet(undefined, signal);
  const [meta] = sampleBlocks();
  const noise = () => randomBytes(150_000).toString('base64url');
  const jobs = wireJobs(meta!, jobsOf(meta!).slice(0, 1));
  const padded = Array.from({ length: 60 }, () => ({ ...jobs[0]!, url: `${jobs[0]!.url}&ignored=${noise()}` }));
  const { outcomes, cost } = await call(pools, padded);
  assert.ok(cost.requests >= 2, `${cost.requests} requests`);
  assert.deepEqual([...new Set(outcomes.map(reasonOf))], ['answered']);
  const huge = await call(pools, [{ ...jobs[0]!, url: `${jobs[0]!.url}&ignored=${Array.from({ length: 40 }, noise).join('')}` }]);
  assert.deepEqual([reasonOf(huge.outcomes[0]!), huge.cost.requests], ['too_large', 0]);
});

test('a function URL takes signed requests only', async () => {
  const [meta] = sampleBlocks();
  const jobs = wireJobs(meta!, jobsOf(meta!).slice(0, 4));
  const signed = await poolsOf({ endpoints: [`${lambda.functionUrl.url}/`], auth: 'aws_sigv4', region: 'eu-west-1' });
  assert.deepEqual(
    (await call(signed, jobs)).outcomes.map(reasonOf),
    jobs.map(() => 'answered'),
  );
  const unsigned = await poolsOf({ endpoints: [`${lambda.functionUrl.url}/`] });
  const { outcomes } = await call(unsigned, jobs);
  assert.match(outcomes[0]!.kind === 'failed' ? outcomes[0]!.message : '', /external endpoint returned 403, \{"Message":"Forbidden"\}/);
});

test('searches of tempo-serverless through a signed function URL and a load balancer', async () => {
  const httpSend = createHttpSend({ maxBodyBytes: 2 ** 26, onRoundTrip: () => {}, monotonicMs: systemClock.monotonicMs });
  const credentials = createCredentialSource({ accessKey: '', secretKey: '', sessionToken: '', env: environment, clock: systemClock });
  const signed = authorizedSend(httpSend, signRequests(credentials, systemClock, 'us-east-1'));
  const [job] = wireJobs(someBlock(), jobsOf(someBlock()));
  const ways = [
    { url: `${lambda.functionUrl.url}/some path/x`, send: signed, sound: true },
    { url: lambda.loadBalancer.url, send: httpSend, sound: true },
    { url: lambda.functionUrl.url, send: httpSend, sound: false },
  ];
  for (const { url, send, sound } of ways) {
    const limits = () => ({ maxBytesPerTrace: 0 }) as never;
    const tempo = createGetInvoke({ endpoint: parseEndpoint(url), httpGet: httpGetOf(send), limits, clock: systemClock });
    const { outcomes } = await tempo({ jobs: [job!], deadlineMs: Date.now() + 20_000, hedged: false }, signal);
    if (sound) assert.match(answerOf(outcomes[0]!), /^200 application\/json \{"traces":\[\{/, url);
    else assert.match(outcomes[0]!.kind === 'failed' ? outcomes[0]!.message : '', /returned 403/);
  }
});

test('what goes wrong is told apart: the deadline, memory, a crash, a name, a signature', async () => {
  const [meta] = sampleBlocks();
  const jobs = wireJobs(meta!, jobsOf(meta!).slice(0, 1));
  const pools = await poolsOf({ endpoints: ['lambda:search'], lambdaApi: lambda.api.url });
  await pools.greet(undefined, signal);
  assert.deepEqual((await call(pools, jobs, { timeoutMs: 0 })).outcomes.map(reasonOf), ['timeout', 'timeout']);
  const absent = await poolsOf({ endpoints: ['lambda:absent'], lambdaApi: lambda.api.url });
  const notFound = (await call(absent, jobs)).outcomes[0]!;
  assert.match(notFound.kind === 'failed' ? notFound.message : '', /ResourceNotFoundException: Function not found: absent/);
  const small = await startLocalLambda(zipPath, blocks, { memoryMb: 40 });
  try {
    const starved = await poolsOf({ endpoints: ['lambda:search'], lambdaApi: small.api.url });
    const { outcomes } = await call(starved, jobs);
    assert.deepEqual(outcomes.map(reasonOf), ['server_error', 'server_error']);
    assert.match(outcomes[0]!.kind === 'failed' ? outcomes[0]!.message : '', /Runtime\.OutOfMemory/);
  } finally {
    await small.stop();
  }
  const abort = new AbortController();
  const leaving = call(pools, jobs, { abort: abort.signal });
  abort.abort();
  await assert.rejects(leaving, { code: 'cancelled' });
});

test('searches through a load balancer and by Invoke are complete, whatever does not fit', async (t) => {
  const settings = (external: object) => ({
    query_frontend: {
      query_end_cutoff: '0s',
      search: {
        query_backend_after: '0s',
        max_duration: '0s',
        target_bytes_per_job: 100_000,
        default_result_limit: 100,
        max_result_limit: 0,
      },
    },
    querier: { search: { prefer_self: 0 }, external },
    storage: { trace: { backend: 'local', local: { path: blocks }, blocklist_poll: '1h' } },
  });
  const traces = async ({ get }: Awaited<ReturnType<typeof startTestApp>>, tenant: string) => {
    const query = encodeURIComponent('{ .blob != "" } | select(.blob)');
    const path = `/api/search?q=${query}&start=${heavyStartSeconds - 100}&end=${heavyStartSeconds + 1000}&limit=50`;
    const { status, body } = await get(path, { 'X-Scope-OrgID': tenant });
    assert.equal(status, 200, body.toString().slice(0, 300));
    return JSON.stringify(JSON.parse(body.toString()).traces);
  };
  const alone = await startTestApp(t, settings({ fall_back_to_self: true }));
  const ways = [
    { name: 'alb', endpoints: [lambda.loadBalancer.url] },
    { name: 'invoke', endpoints: ['lambda:search'], lambda_api: lambda.api.url },
  ];
  for (const pool of ways) {
    const app = await startTestApp(t, settings({ pools: [pool] }));
    for (const { tenant, rowGroups } of [medium, large]) {
      const found = await traces(app, tenant);
      assert.equal(JSON.parse(found).length, rowGroups);
      assert.ok(found === (await traces(alone, tenant)), `${pool.name} ${tenant}`);
    }
    const jobs = JSON.parse((await app.get('/status/jobs')).body.toString()) as { tenant: string; where: string }[];
    const places = (of: string) => [...new Set(jobs.filter(({ tenant }) => tenant === of).map(({ where }) => where))];
    assert.deepEqual([places('medium'), places('large')], [['external'], ['self']], pool.name);
  }
});
