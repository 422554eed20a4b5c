import type { WireJob } from '#engine/api/job-wire.ts';

/** What a job's URL says about it. */
export interface JobFacts {
  /** Bytes of block that it covers; 0 for lookups of traces, which read next to nothing of it. */
  readonly sizeBytes: number;
  /** Equal for all jobs of one query. Two equal queries that run at once share it, and each other's latencies. */
  readonly queryKey: string;
}

/** Parameters that differ from job to job of one query (spec read-path §3.2, §5.3). */
const jobParameters = new Set([
  ...['blockID', 'pagesToSearch', 'size', 'startPage', 'encoding', 'indexPageSize', 'totalRecords', 'dataEncoding', 'version'],
  ...['footerSize', 'dc', 'bloomShards', 'blockStart', 'blockEnd', 'mode', 'exemplars', 'maxBytes', 'start', 'end'],
]);

/** Reads a job's URL. Never throws: what cannot be read counts as 0. Values that count are numbers, so nothing has to be unescaped. */
export function readJobFacts({ kind, tenant, url }: WireJob): JobFacts {
  const question = url.indexOf('?');
  const path = question < 0 ? url : url.slice(0, question);
  const numbers = new Map<string, number>();
  const rest: string[] = [];
  for (const pair of question < 0 ? [] : url.slice(question + 1).split('&')) {
    const equals = pair.indexOf('=');
    const name = equals < 0 ? pair : pair.slice(0, equals);
    if (!jobParameters.has(name)) rest.push(pair);
    else if (!numbers.has(name)) numbers.set(name, Number(pair.slice(equals + 1)) || 0);
  }
  const numberOf = (name: string): number => Math.max(0, numbers.get(name) ?? 0);
  const total = numberOf('totalRecords');
  const pages = Math.max(0, Math.min(numberOf('pagesToSearch'), total - numberOf('startPage')));
  return {
    sizeBytes: total > 0 && kind !== 'trace' ? Math.round((numberOf('size') * pages) / total) : 0,
    // A lookup's path has the trace id; its ranges differ from job to job.
    queryKey: `${tenant}\n${kind}\n${path}?${rest.join('&')}`,
  };
}

/** Jobs within a factor of four in size are of one class; 0 is the class of unknown sizes. */
export function sizeClass(sizeBytes: number): number {
  return sizeBytes <= 0 ? 0 : 1 + Math.max(0, Math.floor(Math.log2(sizeBytes / (1 << 20)) / 2));
}
