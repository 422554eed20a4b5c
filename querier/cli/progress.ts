import type { SearchBlockRequest } from '#engine/api/search-request.ts';
import type { Clock } from '#engine/base/clock.ts';
import type { SearchJob, SearchPlan } from '../frontend/sharder.ts';
import type { StoreCost } from './cost.ts';
import { printBytes, printMs } from './quantities.ts';

/** How far a search is. */
export interface SearchProgress {
  readonly jobs: number;
  readonly totalJobs: number;
  readonly blocks: number;
  readonly totalBlocks: number;
  /** Of blocks, as far as jobs over them have ended. */
  readonly coveredBytes: number;
  readonly totalBytes: number;
}

/** Follows a search's jobs. */
export interface ProgressCounter {
  readonly jobEnded: (job: Pick<SearchJob, 'tenant' | 'request'>) => void;
  readonly progress: () => SearchProgress;
}

function shareOf({ block }: SearchBlockRequest): number {
  const { startPage, pagesToSearch, totalRecords, sizeBytes } = block;
  return (sizeBytes * Math.min(pagesToSearch, totalRecords - startPage)) / totalRecords;
}

/** Creates a counter for a plan. A job that is tried again has ended once. */
export function createProgressCounter(plan: SearchPlan): ProgressCounter {
  const coveredRows = new Map<string, number>();
  let jobs = 0;
  let blocks = 0;
  let coveredBytes = 0;
  return {
    jobEnded: ({ tenant, request }) => {
      const { blockId, startPage, pagesToSearch, totalRecords } = request.block;
      const key = `${tenant}/${blockId}`;
      const covered = (coveredRows.get(key) ?? 0) + Math.min(pagesToSearch, totalRecords - startPage);
      coveredRows.set(key, covered);
      jobs++;
      coveredBytes += shareOf(request);
      if (covered < totalRecords) return;
      blocks++;
      coveredRows.delete(key);
    },
    progress: () => ({
      jobs,
      totalJobs: plan.totalJobs,
      blocks,
      totalBlocks: plan.totalBlocks,
      coveredBytes: Math.round(coveredBytes),
      totalBytes: plan.totalBlockBytes,
    }),
  };
}

/** One line: what is done, how fast, and when all blocks should be; the limit may end a search before. */
export function printProgress(progress: SearchProgress, cost: StoreCost, elapsedMs: number): string {
  const { jobs, totalJobs, blocks, totalBlocks, coveredBytes, totalBytes } = progress;
  const perMs = elapsedMs > 0 ? coveredBytes / elapsedMs : 0;
  const eta = perMs > 0 ? printMs((totalBytes - coveredBytes) / perMs) : '?';
  return (
    `jobs ${jobs}/${totalJobs}  blocks ${blocks}/${totalBlocks}  covered ${printBytes(coveredBytes)} of ${printBytes(totalBytes)}` +
    `  read ${printBytes(cost.bytes)} in ${cost.gets} GETs  ${printBytes(Math.round(perMs * 1000))}/s  ETA ${eta}`
  );
}

/** Where progress is shown. */
export interface ProgressOutput {
  readonly write: (text: string) => void;
  /** A terminal's line is written over; otherwise each is a line of its own, and fewer come. */
  readonly isTerminal: boolean;
  readonly clock: Clock;
}

const terminalPeriodMs = 200;
const linePeriodMs = 1000;
/** Searches shorter than that show nothing on a terminal. */
const quietMs = 500;

/** Shows lines until the returned function is called, which clears a terminal's line, or writes the last one. */
export function showProgress({ write, isTerminal, clock }: ProgressOutput, line: () => string): () => void {
  const stop = new AbortController();
  let shown = false;
  const run = async (): Promise<void> => {
    if (isTerminal) await clock.sleep(quietMs, stop.signal);
    for (;;) {
      if (!isTerminal) await clock.sleep(linePeriodMs, stop.signal);
      shown = true;
      write(isTerminal ? `\r\u001b[K${line()}` : `${line()}\n`);
      if (isTerminal) await clock.sleep(terminalPeriodMs, stop.signal);
    }
  };
  run().catch(() => {}); // ends by the abort below only
  return () => {
    if (stop.signal.aborted) return;
    stop.abort();
    if (!isTerminal) write(`${line()}\n`);
    else if (shown) write('\r\u001b[K');
  };
}
