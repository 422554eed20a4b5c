// npm run bench -- [--queries FILE] [--blocks DIR] [--tenant NAME] [--baseline FILE [--against KEY]] [--only REGEX] [--samples N] [--json FILE]
//
// Measures CPU per query, once through the HTTP API of a server that is started for it and once by calling the engine directly, prints a table
// and writes the figures as JSON. That file is itself a baseline for later runs; figures of a baseline are scaled by a calibration of both machines.
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { localStorage, startServer } from '../../infra/local/server.ts';
import { calibrate, slowdown } from './calibrate.ts';
import { openEngine } from './in-process.ts';
import { type HttpFigures, measureHttp } from './over-http.ts';
import { type Baseline, type BenchQuery, type CpuFigures, calibrationOf, readBaseline, readQueries, wrongCounts } from './queries.ts';

const fixtures = join(import.meta.dirname, '../fixtures');

const { values: options } = parseArgs({
  options: {
    queries: { type: 'string', default: join(import.meta.dirname, 'queries.json') },
    blocks: { type: 'string', default: join(fixtures, 'bench/blocks') },
    tenant: { type: 'string' },
    baseline: { type: 'string' },
    against: { type: 'string' },
    only: { type: 'string', default: '' },
    samples: { type: 'string', default: '7' },
    json: { type: 'string', default: join(import.meta.dirname, '../../dist/bench.json') },
  },
});

interface Row {
  readonly id: string;
  readonly http?: HttpFigures;
  readonly inProcess?: CpuFigures;
  readonly problem?: string;
}

const columns = ['query', 'traces', 'matched', 'http ms', 'median', 'wall ms', 'engine ms', 'median', 'MB read', 'ratio', 'engine'];

function printCells(cells: readonly string[]): void {
  console.log(cells.map((cell, i) => (i === 0 ? cell.padEnd(32) : cell.padStart(10))).join(''));
}

function printRow({ id, http, inProcess, problem }: Row, ratios: readonly (number | undefined)[]): void {
  if (http === undefined || inProcess === undefined) {
    console.log(`${id.padEnd(32)}  ${problem}`);
    return;
  }
  const ms = (value: number): string => value.toFixed(2);
  const { counts, cpuMs, wallMs, inspectedBytes } = http;
  const ratio = ratios.map((value) => (value === undefined ? '-' : value.toFixed(3)));
  const sizes = [counts.traces, counts.matched].map(String);
  printCells([
    id,
    ...sizes,
    ms(cpuMs[0]),
    ms(cpuMs[1]),
    ms(wallMs[0]),
    ms(inProcess[0]),
    ms(inProcess[1]),
    ms(inspectedBytes / 1e6),
    ...ratio,
  ]);
  if (problem !== undefined) console.log(`${' '.repeat(32)}  WRONG ANSWER: ${problem}`);
}

/** The tenant's folder, where there is only one to choose from. */
function onlyTenant(blocks: string): string {
  const tenants = readdirSync(blocks, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  const [first] = tenants;
  if (first === undefined || tenants.length > 1) {
    throw new Error(`${blocks} holds ${tenants.length} tenants (${tenants.map(({ name }) => name).join(', ')}): name one with --tenant`);
  }
  return first.name;
}

/** CPU of this run over CPU of the baseline on a machine as fast as this one: below 1 is less. */
function ratios({ http, inProcess }: Row, known: Baseline['queries'][string] | undefined, factor: number): readonly (number | undefined)[] {
  const ratio = (ours: CpuFigures | undefined, theirs: Readonly<Record<string, CpuFigures>> | undefined): number | undefined => {
    const figure = options.against === undefined ? Object.values(theirs ?? {})[0] : theirs?.[options.against];
    return ours === undefined || figure === undefined ? undefined : ours[0] / (figure[0] * factor);
  };
  return [ratio(http?.cpuMs, known?.http), ratio(inProcess, known?.inProcess)];
}

function geometricMean(values: readonly (number | undefined)[]): string {
  const known = values.filter((value) => value !== undefined);
  if (known.length === 0) return '-';
  return `${Math.exp(known.reduce((sum, value) => sum + Math.log(value), 0) / known.length).toFixed(3)} over ${known.length} queries`;
}

async function main(): Promise<void> {
  const set = readQueries(options.queries);
  const baseline = options.baseline === undefined ? undefined : readBaseline(options.baseline);
  const tenant = options.tenant ?? onlyTenant(options.blocks);
  const samples = Number(options.samples);
  const calibration = calibrate();
  const factor = baseline === undefined ? 1 : slowdown(calibration, calibrationOf(baseline));
  console.log(
    `tenant ${tenant} of ${options.blocks}, Node ${process.version}, ${samples} samples; CPU milliseconds per query, smallest and median`,
  );
  if (baseline !== undefined) console.log(`baseline scaled by ${factor.toFixed(3)}, because this machine takes so many times as long`);
  const server = await startServer({ storage: localStorage(options.blocks), multitenancy: true });
  const engine = await openEngine(options.blocks, tenant);
  const rows: { readonly row: Row; readonly ratios: readonly (number | undefined)[] }[] = [];
  const measure = async (query: BenchQuery): Promise<Row> => {
    const { id, kind } = query;
    if (kind !== 'search') return { id, problem: `queries of kind ${kind} are not measured` };
    try {
      const http = await measureHttp(server, tenant, set, query, samples);
      const inProcess = await engine.measure(set, query, samples);
      const problem = wrongCounts(http.counts, baseline?.queries[id]?.expect);
      return { id, http, inProcess, ...(problem === undefined ? {} : { problem }) };
    } catch (error) {
      return { id, problem: (error as Error).message };
    }
  };
  try {
    printCells(columns);
    for (const query of set.queries.filter(({ id }) => new RegExp(options.only).test(id))) {
      const row = await measure(query);
      const compared = row.problem === undefined ? ratios(row, baseline?.queries[query.id], factor) : [undefined, undefined];
      printRow(row, compared);
      rows.push({ row, ratios: compared });
    }
  } finally {
    await server.stop();
  }
  if (baseline !== undefined) {
    console.log(`geometric mean of ratios: HTTP ${geometricMean(rows.map(({ ratios: [http] }) => http))}`);
    console.log(`geometric mean of ratios: engine ${geometricMean(rows.map(({ ratios: [, inProcess] }) => inProcess))}`);
  }
  const measured = rows.map(({ row }) => row).filter((row) => row.http !== undefined);
  writeFigures(calibration, measured);
  process.exitCode = measured.length === 0 || measured.some(({ problem }) => problem !== undefined) ? 1 : 0;
}

function writeFigures(calibration: ReturnType<typeof calibrate>, rows: readonly Row[]): void {
  const queries = Object.fromEntries(
    rows.map(({ id, http, inProcess }) => [id, { expect: http?.counts, http: { rubato: http?.cpuMs }, inProcess: { rubato: inProcess } }]),
  );
  mkdirSync(dirname(options.json), { recursive: true });
  writeFileSync(
    options.json,
    `${JSON.stringify({ calibration: { [process.versions.node.split('.')[0]!]: calibration }, queries }, null, 1)}\n`,
  );
  console.log(`figures: ${options.json}`);
}

await main();
