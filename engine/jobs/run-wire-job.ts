import type { WireAnswer, WireJob } from '#engine/api/job-wire.ts';
import type { JobEnvironment } from './environment.ts';
import { runSearchWireJob } from './wire-search.ts';
import type { WireUrl } from './wire-tags.ts';

/** Cuts a job's URL. The version is that of the endpoint, whatever prefix stands before it. */
export function wireUrl(url: string): WireUrl {
  const mark = url.indexOf('?');
  const path = mark < 0 ? url : url.slice(0, mark);
  return { path, query: mark < 0 ? '' : url.slice(mark + 1), version: /\/api\/v2\/(search|traces)\//.test(path) ? 2 : 1 };
}

/**
 * Runs any job over a block as it came over the wire and writes its answer: what functions run, and what queriers run in-process, so that both give the same
 * bytes. Rejects with an AppError: `bad_request` for a URL that cannot be read, and what the job itself says.
 */
export async function runWireJob(environment: JobEnvironment, job: WireJob, signal: AbortSignal): Promise<WireAnswer> {
  const url = wireUrl(job.url);
  if (job.kind === 'search') return runSearchWireJob(environment, job, url.query, signal);
  const kinds = await import('./wire-kinds.ts');
  switch (job.kind) {
    case 'metrics':
      return kinds.runMetricsWireJob(environment, job, url.query, signal);
    case 'tag-names':
      return kinds.runTagNamesWireJob(environment, job, url, signal);
    case 'tag-values':
      return kinds.runTagValuesWireJob(environment, job, url, signal);
    case 'trace':
      return kinds.runTraceWireJob(environment, job, url, signal);
  }
}
