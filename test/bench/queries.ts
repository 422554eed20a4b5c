import { readFileSync } from 'node:fs';
import type { Calibration } from './calibrate.ts';

/** A search to measure. */
export interface BenchQuery {
  readonly id: string;
  readonly kind: string;
  readonly query: string;
  readonly limit: number;
  readonly spss: number;
}

/** Queries over the blocks of one tenant; times in whole seconds since the epoch. */
export interface BenchQueries {
  readonly start: number;
  readonly end: number;
  readonly queries: readonly BenchQuery[];
}

/** What an answer holds. */
export interface AnswerCounts {
  readonly traces: number;
  readonly matched: number;
  readonly spans: number;
}

/** CPU milliseconds of one run, [smallest, median]. */
export type CpuFigures = readonly [number, number];

/** Figures that a run can be compared with; what a run writes has this form, too. */
export interface Baseline {
  /** By Node's major version, because JIT code differs. */
  readonly calibration: Readonly<Record<string, Calibration>>;
  readonly queries: Readonly<
    Record<
      string,
      {
        /** A number, or an inclusive range. */
        readonly expect?: Readonly<Record<string, number | readonly [number, number]>>;
        readonly http?: Readonly<Record<string, CpuFigures>>;
        readonly inProcess?: Readonly<Record<string, CpuFigures>>;
      }
    >
  >;
}

/** Reads a file of queries. */
export function readQueries(path: string): BenchQueries {
  return JSON.parse(readFileSync(path, 'utf8')) as BenchQueries;
}

/** Reads a baseline. */
export function readBaseline(path: string): Baseline {
  return JSON.parse(readFileSync(path, 'utf8')) as Baseline;
}

/** The calibration of a baseline that fits this Node best. */
export function calibrationOf({ calibration }: Baseline): Calibration {
  const found = calibration[process.versions.node.split('.')[0]!] ?? Object.values(calibration).at(-1);
  if (found === undefined) throw new Error('the baseline has no calibration');
  return found;
}

/** Counts traces, matched spans and shown spans of a search answer. */
export function countAnswer(body: string): AnswerCounts {
  const { traces = [] } = JSON.parse(body) as { traces?: { spanSets?: { matched?: number; spans?: unknown[] }[] }[] };
  const sets = traces.flatMap(({ spanSets }) => spanSets ?? []);
  return {
    traces: traces.length,
    matched: sets.reduce((sum, { matched }) => sum + (matched ?? 0), 0),
    spans: sets.reduce((sum, { spans }) => sum + (spans?.length ?? 0), 0),
  };
}

/** What is wrong with an answer, by the baseline; undefined where it is right or nothing is known. */
export function wrongCounts(
  counts: AnswerCounts,
  expected: Readonly<Record<string, number | readonly [number, number]>> | undefined,
): string | undefined {
  for (const [name, value] of Object.entries(expected ?? {})) {
    const got = counts[name as keyof AnswerCounts];
    const [from, to] = typeof value === 'number' ? [value, value] : value;
    if (got < from || got > to) return `${name} ${got}, expected ${from === to ? from : `${from} to ${to}`}`;
  }
  return undefined;
}

/** Smallest and median. */
export function figures(samples: readonly number[]): CpuFigures {
  const sorted = [...samples].sort((a, b) => a - b);
  return [sorted[0] ?? Number.NaN, sorted[sorted.length >> 1] ?? Number.NaN];
}
