import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Registry } from 'prom-client';
import { createSeededRandom } from '#engine/base/seeded-random.ts';
import { createDistribution } from '../../../querier/cli/tune/distribution.ts';
import { readHistograms } from '../../../querier/cli/tune/read-histograms.ts';
import { memoryFactor, predict, type TuneModel } from '../../../querier/cli/tune/simulate.ts';
import { tuneCommand } from '../../../querier/cli/tune/tune-command.ts';
import { externalMetrics } from '../../../querier/telemetry/external-metrics.ts';
import { querierMetrics } from '../../../querier/telemetry/querier-metrics.ts';
import { createRegister } from '../../../querier/telemetry/register.ts';
import { createRandom, lognormal } from '../../simulation/random.ts';

/** What a querier's /metrics says after calls of 300 ms, of which that share takes ten times as long. */
async function metricsAfter(stragglers: number): Promise<string> {
  const registry = new Registry();
  const register = createRegister(registry);
  const { callDuration } = externalMetrics(register);
  const { jobDuration } = querierMetrics(register);
  const random = createRandom(1);
  const draw = lognormal(300, 120);
  for (let call = 0; call < 20_000; call++) {
    const ms = draw(random) * (random() < stragglers ? 10 : 1);
    // Hedges beat most stragglers: those were given up.
    if (ms > 2000 && random() < 0.7) callDuration.observe({ end: 'given_up' }, 1);
    else callDuration.observe({ end: 'answered' }, ms / 1000);
    jobDuration.observe({ where: 'self' }, draw(random) / 1000);
  }
  return registry.metrics();
}

async function run(...args: readonly string[]) {
  let [out, errors] = ['', ''];
  const status = await tuneCommand(args, {
    writeOut: (text) => {
      out += text;
    },
    writeError: (text) => {
      errors += text;
    },
    signal: new AbortController().signal,
  });
  return { status, out, errors };
}

async function inFile<Result>(text: string, use: (path: string) => Promise<Result>): Promise<Result> {
  const folder = mkdtempSync(join(tmpdir(), 'rubato-tune-'));
  try {
    const path = join(folder, 'metrics.txt');
    writeFileSync(path, text);
    return await use(path);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test('what was given up counts as longer: the tail is not lost', async () => {
  const load = readHistograms(await metricsAfter(0.05));
  const call = createDistribution(load.answered, load.givenUp);
  assert.ok(Math.abs(call.at(0.5) - 0.28) < 0.03, `${call.at(0.5)}`);
  assert.ok(call.at(0.97) > 1.5, `${call.at(0.97)}: three of a hundred are stragglers`);
  assert.ok(createDistribution(load.answered).at(0.97) < 1, 'without them the tail looks short');
});

test('Tempo’s own histogram will do; metrics without calls of functions will not', () => {
  const tempo = ['0.25', '0.5', '+Inf'].map(
    (le, index) => `tempo_querier_external_endpoint_duration_seconds_bucket{endpoint="a",le="${le}"} ${(index + 1) * 10}`,
  );
  const load = readHistograms([...tempo, ...tempo.map((row) => row.replace('"a"', '"b"'))].join('\n'));
  assert.deepEqual(load.answered, { bounds: [0.25, 0.5, Number.POSITIVE_INFINITY], counts: [20, 20, 20] });
  assert.throws(() => readHistograms('up 1\n'), { code: 'bad_request' });
});

test('a prediction agrees with arithmetic', () => {
  const always = (ms: number) => ({ at: () => ms });
  const model: TuneModel = {
    ...{ call: { at: (share) => (share < 0.9 ? 100 : 1000) }, selfJob: always(50), memoryMb: 1769, threads: 2, atOnce: 1, jobsPerQuery: 1 },
    ...{ hedgeBudget: 1, gbSecondDollars: 1, callDollars: 0, queries: 20_000, random: createSeededRandom(3) },
  };
  const off = predict(model, { preferSelf: 0, hedgeAtMs: 0, upTo: 2, memoryMb: 1769 });
  assert.deepEqual([off.p50Ms, off.p99Ms, off.extraCalls], [100, 1000, 0]);
  assert.ok(Math.abs(off.dollars / 1000 - 0.19 * (1769 / 1024)) < 0.01, 'mean of 190 ms');
  const hedged = predict(model, { preferSelf: 0, hedgeAtMs: 150, upTo: 2, memoryMb: 1769 });
  assert.equal(hedged.p99Ms, 250, 'one in a hundred straggles twice: just not the hundredth');
  assert.equal(hedged.p999Ms, 1000);
  assert.equal(predict(model, { preferSelf: 0, hedgeAtMs: 150, upTo: 3, memoryMb: 1769 }).p999Ms, 400, 'the third call');
  assert.ok(Math.abs(hedged.extraCalls - 0.1) < 0.01);
  const here = predict({ ...model, jobsPerQuery: 5 }, { preferSelf: 5, hedgeAtMs: 0, upTo: 1, memoryMb: 1769 });
  assert.deepEqual([here.p50Ms, here.dollars], [150, 0], 'five jobs on two threads, 50 ms each');
  assert.ok(memoryFactor(1769, 885) > 1.9 && memoryFactor(1769, 3538) < 1 && memoryFactor(1769, 1769) === 1);
});

test('with stragglers it recommends to hedge, without them it costs nothing', async () => {
  const small = ['--threads', '4', '--jobs', '50', '--queries', '500', '--json'];
  const tuned = async (stragglers: number) => {
    const { status, out, errors } = await inFile(await metricsAfter(stragglers), (path) => run(...small, path));
    assert.equal(status, 0, errors);
    return JSON.parse(out) as {
      readonly current: { readonly p99Ms: number };
      readonly recommended: {
        readonly p99Ms: number;
        readonly extraCalls: number;
        readonly candidate: { readonly hedgeAtMs: number; readonly upTo: number };
      };
    };
  };
  const { current, recommended } = await tuned(0.05);
  assert.ok(recommended.candidate.hedgeAtMs > 300 && recommended.candidate.upTo >= 3, JSON.stringify(recommended.candidate));
  assert.ok(recommended.p99Ms < current.p99Ms / 2 && recommended.extraCalls <= 0.09);
  const calm = await tuned(0);
  assert.ok(calm.recommended.extraCalls <= 0.09 && calm.recommended.p99Ms <= calm.current.p99Ms);
});

test('the command reads a URL, prints tables, a plot and YAML, and says what is wrong', async (t) => {
  const metrics = await metricsAfter(0.05);
  const server = createServer((_, response) => response.end(metrics)).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  t.after(() => server.close());
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/metrics`;
  const args = ['--threads', '4', '--jobs', '20', '--queries', '200', url];
  const first = await run(...args);
  assert.equal(first.status, 0, first.errors);
  assert.match(first.out, /prefer_self +p50 ms +p99 ms +p99\.9 ms +extra calls/);
  assert.match(first.out, /^ +\d+ ms \|/m);
  assert.match(first.out, /querier:\n {2}search:\n {4}prefer_self: \d+\n/);
  assert.equal((await run(...args)).out, first.out, 'the same seed, the same advice');
  assert.match((await run('--help')).out, /^Usage: rubato tune/);
  assert.match((await run()).errors, /^rubato tune: name a \/metrics URL or a file/);
  assert.match((await run('--threads', 'x', url)).errors, /--threads x is no number/);
  assert.match((await run('--nonsense', url)).errors, /see rubato tune --help/);
  assert.equal((await run('/does/not/exist')).status, 2);
});
