import type { Bound, SpillRuns } from './bounds.ts';
import { type Tail, tailOf } from './tails.ts';

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
  const percent = ({ afterAnswerMs, billedMs }: { readonly afterAnswerMs: number; readonly billedMs: number }) =>
    `${((afterAnswerMs / billedMs) * 100).toFixed(1)} %`;
  return [
    table([`1000 jobs, ${wide.adaptive.latenciesMs.length} seeds`, ...head], Object.values(wide).map(row)),
    table([`1 job, ${single.adaptive.latenciesMs.length} queries`, ...head], Object.values(single).map(row)),
    table(
      ['waste', 'figure'],
      [
        ['billed after the answer, functions that see an abort', percent(exits.stops)],
        ['billed after the answer, platforms that run on', percent(exits.runsOn)],
        ['last start of a call after the client has gone, ms', one(lastStartMs)],
      ],
    ),
  ].join('\n\n');
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
