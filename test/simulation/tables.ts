import type { Bound, SpillRuns } from './bounds.ts';
import { percentile } from './random.ts';
import { type Tail, tailOf } from './tails.ts';
import { type ExitRun, shareAfterAnswer } from './waste.ts';

function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const lines = [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`);
  return lines.join('\n');
}

const one = (value: number): string => value.toFixed(1);

/** How latencies are spread, by policy. */
export function tailsTable({ wide, single, exits, lastStartMs }: SpillRuns): string {
  const row = (tail: Tail) => {
    const { p50, p99, p999 } = tailOf(tail);
    return [tail.name, one(p50), one(p99), one(p999), `${((tail.callsPerJob - 1) * 100).toFixed(1)} %`];
  };
  const head = ['p50 ms', 'p99 ms', 'p99.9 ms', 'extra calls'];
  return [
    table([`1000 jobs, ${wide.adaptive.latenciesMs.length} seeds`, ...head], Object.values(wide).map(row)),
    table([`1 job, ${single.adaptive.latenciesMs.length} queries`, ...head], Object.values(single).map(row)),
    exitsTable(exits),
    table(['the client goes in the middle', 'figure'], [['last start of a call after it has gone, ms', one(lastStartMs)]]),
  ].join('\n\n');
}

/** What searches cost that reach their limit. */
function exitsTable(exits: readonly ExitRun[]): string {
  return table(
    [
      `limit 20 of 1000 jobs, every tenth finds one, ${exits[0]!.waste.queries} queries`,
      'p50 ms',
      'p99 ms',
      'calls',
      'billed ms',
      'after the answer',
    ],
    exits.map(({ name, waste }) => {
      const { latenciesMs, calls, billedMs, queries } = waste;
      const latencies = [0.5, 0.99].map((share) => one(percentile(latenciesMs, share)));
      const counts = [calls / queries, billedMs / queries].map((count) => count.toFixed(0));
      return [name, ...latencies, ...counts, `${(shareAfterAnswer(waste) * 100).toFixed(1)} %`];
    }),
  );
}

/** The fault matrix. */
export function faultsTable({ faults }: SpillRuns): string {
  return table(
    [`${faults[0]!.queries} queries of 20 jobs`, 'failed', 'wrong', 'p50 ms', 'p99 ms', 'calls per job', 'jobs that came back'],
    faults.map((run) => [run.name, run.failed, run.wrong, one(run.p50Ms), one(run.p99Ms), run.callsPerJob.toFixed(3), run.cameBack]),
  );
}

/** What has to hold, and what was measured. */
export function boundsTable(bounds: readonly Bound[]): string {
  const figure = (value: number) => (Number.isInteger(value) ? `${value}` : value.toFixed(3));
  return table(
    ['bound', 'measured', 'at most', ''],
    bounds.map(({ what, measured, atMost }) => [what, figure(measured), figure(atMost), measured <= atMost ? 'held' : '**broken**']),
  );
}
