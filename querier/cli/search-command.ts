import { decodeTrace, traceBytes } from '#engine/api/encoded-traces.ts';
import { printForm } from '#engine/api/form.ts';
import type { SearchAnswer } from '#engine/api/search-answer.ts';
import { encodeSearchAnswer } from '#engine/api/search-body.ts';
import type { Backend } from '#engine/backend/backend.ts';
import { countRequests } from '#engine/backend/counted.ts';
import { type BackendContext, createBackend } from '#engine/backend/create.ts';
import { createLocalBackend } from '#engine/backend/local.ts';
import { AppError, toAppError } from '#engine/base/errors.ts';
import type { TenantId } from '#engine/base/units.ts';
import type { Poller } from '#engine/blocklist/poller.ts';
import { createJobEnvironment, type JobEnvironment } from '#engine/jobs/environment.ts';
import { searchBlock } from '#engine/jobs/search-block.ts';
import type { Config } from '../config/config.ts';
import { parseFlags } from '../config/flags.ts';
import { loadConfig } from '../config/load.ts';
import { storageConfig } from '../config/storage.ts';
import { explainSearch, type SearchExplanation } from '../frontend/explain.ts';
import { createJobQueue } from '../frontend/queue.ts';
import { planSearchCall, type SearchCall, type SearchEnvironment, type SearchOutcome, search } from '../frontend/search.ts';
import type { RunJob } from '../worker/job.ts';
import { bucketValues } from './bucket.ts';
import { createCostCounter, printCost } from './cost.ts';
import { printExplanation } from './explain-text.ts';
import { createProgressCounter, type ProgressCounter, printProgress, showProgress } from './progress.ts';
import { parseSearchFlags, type SearchFlags, searchUsage } from './search-flags.ts';
import { printTable } from './table.ts';
import { chooseTenants, pollTenants } from './tenants.ts';

/** What the command has of the process. */
export interface Terminal extends BackendContext {
  readonly writeOut: (text: string) => void;
  readonly writeError: (text: string) => void;
  /** Whether `writeError` shows on a terminal. */
  readonly errorIsTerminal: boolean;
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
}

/** Exit statuses, as grep has them; interrupted as shells have it. */
export const exitStatus = { found: 0, nothing: 1, failed: 2, interrupted: 130 } as const;

/** Smaller jobs than a frontend makes: progress and Ctrl-C work between them. */
const maxBytesPerJob = 32 << 20;
const maxJobMemoryBytes = 1 << 30;
const cacheBytes = 256 << 20;

/** Runs `rubato search` and gives its exit status. Never rejects: errors are one line on stderr. */
export async function searchCommand(args: readonly string[], terminal: Terminal): Promise<number> {
  try {
    const flags = parseSearchFlags(args, Math.floor(terminal.clock.nowMs() / 1000));
    if (!flags.help) return await runSearch(flags, terminal);
    terminal.writeOut(searchUsage);
    return exitStatus.found;
  } catch (thrown) {
    terminal.writeError(`rubato search: ${toAppError(thrown).message}\n`);
    return terminal.signal.aborted ? exitStatus.interrupted : exitStatus.failed;
  }
}

interface Storage {
  readonly config: Config;
  readonly backend: Backend;
  /** Lets go of open files. */
  readonly close: () => void;
}

async function loadStorage(flags: SearchFlags, terminal: Terminal): Promise<Storage> {
  const given = parseFlags(flags.configArgs);
  if (flags.bucket === '' && flags.configArgs.length === 0) {
    throw new AppError('bad_request', 'say where the blocks are with --bucket or -config.file; see rubato search --help');
  }
  if (flags.bucket !== '' && given.configFile !== '') throw new AppError('bad_request', '--bucket does not go with -config.file');
  const bucket = flags.bucket === '' ? [] : bucketValues(flags.bucket, terminal.env);
  const { config } = await loadConfig({ ...given, values: new Map([...bucket, ...given.values]) }, (name) => terminal.env[name]);
  const storage = await storageConfig(config.values);
  if (storage.kind !== 'local') return { config, backend: await createBackend(storage, terminal), close: () => {} };
  const backend = await createLocalBackend({ ...storage, monotonicMs: terminal.clock.monotonicMs });
  return { config, backend, close: backend.close };
}

/** The search environment of a frontend, without its limits: whoever may read the bucket may search all of it. */
function searchEnvironment(config: Config, flags: SearchFlags, poller: Poller, terminal: Terminal): SearchEnvironment {
  const { clock } = terminal;
  const { queryFrontend, limits } = config;
  const targetBytesPerJob = Math.min(queryFrontend.search.targetBytesPerJob, maxBytesPerJob);
  const unlimited = { queryBackendAfterMs: 0, maxDurationMs: 0, maxLimit: 0, maxSpansPerSpanSet: 0 };
  return {
    config: {
      ...queryFrontend,
      queryEndCutoffMs: 0,
      search: { ...queryFrontend.search, ...unlimited, targetBytesPerJob, concurrentJobs: flags.concurrency },
    },
    limits: () => ({ ...limits, maxSearchDurationMs: 0 }),
    clock,
    blocklist: poller.blocklist,
    queue: createJobQueue({
      concurrency: flags.concurrency,
      maxOutstandingPerTenant: Number.POSITIVE_INFINITY,
      monotonicMs: clock.monotonicMs,
      onLength: () => {},
      onRefused: () => {},
      onWaited: () => {},
    }),
    runJob: () => Promise.reject(new AppError('internal', 'no way to run jobs was given')),
    onRetries: () => {},
  };
}

function searchCall(flags: SearchFlags, tenants: readonly TenantId[], nowSeconds: number): SearchCall {
  const { startSeconds = 1, endSeconds = nowSeconds, limit, spansPerSpanset, query } = flags;
  const pairs = { q: query, start: startSeconds, end: endSeconds, limit, spss: spansPerSpanset };
  return {
    tenantLabel: tenants.join('|'),
    tenants,
    query: printForm(Object.entries(pairs).map(([name, value]) => [name, String(value)] as const)),
    format: 'json',
  };
}

interface Ended {
  readonly outcome: SearchOutcome;
  readonly explanation: SearchExplanation | undefined;
}

async function execute(
  flags: SearchFlags,
  environment: SearchEnvironment,
  jobs: JobEnvironment,
  call: SearchCall,
  { jobEnded }: ProgressCounter,
  signal: AbortSignal,
): Promise<Ended> {
  if (!flags.explain) {
    const runJob: RunJob = async (job, inner) => {
      const answer = await searchBlock(jobs, job.tenant, job.request, job.format, inner);
      jobEnded(job);
      return answer;
    };
    return { outcome: await search({ ...environment, runJob }, call, signal), explanation: undefined };
  }
  const options = { maxBlocks: flags.explainedBlocks, run: true, onJob: jobEnded };
  const { outcome, explanation } = await explainSearch(environment, jobs, call, options, signal);
  if (outcome === undefined) throw new AppError('internal', 'the search was not run');
  return { outcome, explanation };
}

async function runSearch(flags: SearchFlags, terminal: Terminal): Promise<number> {
  const storage = await loadStorage(flags, terminal);
  try {
    return await searchStorage(flags, terminal, storage);
  } finally {
    storage.close();
  }
}

async function searchStorage(flags: SearchFlags, terminal: Terminal, { config, backend: store }: Storage): Promise<number> {
  const { clock, signal, writeOut, writeError, errorIsTerminal } = terminal;
  const startedMs = clock.monotonicMs();
  const counter = createCostCounter();
  const backend = countRequests(store, counter.add);
  const tenants = await chooseTenants(backend, flags.tenants, flags.bucket !== '' || config.multitenancyEnabled, signal);
  const warn = (message: string) => writeError(`rubato search: ${message}\n`);
  const poller = await pollTenants({ ...terminal, backend, tenants, settings: config.blocklist, warn }, signal);
  const environment = searchEnvironment(config, flags, poller, terminal);
  const jobs = createJobEnvironment({
    backend,
    maxMemoryBytes: maxJobMemoryBytes,
    cacheBytes,
    maxConcurrentJobs: flags.concurrency,
  });
  const call = searchCall(flags, tenants, Math.floor(clock.nowMs() / 1000));
  const progress = createProgressCounter(planSearchCall(environment, call).plan);
  const scanStartedMs = clock.monotonicMs();
  const line = () => printProgress(progress.progress(), counter.cost(), clock.monotonicMs() - scanStartedMs);
  const showing = errorIsTerminal || flags.progress;
  const stop = showing ? showProgress({ write: writeError, isTerminal: errorIsTerminal, clock }, line) : () => {};
  try {
    const ended = await execute(flags, environment, jobs, call, progress, signal);
    stop();
    if (ended.outcome.kind === 'jobFailed') throw new AppError('internal', ended.outcome.message);
    const { answer } = ended.outcome;
    writeOut(flags.json ? printJson(answer, ended.explanation) : printText(answer, ended.explanation, flags));
    const { jobs: done, totalJobs: total } = progress.progress();
    writeError(printCost(counter.cost(), { done, total }, clock.monotonicMs() - startedMs));
    return answer.traces.count > 0 ? exitStatus.found : exitStatus.nothing;
  } catch (thrown) {
    stop();
    if (!signal.aborted) throw thrown;
    const { jobs: done, totalJobs: total } = progress.progress();
    throw new AppError('cancelled', `interrupted after ${done} of ${total} jobs; what was found is not shown`, { cause: thrown });
  }
}

function printText({ traces }: SearchAnswer, explanation: SearchExplanation | undefined, flags: SearchFlags): string {
  const decoded = Array.from({ length: traces.count }, (_, index) => decodeTrace(traceBytes(traces, index), traces.format));
  const table = printTable(decoded, flags.spans);
  return explanation === undefined ? table : `${table}\n${printExplanation(explanation)}`;
}

/** What `/api/search` answers, and the plan as `/api/explain` answers it beside. */
function printJson(answer: SearchAnswer, explanation: SearchExplanation | undefined): string {
  const { body } = encodeSearchAnswer(answer, { emptyTraces: true, rootPlaceholder: true });
  const text = Buffer.from(body).toString('utf8');
  return explanation === undefined ? `${text}\n` : `${JSON.stringify({ ...JSON.parse(text), explain: explanation })}\n`;
}
