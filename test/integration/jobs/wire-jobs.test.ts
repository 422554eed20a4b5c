// Jobs as they travel: whatever runs one, it answers the same bytes.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { WireAnswer, WireJob } from '#engine/api/job-wire.ts';
import { createLocalBackend } from '#engine/backend/local.ts';
import { createJobEnvironment } from '#engine/jobs/environment.ts';
import { runWireJob } from '#engine/jobs/run-wire-job.ts';
import { startTestApp } from '../querier/start.ts';
import { blocksPath, jobsOf, lookupsOf, sampleBlocks, wireJobs } from './sample-jobs.ts';

const signal = new AbortController().signal;

async function createRunner(): Promise<(job: WireJob) => Promise<WireAnswer>> {
  const backend = await createLocalBackend({ path: blocksPath });
  const environment = createJobEnvironment({ backend, maxMemoryBytes: 2 ** 28, cacheBytes: 2 ** 26 });
  return (job) => runWireJob(environment, job, signal);
}

/** The id of some trace of a search's answer. */
function someTrace({ body }: WireAnswer): string {
  return /"traceID":"([0-9a-f]+)"/.exec(Buffer.from(body).toString())?.[1] ?? 'deadbeef';
}

test('a querier over HTTP answers what the runner answers, byte for byte', async (t) => {
  const { get } = await startTestApp(t, { querier: { scan_threads: 1 } });
  const run = await createRunner();
  let compared = 0;
  const found = new Set<string>();
  for (const meta of sampleBlocks()) {
    const jobs = jobsOf(meta);
    const [first] = wireJobs(meta, jobs.slice(0, 1));
    const lookups = [...lookupsOf(meta, someTrace(await run(first!))), ...lookupsOf(meta, 'deadbeef')];
    for (const job of wireJobs(meta, [...jobs, ...lookups])) {
      const ask = () => get(job.url, { 'X-Scope-OrgID': job.tenant, Accept: job.accept });
      // The first run fills the caches: the number of bytes read depends on them.
      await run(job).catch(() => undefined);
      await ask();
      const expected = await run(job).catch((error: Error) => error.message);
      const answer = await ask();
      const what = `${meta.version} ${job.kind} ${job.url} as ${job.accept}`;
      if (typeof expected === 'string') {
        assert.equal(answer.body.toString(), `${expected}\n`, what);
      } else {
        assert.deepEqual(answer.body, Buffer.from(expected.body), what);
        assert.deepEqual([answer.status, answer.headers['content-type']], [expected.status, expected.contentType], what);
        found.add(`${meta.version} ${job.kind} ${expected.status}`);
      }
      compared++;
    }
  }
  assert.ok(compared >= 300, `${compared} answers`);
  for (const version of ['vParquet2', 'vParquet3', 'vParquet4', 'vParquet5']) {
    for (const kind of ['search 200', 'metrics 200', 'tag-names 200', 'tag-values 200', 'trace 200', 'trace 404']) {
      assert.ok(found.has(`${version} ${kind}`), `${version} ${kind}`);
    }
  }
});

test('a bad URL is the caller’s fault, and says what is wrong', async () => {
  const run = await createRunner();
  const [meta] = sampleBlocks();
  const cases: readonly (readonly [WireJob['kind'], string, RegExp])[] = [
    ['search', '/querier/api/search', /start and end required/],
    ['metrics', '/querier/api/metrics/query_range?start=1', /end required/],
    ['tag-names', '/querier/api/search/tags', /invalid blockID/],
    ['tag-values', '/querier/api/v2/search/tag/%7B/values', /please provide a valid tagName/],
    ['trace', '/querier/api/v2/traces/xyz?mode=blocks', /invalid blockID/],
    ['trace', lookupsOf(meta!, 'xyz')[0]![1], /trace IDs can only contain hex/],
    ['trace', lookupsOf(meta!, 'abc')[0]![1].replace(/bloomShards=\d+/, 'bloomShards=0'), /bloomShards must be greater than 0/],
  ];
  for (const [kind, url, message] of cases) {
    await assert.rejects(run({ kind, tenant: meta!.tenant, url, accept: 'application/json' }), { code: 'bad_request', message }, url);
  }
});
