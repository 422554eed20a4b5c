import type { ExplainedRowGroup } from '#engine/jobs/explain-block.ts';
import type { ExplainedColumn, ReadCost } from '#engine/scan/explain.ts';
import type { FailedTest, NoHit } from '#engine/scan/row-group-outcomes.ts';
import type { ExplainedBlock, ExplainedJob, SearchExplanation } from '../frontend/explain.ts';
import { counted, printBytes } from './quantities.ts';
import { alignColumns, printable } from './table.ts';

function printReads({ bytes, requests }: ReadCost): string {
  return `${printBytes(bytes)} / ${requests}`;
}

function sum(a: ReadCost, b: ReadCost): ReadCost {
  return { bytes: a.bytes + b.bytes, requests: a.requests + b.requests };
}

function columnLines(title: string, columns: readonly ExplainedColumn[]): readonly string[] {
  if (columns.length === 0) return [];
  return [`  ${title}`, ...alignColumns(columns.map(({ column, purposes }) => [`    ${column}`, printable(purposes.join('; '))]))];
}

function printNoHit({ column, lookedIn, entries }: NoHit): string {
  switch (lookedIn) {
    case 'dictionary':
      return `none of ${entries} in the dictionary of ${column}`;
    case 'keys':
      return `no such key among ${entries} in ${column}`;
    case 'values':
      return `none of ${entries} values of ${column}`;
  }
}

function printFailedTest({ test, noHits }: FailedTest): string {
  const places = noHits.length === 0 ? 'key and value occur, but never together' : noHits.map(printNoHit).join(', ');
  return `${printable(test)}: ${places}`;
}

function printOutcome({ actual }: ExplainedRowGroup): string {
  switch (actual?.outcome) {
    case undefined:
      return 'not run';
    case 'notReached':
      return 'not reached: the limit was';
    case 'matched':
      return counted(actual.traces, 'trace');
    case 'outOfRange':
      return 'matches are outside the time range';
    case 'noMatch':
      return 'no match: no span or trace satisfies all conditions together';
    case 'ruledOut':
      return `ruled out: ${actual.failedTests.map(printFailedTest).join('; ')}`;
  }
}

function rowGroupRow(group: ExplainedRowGroup): readonly string[] {
  const { rowGroup, rows, windows, firstPass, secondPass, actual } = group;
  const looked = actual?.windows ?? windows;
  return [
    `    ${rowGroup}`,
    String(rows),
    looked.length === 0 ? '-' : looked.join('+'),
    printReads(firstPass),
    printReads(secondPass),
    actual === undefined ? '-' : printReads(actual),
    printOutcome(group),
  ];
}

function jobLines(job: ExplainedJob): readonly string[] {
  if (job.neverMatches) return ['    nothing is read: the query can never match'];
  const { fromRowGroup, toRowGroup, expected, actual } = job;
  const cost = actual && `; read ${printReads(actual)}, of that footer and indexes ${printReads(actual.footer)}`;
  return [`  job over row groups ${fromRowGroup} to ${toRowGroup - 1}: expected ${printReads(expected)}${cost ?? ''}`];
}

const rowGroupHeadings = ['    group', 'traces', 'windows', 'first pass', 'second pass', 'read', 'outcome'];
const rightAligned: ReadonlySet<number> = new Set([1, 3, 4, 5]);

function blockLines(block: ExplainedBlock): readonly string[] {
  const { tenant, blockId, version, sizeBytes, firstPass, secondPass, jobs } = block;
  const rows = jobs.flatMap(({ rowGroups }) => rowGroups.map(rowGroupRow));
  return [
    '',
    `block ${blockId} of ${tenant}: ${version}, ${printBytes(sizeBytes)}, ${counted(jobs.length, 'job')}`,
    ...columnLines('first pass, in order of evaluation:', firstPass),
    ...columnLines('second pass, where something matches:', secondPass),
    ...jobs.flatMap(jobLines),
    ...(rows.length === 0 ? [] : alignColumns([rowGroupHeadings, ...rows], rightAligned)),
  ];
}

/** An explanation for people. Reads are written as bytes / requests; those of passes are what the footer lets expect if nothing is ruled out. */
export function printExplanation(explanation: SearchExplanation): string {
  const { query, totalBlocks, totalJobs, totalBlockBytes, blocks, moreBlocks, actual } = explanation;
  const expected = blocks.flatMap(({ jobs }) => jobs).reduce<ReadCost>((all, job) => sum(all, job.expected), { bytes: 0, requests: 0 });
  const shown = moreBlocks > 0 ? ` of the ${blocks.length} shown` : '';
  const lines = [
    `plan of ${printable(query)}`,
    `${counted(totalBlocks, 'block')}, ${counted(totalJobs, 'job')}, ${printBytes(totalBlockBytes)}; reads are bytes / requests`,
    `expected without footers, if nothing is ruled out${shown}: ${printReads(expected)}`,
    ...(actual ? [`read by ${counted(actual.jobs, 'job')} that ran: ${printReads(actual)}`] : []),
    ...blocks.flatMap(blockLines),
    ...(moreBlocks > 0 ? ['', `and ${counted(moreBlocks, 'more block')}: see --explain-blocks`] : []),
  ];
  return `${lines.join('\n')}\n`;
}
