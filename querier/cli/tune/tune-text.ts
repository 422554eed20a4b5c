import type { Tuning } from './recommend.ts';
import type { Candidate, Predicted } from './simulate.ts';

const width = 56;
const height = 14;

/** p99 against cost of every setting that was tried, on logarithmic scales: `o` tried, `C` current, `R` recommended. */
export function scatter({ current, sweeps, recommended }: Tuning): string {
  const all = [...Object.values(sweeps).flat(), current, recommended];
  const xs = all.map(({ dollars }) => Math.log(Math.max(1e-9, dollars)));
  const ys = all.map(({ p99Ms }) => Math.log(Math.max(1e-3, p99Ms)));
  const [minX, maxX, minY, maxY] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
  const grid = Array.from({ length: height }, () => Array.from({ length: width }, () => ' '));
  const put = (index: number, mark: string) => {
    const column = Math.round(((xs[index]! - minX) / (maxX - minX || 1)) * (width - 1));
    const row = Math.round(((ys[index]! - minY) / (maxY - minY || 1)) * (height - 1));
    grid[height - 1 - row]![column] = mark;
  };
  for (let index = 0; index < all.length - 2; index++) put(index, 'o');
  put(all.length - 2, 'C');
  put(all.length - 1, 'R');
  const label = (value: number) => `${Math.round(Math.exp(value))} ms`.padStart(9);
  const rows = grid.map((row, index) => {
    const side = index === 0 ? label(maxY) : index === height - 1 ? label(minY) : ' '.repeat(9);
    return `${side} |${row.join('')}`.trimEnd();
  });
  const [from, to] = [minX, maxX].map((value) => `$${Math.exp(value).toPrecision(2)}`) as [string, string];
  const axis = `${' '.repeat(11)}${from}${to.padStart(width - from.length)}`;
  return [
    'p99 by what functions cost for 1000 queries: o tried, C current, R recommended',
    ...rows,
    `${' '.repeat(10)}+${'-'.repeat(width)}`,
    axis,
  ].join('\n');
}

const names: Readonly<Record<keyof Candidate, string>> = {
  ...{ preferSelf: 'prefer_self', hedgeAtMs: 'hedge_requests_at', upTo: 'hedge_requests_up_to', memoryMb: 'memory, MB' },
};

function value(name: keyof Candidate, candidate: Candidate): string {
  if (name !== 'hedgeAtMs') return String(candidate[name]);
  return candidate.hedgeAtMs === 0 ? 'off' : `${candidate.hedgeAtMs}ms`;
}

function cells(run: Predicted): readonly string[] {
  const times = [run.p50Ms, run.p99Ms, run.p999Ms].map((ms) => ms.toFixed(0));
  return [...times, `${(run.extraCalls * 100).toFixed(1)} %`, `$${run.dollars.toPrecision(3)}`];
}

function table(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows.map((row) => row.map((cell, column) => cell.padStart(widths[column]!)).join('  ')).join('\n');
}

/** What each setting would do, the others as recommended; the recommended value has a star. */
export function sweepTables({ sweeps, recommended }: Tuning): string {
  const head = ['p50 ms', 'p99 ms', 'p99.9 ms', 'extra calls', 'per 1000 queries'];
  return (Object.keys(sweeps) as (keyof Candidate)[])
    .map((name) => {
      const rows = sweeps[name].map((run) => {
        const star = run.candidate[name] === recommended.candidate[name] ? '*' : ' ';
        return [`${value(name, run.candidate)} ${star}`, ...cells(run)];
      });
      return table([[`${names[name]}  `, ...head], ...rows]);
    })
    .join('\n\n');
}

/** Now and then. */
export function comparison({ current, recommended }: Tuning): string {
  const head = ['', 'p50 ms', 'p99 ms', 'p99.9 ms', 'extra calls', 'per 1000 queries'];
  return table([head, ['current', ...cells(current)], ['recommended', ...cells(recommended)]]);
}

/** The recommended settings for the configuration file. */
export function yamlBlock({ candidate }: Predicted): string {
  const hedge = candidate.hedgeAtMs === 0 || candidate.upTo <= 1;
  return [
    `# functions with ${candidate.memoryMb} MB of memory`,
    'querier:',
    '  search:',
    `    prefer_self: ${candidate.preferSelf}`,
    ...(hedge
      ? ['  external:', '    hedging: off']
      : [
          `    external_hedge_requests_at: ${candidate.hedgeAtMs}ms`,
          `    external_hedge_requests_up_to: ${candidate.upTo}`,
          '  # or leave both out: adaptive hedging finds the delay itself, and follows when it changes',
        ]),
  ].join('\n');
}
