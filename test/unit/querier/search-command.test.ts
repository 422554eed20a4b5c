import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bucketValues } from '../../../querier/cli/bucket.ts';
import { createCostCounter, printCost } from '../../../querier/cli/cost.ts';
import { createProgressCounter, printProgress, showProgress } from '../../../querier/cli/progress.ts';
import { printBytes, printMs } from '../../../querier/cli/quantities.ts';
import { parseSearchFlags } from '../../../querier/cli/search-flags.ts';
import { printable, printTable } from '../../../querier/cli/table.ts';
import { shardSearch } from '../../../querier/frontend/sharder.ts';
import { createVirtualClock } from '../base/virtual-clock.ts';
import { block, list } from './blocks.ts';

const now = 1_768_050_000;

test('flags: forms, times, what is passed on to the configuration', () => {
  const flags = parseSearchFlags(['-bucket=s3://b/p', '--tenant', 'a|b', '--since=1h', '--limit', '7', '--json', '{ a = b }'], now);
  assert.deepEqual([flags.bucket, flags.tenants, flags.limit, flags.json, flags.query], ['s3://b/p', ['a', 'b'], 7, true, '{ a = b }']);
  assert.deepEqual([flags.startSeconds, flags.endSeconds], [now - 3600, now]);
  const config = parseSearchFlags(
    ['-config.file', 'f.yaml', '-storage.trace.s3.endpoint=x:1', '--start=2026-01-10T12:00:00Z', '--', '-1'],
    now,
  );
  assert.deepEqual(config.configArgs, ['-config.file=f.yaml', '-storage.trace.s3.endpoint=x:1']);
  assert.deepEqual([config.startSeconds, config.endSeconds, config.query], [1_768_046_400, undefined, '-1']);
  for (const bad of [
    ['--end=1', '--since=1h', '{}'],
    ['--start=1768050001', '{}'],
    ['--json=1', '{}'],
    ['--limit'],
    ['--storage.x', '{}'],
  ]) {
    assert.throws(() => parseSearchFlags(bad, now), { code: 'bad_request' }, bad.join(' '));
  }
});

test('bucket URLs', () => {
  const s3 = (url: string, env = {}) => Object.fromEntries(bucketValues(url, env));
  assert.deepEqual(s3('s3://my-bucket/a/b/', { AWS_REGION: 'eu-west-1' }), {
    'storage.trace.backend': 's3',
    'storage.trace.s3.bucket': 'my-bucket',
    'storage.trace.s3.prefix': 'a/b',
    'storage.trace.s3.endpoint': 's3.eu-west-1.amazonaws.com',
  });
  const minio = s3('s3://b', { AWS_ENDPOINT_URL: 'http://localhost:9000' });
  assert.deepEqual([minio['storage.trace.s3.endpoint'], minio['storage.trace.s3.insecure']], ['localhost:9000', true]);
  assert.deepEqual(Object.fromEntries(bucketValues('file:///a%20b/c', {})), {
    'storage.trace.backend': 'local',
    'storage.trace.local.path': '/a b/c',
  });
  for (const url of ['', 'bucket', 's3://', 's3://b?x=1', 's3://key@b', 'file://host/x', 'file:///a%2Fb', 's3://b/%', 'http://x']) {
    assert.throws(() => bucketValues(url, {}), { code: 'bad_request' }, url);
  }
  assert.throws(() => bucketValues('s3://b', { AWS_ENDPOINT_URL: 'localhost:9000' }), { code: 'bad_request' });
});

test('quantities and cost', () => {
  assert.deepEqual([0, 999, 1000, 999_949, 999_950, 1.5e9].map(printBytes), ['0 B', '999 B', '1.0 kB', '999.9 kB', '1.0 MB', '1.5 GB']);
  assert.deepEqual([0.4, 999.6, 1500, 59_960, 3_599_000, 7_620_000].map(printMs), ['0 ms', '1.0 s', '1.5 s', '1m00s', '59m59s', '2h07m']);
  const { add, cost } = createCostCounter();
  for (let i = 0; i < 2500; i++) add({ kind: 'read', key: 'k', start: 0, end: 4_000_000 });
  add({ kind: 'readWhole', key: 'k', sizeBytes: 0 });
  add({ kind: 'list', prefix: '' });
  assert.deepEqual(cost(), { bytes: 10_000_000_000, gets: 2501, lists: 1 });
  assert.equal(
    printCost(cost(), { done: 3, total: 4 }, 1000),
    '3 of 4 jobs, read 10.0 GB with 2501 GETs and 1 LIST, 1.0 s\n' +
      'estimate at S3 list prices (Standard, us-east-1): requests $0.0010; transfer $0 within the region, $0.90 to the internet\n',
  );
});

test('names from traces cannot write over the terminal', () => {
  assert.equal(printable('a\u001b[2Jb\r\n\u202e\u2028ü日'), 'a\\u{1b}[2Jb\\u{d}\\u{a}\\u{202e}\\u{2028}ü日');
  const name = `evil\u001b]0;x\u0007${'n'.repeat(100)}`;
  const attribute = { key: 'k\u001b', value: { stringValue: 'v\u009b' } };
  const spans = [{ spanID: 'ab', startTimeUnixNano: '1500000', durationNanos: '2000000', name: 's\u0000', attributes: [attribute] }];
  const trace = { traceID: '1f', rootTraceName: name, startTimeUnixNano: '1000000', durationMs: 2, spanSets: [{ spans, matched: 5 }] };
  const text = printTable([trace], true);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: looks for them
  assert.doesNotMatch(text, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/);
  assert.match(text, /\n {4}ab {2}at 0\.5 ms for 2\.0 ms {2}s\\u\{0\} {2}k\\u\{1b\}="v\\u\{9b\}"\n {4}4 more\n$/);
  assert.match(text, /…/, 'long names are cut');
  assert.equal(printTable([], false), 'no traces found\n');
});

test('progress counts blocks by their jobs, and tells when all should be done', () => {
  const request = { tags: new Map<string, string>(), startSeconds: 1, endSeconds: 2 ** 31, limit: 20, spansPerSpanset: 3 };
  const plan = shardSearch(request, [list(block(1, { endSeconds: 2_000_000, sizeBytes: 3000, totalRecords: 3 }))], {
    nowSeconds: 2 ** 31,
    queryBackendAfterSeconds: 0,
    targetBytesPerJob: 2000,
    mostRecentShards: 1,
  });
  const counter = createProgressCounter(plan);
  const [first, second] = plan.jobs();
  counter.jobEnded(first!);
  const cost = { bytes: 500, gets: 2, lists: 0 };
  assert.equal(
    printProgress(counter.progress(), cost, 1000),
    'jobs 1/2  blocks 0/1  covered 2.0 kB of 3.0 kB  read 500 B in 2 GETs  2.0 kB/s  ETA 500 ms',
  );
  counter.jobEnded(second!);
  assert.deepEqual(counter.progress(), { jobs: 2, totalJobs: 2, blocks: 1, totalBlocks: 1, coveredBytes: 3000, totalBytes: 3000 });
});

test('progress on a terminal is one line that goes; elsewhere it is a line a second', async () => {
  const record = (isTerminal: boolean) => {
    const clock = createVirtualClock();
    const written: string[] = [];
    const stop = showProgress({ write: (text) => written.push(text), isTerminal, clock }, () => `at ${clock.monotonicMs()}`);
    return { clock, written, stop };
  };
  const short = record(true);
  await short.clock.run(400);
  short.stop();
  assert.deepEqual(short.written, [], 'short searches show nothing');
  const terminal = record(true);
  await terminal.clock.run(800);
  terminal.stop();
  terminal.stop();
  assert.deepEqual(terminal.written, ['\r\u001b[Kat 500', '\r\u001b[Kat 700', '\r\u001b[K']);
  const file = record(false);
  await file.clock.run(2500);
  file.stop();
  assert.deepEqual(file.written, ['at 1000\n', 'at 2000\n', 'at 2500\n']);
  assert.equal(file.clock.pending(), 0, 'no timer is left');
});
