import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { SearchExplanation } from '../../../querier/frontend/explain.ts';
import { startS3Server } from '../backend/s3-server.ts';
import { blocksPath, configFile, configText, searchPath, startTestApp } from './start.ts';

// Goal: `rubato search` prints what /api/search answers, from a folder, a configuration or S3, and ends with the status that says how it went.
// Method: the real program over real blocks; answers compared with those of the HTTP API.

const main = join(import.meta.dirname, '../../../querier/main.ts');
const bucket = `file://${blocksPath}`;
const producers = '{ kind = producer }';

interface Ended {
  readonly status: number;
  readonly out: string;
  readonly error: string;
}

function start(t: TestContext, args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const child = spawn(process.execPath, [main, 'search', ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env.PATH, ...env },
  });
  t.after(() => child.kill('SIGKILL'));
  let out = '';
  let error = '';
  child.stdout.on('data', (data: Buffer) => (out += data.toString()));
  child.stderr.on('data', (data: Buffer) => (error += data.toString()));
  const ended = once(child, 'close').then(([status]): Ended => ({ status: status as number, out, error }));
  return { child, ended };
}

function search(t: TestContext, ...args: readonly string[]): Promise<Ended> {
  return start(t, args).ended;
}

interface Trace {
  readonly traceID: string;
  readonly rootServiceName: string;
  readonly durationMs?: number;
  readonly spanSets: readonly { readonly matched: number }[];
}

async function answerOverHttp(t: TestContext, more = ''): Promise<{ readonly traces: readonly Trace[] }> {
  const { get } = await startTestApp(t);
  return JSON.parse((await get(searchPath(producers, more), { 'X-Scope-OrgID': 'vp4' })).body.toString());
}

test('matches as a table, from a folder', async (t) => {
  const { traces } = await answerOverHttp(t, '&limit=1000');
  const { status, out, error } = await search(t, '--bucket', bucket, '--tenant=vp4', '--limit', '1000', producers);
  assert.equal(status, 0, error);
  const [heading, ...rows] = out.trimEnd().split('\n');
  assert.match(heading!, /^TRACE ID +ROOT SERVICE +ROOT NAME +START +DURATION MS +SPANS$/);
  assert.deepEqual(
    rows.map((row) => row.split(/ +/)[0]),
    traces.map(({ traceID }) => traceID),
    'the same traces in the same order',
  );
  for (const [i, row] of rows.entries()) {
    const { rootServiceName, durationMs = 0, spanSets } = traces[i]!;
    assert.ok(row.includes(`  ${rootServiceName}  `));
    assert.match(row, / 2026-01-10 1[123]:\d\d:\d\d\.\d{3}Z /);
    assert.match(row, new RegExp(` ${durationMs} +${spanSets[0]!.matched}$`));
  }
  assert.match(error, /^(\d+) of \1 jobs, read [\d.]+ kB with \d+ GETs and 1 LIST, \d+ ms$/m);
  assert.match(
    error,
    /^estimate at S3 list prices \(Standard, us-east-1\): requests \$0\.0000\d+; transfer \$0 within the region, \$0\.0/m,
  );
});

test('--json is the answer of /api/search; times, limit and spss are those of the flags', async (t) => {
  const expected = await answerOverHttp(t, '&limit=3&spss=1');
  const config = configFile(t, configText());
  const flags = ['--tenant', 'vp4', '--limit=3', '--spss', '1', '--json'];
  const times = ['--start', '2026-01-10T12:00:00Z', '--end', '1768050000'];
  const found = await search(t, `-config.file=${config}`, ...flags, ...times, '--concurrency=1', producers);
  assert.equal(found.status, 0, found.error);
  const { traces } = JSON.parse(found.out) as { traces: readonly Trace[] };
  assert.equal(traces.length, 3);
  assert.deepEqual(new Set(traces.map(({ traceID }) => traceID)).size, 3);
  const all = await answerOverHttp(t, '&limit=1000&spss=1');
  for (const trace of traces)
    assert.deepEqual(
      trace,
      all.traces.find(({ traceID }) => traceID === trace.traceID),
    );
  assert.equal(expected.traces.length, 3);

  const elsewhere = await search(t, '--bucket', bucket, ...flags, '--start=1', '--end=2', producers);
  assert.deepEqual([elsewhere.status, JSON.parse(elsewhere.out).traces], [1, []], 'nothing is that old');
  const recent = await search(t, '--bucket', bucket, ...flags, '--since=1s', producers);
  assert.deepEqual([recent.status, JSON.parse(recent.out).traces], [1, []]);
});

test('--spans shows spans with their attributes', async (t) => {
  const query = '{ span.http.status_code >= 500 } | select(resource.service.name)';
  const { status, out } = await search(t, '--bucket', bucket, '--tenant', 'vp4', '--spans', '--limit=5', query);
  assert.equal(status, 0);
  const spans = out.split('\n').filter((line) => line.startsWith('    '));
  assert.ok(spans.length >= 5);
  for (const line of spans) {
    assert.match(line, /^ {4}[0-9a-f]{16} {2}at -?\d+\.\d ms for \d+\.\d ms {2}.*http\.status_code=5\d\d|^ {4}\d+ more$/);
    if (!line.endsWith(' more')) assert.match(line, /service\.name="/);
  }
});

test('--explain prints the plan behind the matches, and puts it into the JSON', async (t) => {
  const query = '{ name = "no such name" }';
  const text = await search(t, '--bucket', bucket, '--tenant', 'rowgroups', '--explain', query);
  assert.equal(text.status, 1);
  assert.match(text.out, /^no traces found\n\nplan of \{ name = "no such name" \}\n2 blocks, 2 jobs, 1\.2 MB; /);
  assert.match(text.out, /\n {2}first pass, in order of evaluation:\n {4}rs\.ss\.Spans\.Name +name = "no such name"; answer: name\n/);
  assert.match(text.out, /\n {2}second pass, where something matches:\n {4}TraceID +answer\n/);
  const ruledOut = text.out.match(/ruled out: name = "no such name": none of \d+ in the dictionary of rs\.ss\.Spans\.Name/g);
  assert.equal(ruledOut?.length, 25, 'every row group of both blocks');

  const json = await search(t, '--bucket', bucket, '--tenant', 'rowgroups', '--explain', '--explain-blocks=1', '--json', query);
  const { traces, explain } = JSON.parse(json.out) as { traces: unknown[]; explain: SearchExplanation };
  assert.deepEqual([traces, explain.blocks.length, explain.moreBlocks, explain.actual?.jobs], [[], 1, 1, 2]);
  const groups = explain.blocks[0]!.jobs.flatMap(({ rowGroups }) => rowGroups);
  assert.ok(groups.every(({ actual }) => actual?.outcome === 'ruledOut'));
});

test('status 2 and one line for what cannot be searched', async (t) => {
  const cases: readonly (readonly [args: readonly string[], text: RegExp])[] = [
    [[], /no query/],
    [['{}'], /say where the blocks are with --bucket or -config\.file/],
    [['--bucket', bucket, '{}'], /say which tenant with --tenant: compacted, /],
    [['--bucket', bucket, '--tenant=nobody', '{}'], /no blocks of tenant nobody/],
    [['--bucket', bucket, '--tenant=a/b', '{}'], /contains unsupported character '\/'/],
    [['--bucket', bucket, '--tenant=vp4', '{'], /invalid TraceQL query: parse error at line 1, col 2/],
    [['--bucket', bucket, '--tenant=vp4', '{}', '{}'], /one query only/],
    [['--bucket', bucket, '--tenant=vp4', '--limit=0', '{}'], /--limit must be a number from 1/],
    [['--bucket', bucket, '--tenant=vp4', '--since=soon', '{}'], /--since: not a valid duration string: "soon"/],
    [['--bucket', bucket, '--tenant=vp4', '--nonsense', '{}'], /unknown flag --nonsense/],
    [['--bucket', 'file:///no/such/folder', '{}'], /there are no tenants/],
    [['--bucket', 'azure://container?x=y', '{}'], /must be azure:\/\/container\/prefix/],
    [['--bucket', 'ftp://host', '{}'], /must be s3:\/\/bucket\/prefix, gs:/],
    [['-config.file=/no/such/file', '{}'], /failed to read configFile/],
  ];
  for (const [args, text] of cases) {
    const { status, out, error } = await search(t, ...args);
    assert.deepEqual([status, out], [2, ''], args.join(' '));
    assert.match(error, text);
    assert.match(error, /^rubato search: [^\n]+\n$/);
  }
  assert.match((await search(t, '--help')).out, /^Usage: rubato search \[flags\] 'QUERY'\n/);
});

test('a bucket in S3, by its URL, with progress; Ctrl-C ends a search that hangs', async (t) => {
  const keys = { accessKey: 'AKIATEST', secretKey: 'secret' };
  const server = await startS3Server({ root: join(blocksPath, '..'), bucket: 'traces', ...keys });
  t.after(server.close);
  const env = {
    AWS_ENDPOINT_URL: server.url,
    AWS_REGION: 'eu-west-1',
    AWS_ACCESS_KEY_ID: keys.accessKey,
    AWS_SECRET_ACCESS_KEY: keys.secretKey,
  };
  const args = ['--bucket', 's3://traces/blocks', '--tenant=vp4', '--limit=1000', '--progress', producers];
  const { status, out, error } = await start(t, args, env).ended;
  assert.equal(status, 0, error);
  const { traces } = await answerOverHttp(t, '&limit=1000');
  assert.equal(out.trimEnd().split('\n').length, traces.length + 1);
  assert.match(error, /^jobs (\d+)\/\1 {2}blocks (\d+)\/\2 {2}covered ([\d.]+ kB) of \3 {2}read [\d.]+ kB in \d+ GETs .* ETA 0 ms$/m);
  const gets = server.requests().filter(({ method, query }) => method === 'GET' && !query.includes('list-type')).length;
  assert.ok(error.includes(` with ${gets} GETs `), `${gets} GETs: ${error}`);

  server.faults.push({ kind: 'hang', match: ({ key }) => key.endsWith('data.parquet'), times: 1000 });
  const hanging = start(t, args, env);
  while (!/^jobs 0\//m.test((await once(hanging.child.stderr, 'data')).toString()));
  hanging.child.kill('SIGINT');
  const interrupted = await hanging.ended;
  assert.deepEqual([interrupted.status, interrupted.out], [130, '']);
  assert.match(interrupted.error, /rubato search: interrupted after 0 of 2 jobs; what was found is not shown\n$/);
});
