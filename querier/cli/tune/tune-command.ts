import { readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { AppError, toAppError } from '#engine/base/errors.ts';
import { createSeededRandom } from '#engine/base/seeded-random.ts';
import { createDistribution, type Distribution } from './distribution.ts';
import { countOf, type Histogram, readHistograms } from './read-histograms.ts';
import { shown, tune } from './recommend.ts';
import type { Candidate, TuneModel } from './simulate.ts';
import { comparison, scatter, sweepTables, yamlBlock } from './tune-text.ts';

/** What the command has of the process. */
export interface TuneTerminal {
  readonly writeOut: (text: string) => void;
  readonly writeError: (text: string) => void;
  readonly signal: AbortSignal;
}

/** What `rubato tune --help` prints. */
export const tuneUsage = `Usage: rubato tune [flags] URL-or-FILE...

Reads the latency histograms of queriers (their /metrics, or files with what that answered; several are added up) and prints what other values of
prefer_self, hedge_requests_at, hedge_requests_up_to and the functions' memory would do to latency, calls and cost: a simulation on the measured
distributions. Recommended is the cheapest setting whose p99 is within 5 % of the best.

The settings in force:
  --prefer-self N         (10)
  --hedge-at D            milliseconds, 0 is off (8000)
  --up-to N               (2)
  --memory MB             of a function (1769)

The load and the prices:
  --threads N             scan threads of a querier (the processors of this machine)
  --at-once N             queries at once, which share threads and slots (1)
  --jobs N                jobs per query (as measured, else 100)
  --budget SHARE          most hedges per call (0.085)
  --gb-second USD         (0.0000133334: Lambda on arm64)
  --call USD              a call with six GETs of the object storage (0.0000026)

  --queries N             queries that are simulated for each setting (4000)
  --seed N                (1)
  --json                  for programs

Exit status: 0, or 2 after an error.
`;

const milliseconds = 1000;
const timeoutMs = 30_000;
const usualJobs = 100;

function number(values: Readonly<Record<string, unknown>>, name: string, fallback: number): number {
  const given = values[name];
  if (given === undefined) return fallback;
  const value = Number(given);
  if (given === '' || !Number.isFinite(value) || value < 0)
    throw new AppError('bad_request', `--${name} ${String(given)} is no number of 0 or more`);
  return value;
}

async function read(source: string, signal: AbortSignal): Promise<string> {
  if (!/^https?:\/\//.test(source)) return readFile(source, 'utf8');
  const response = await fetch(source, { signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]) });
  if (!response.ok) throw new AppError('unavailable', `${source} answered ${response.status}`);
  return response.text();
}

function inMs({ bounds, counts }: Histogram): Histogram {
  return { bounds: bounds.map((bound) => bound * milliseconds), counts };
}

const text = { type: 'string' } as const;
const flag = { type: 'boolean' } as const;
const options = {
  help: flag,
  json: flag,
  'prefer-self': text,
  'hedge-at': text,
  'up-to': text,
  memory: text,
  threads: text,
  jobs: text,
  'at-once': text,
  budget: text,
  'gb-second': text,
  call: text,
  queries: text,
  seed: text,
};

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true });
  } catch (thrown) {
    throw new AppError('bad_request', `${toAppError(thrown).message.split('.')[0]}; see rubato tune --help`);
  }
}

async function runTune(args: readonly string[], { writeOut, signal }: TuneTerminal): Promise<void> {
  const { values, positionals } = parse(args);
  if (values.help) return writeOut(tuneUsage);
  if (positionals.length === 0) throw new AppError('bad_request', 'name a /metrics URL or a file; see rubato tune --help');
  const load = readHistograms((await Promise.all(positionals.map((source) => read(source, signal)))).join('\n'));
  const call = createDistribution(inMs(load.answered), load.givenUp && inMs(load.givenUp));
  const selfJob: Distribution = load.selfJobs === undefined ? call : createDistribution(inMs(load.selfJobs));
  const measuredJobs = load.jobsPerQuery === undefined ? usualJobs : createDistribution(load.jobsPerQuery);
  const current: Candidate = {
    preferSelf: number(values, 'prefer-self', 10),
    hedgeAtMs: number(values, 'hedge-at', 8000),
    upTo: number(values, 'up-to', 2),
    memoryMb: number(values, 'memory', 1769),
  };
  const seed = number(values, 'seed', 1);
  const makeModel = (): TuneModel => ({
    ...{ call, selfJob, memoryMb: current.memoryMb, threads: Math.max(1, number(values, 'threads', availableParallelism())) },
    ...{
      jobsPerQuery: values.jobs === undefined ? measuredJobs : number(values, 'jobs', usualJobs),
      hedgeBudget: number(values, 'budget', 0.085),
      atOnce: Math.max(1, number(values, 'at-once', 1)),
    },
    ...{ gbSecondDollars: number(values, 'gb-second', 0.0000133334), callDollars: number(values, 'call', 0.0000026) },
    ...{ queries: Math.max(1, number(values, 'queries', 4000)), random: createSeededRandom(seed) },
  });
  const tuning = tune(makeModel, current);
  if (values.json) return writeOut(`${JSON.stringify({ seed, ...tuning })}\n`);
  const quantiles = (distribution: Distribution) =>
    shown(distribution)
      .map(([name, ms]) => `${name} ${ms.toFixed(0)} ms`)
      .join(', ');
  const measured = [
    `calls measured: ${countOf(load.answered)} answered, ${load.givenUp === undefined ? 0 : countOf(load.givenUp)} given up: ${quantiles(call)}`,
    load.selfJobs === undefined
      ? 'jobs in queriers: not measured, taken as calls'
      : `jobs in queriers: ${countOf(load.selfJobs)}: ${quantiles(selfJob)}`,
    `${makeModel().queries} queries for each setting, ${makeModel().atOnce} at once, seed ${seed}`,
  ];
  writeOut(
    `${[...measured, '', sweepTables(tuning), '', scatter(tuning), '', comparison(tuning), '', yamlBlock(tuning.recommended)].join('\n')}\n`,
  );
}

/** Runs `rubato tune` and gives its exit status. Never rejects: errors are one line on stderr. */
export async function tuneCommand(args: readonly string[], terminal: TuneTerminal): Promise<number> {
  try {
    await runTune(args, terminal);
    return 0;
  } catch (thrown) {
    terminal.writeError(`rubato tune: ${toAppError(thrown).message}\n`);
    return 2;
  }
}
