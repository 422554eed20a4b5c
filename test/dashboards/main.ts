// `npm run check:dashboards`: evaluates every expression of the dashboard and the rules in a real Prometheus that scrapes a running Rubato under load, and
// fails if a panel is empty. Needs `prometheus` (Debian's package of that name).
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { stringify } from 'yaml';
import { freePort } from '../../infra/local/processes.ts';
import { annotations } from '../../infra/observability/panels.ts';
import { type Expression, panelExpressions, readRules } from './expressions.ts';
import { startWorld } from './world.ts';

const loadSeconds = Number(process.argv[2] ?? 60);
/** Long enough for two scrapes of each series. */
const window = '30s';
const rulesFolder = join(import.meta.dirname, '../../infra/observability/prometheus');

interface Sample {
  readonly value: readonly [number, string];
}

async function evaluate(url: string, expr: string): Promise<readonly Sample[]> {
  const response = await fetch(`${url}/api/v1/query?${new URLSearchParams({ query: expr })}`);
  const body = (await response.json()) as {
    readonly status: string;
    readonly error?: string;
    readonly data?: { readonly result: readonly Sample[] };
  };
  if (body.status !== 'success') throw new Error(`${expr}: ${body.error}`);
  return body.data!.result;
}

/** Prometheus with the project's rules, scraping each second. */
async function startPrometheus(
  folder: string,
  targets: readonly string[],
): Promise<{ readonly url: string; readonly child: ChildProcess }> {
  const port = await freePort();
  for (const name of ['rules.yaml', 'alerts.yaml'])
    writeFileSync(join(folder, name), readFileSync(join(rulesFolder, name), 'utf8').replaceAll(/^ +interval: 1m\n/gm, ''));
  const config = {
    global: { scrape_interval: '1s', evaluation_interval: '5s' },
    rule_files: ['rules.yaml', 'alerts.yaml'],
    scrape_configs: [{ job_name: 'rubato', static_configs: [{ targets: targets.map((url) => new URL(url).host) }] }],
  };
  writeFileSync(join(folder, 'prometheus.yaml'), stringify(config));
  const flags = [
    `--config.file=${join(folder, 'prometheus.yaml')}`,
    `--storage.tsdb.path=${join(folder, 'data')}`,
    `--web.listen-address=127.0.0.1:${port}`,
    '--log.level=error',
  ];
  const child = spawn('prometheus', flags, { stdio: ['ignore', 'inherit', 'inherit'] });
  const url = `http://127.0.0.1:${port}`;
  for (let tries = 0; tries < 100; tries++) {
    if (child.exitCode !== null) throw new Error('prometheus ended; is it installed?');
    if (
      await fetch(`${url}/-/ready`).then(
        ({ ok }) => ok,
        () => false,
      )
    )
      return { url, child };
    await delay(200);
  }
  throw new Error('prometheus is not ready');
}

/** Asks without a pause; functions refuse everything for a while, and one of them is replaced. */
async function load(world: Awaited<ReturnType<typeof startWorld>>): Promise<number> {
  const until = performance.now() + loadSeconds * 1000;
  let rounds = 0;
  while (performance.now() < until) {
    const left = until - performance.now();
    world.refuse(left > loadSeconds * 200 && left < loadSeconds * 300);
    if (rounds % 8 === 5) await world.restart();
    await world.ask();
    rounds++;
  }
  return rounds;
}

/** Expressions with the samples they give; NaN is a quotient of nothing and counts as none. */
async function report(url: string, expressions: readonly Expression[]): Promise<readonly Expression[]> {
  const empty: Expression[] = [];
  for (const each of expressions) {
    const samples = (await evaluate(url, each.expr)).filter(({ value }) => value[1] !== 'NaN');
    console.log(`${String(samples.length).padStart(4)}  ${each.place.padEnd(70)} ${samples[0]?.value[1] ?? ''}`);
    if (samples.length === 0) empty.push(each);
  }
  return empty;
}

const folder = mkdtempSync(join(tmpdir(), 'rubato-prometheus-'));
const world = await startWorld();
let prometheus: ChildProcess | undefined;
try {
  const { url, child } = await startPrometheus(folder, world.urls);
  prometheus = child;
  console.log(`${await load(world)} rounds of queries in ${loadSeconds} s\n\nseries of`);
  const recorded = readRules('rules.yaml').map(({ record }) => ({ place: `recorded ${record}`, expr: record! }));
  const empty = await report(url, [...panelExpressions(window), ...recorded]);
  // Annotations and alerts are empty while nothing happens: it is enough that Prometheus evaluates them.
  const others = [...annotations.map(({ expr }) => expr.replaceAll('$job', '.*')), ...readRules('alerts.yaml').map(({ expr }) => expr)];
  for (const expr of others) await evaluate(url, expr);
  console.log(`\n${others.length} expressions of annotations and alerts evaluated`);
  for (const { place, expr } of empty) console.log(`EMPTY ${place}: ${expr}`);
  process.exitCode = empty.length === 0 ? 0 : 1;
} finally {
  if (prometheus !== undefined) {
    prometheus.kill('SIGTERM');
    await once(prometheus, 'exit');
  }
  await world.stop();
  rmSync(folder, { recursive: true, force: true });
}
