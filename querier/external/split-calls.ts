import type { WireJob } from '#engine/api/job-wire.ts';
import type { CallCost, CallResult, JobOutcome } from './invoke.ts';

/** What a job takes in a call besides its URL. */
const jobOverheadBytes = 64;

/** About the bytes of a job in a call before compression. */
function jobBytes({ url }: WireJob): number {
  return Buffer.byteLength(url) + jobOverheadBytes;
}

/**
 * Cuts the jobs of a call, by their numbers, into requests of one tenant and of at most `maxBytes` before compression, so that no compressed request is larger
 * than a platform takes. A job that is larger alone has a request of its own. Pure.
 */
export function splitCall(jobs: readonly WireJob[], maxBytes: number): readonly (readonly number[])[] {
  const parts: number[][] = [];
  const open = new Map<string, { readonly part: number[]; sizeBytes: number }>();
  for (const [index, job] of jobs.entries()) {
    const size = jobBytes(job);
    let last = open.get(job.tenant);
    if (last === undefined || last.sizeBytes + size > maxBytes) {
      last = { part: [], sizeBytes: 0 };
      open.set(job.tenant, last);
      parts.push(last.part);
    }
    last.part.push(index);
    last.sizeBytes += size;
  }
  return parts;
}

function addUp(costs: readonly CallCost[]): CallCost {
  const billed = costs.flatMap(({ billedMs }) => (billedMs === undefined ? [] : [billedMs]));
  return {
    requests: costs.reduce((total, { requests }) => total + requests, 0),
    billedMs: billed.length === 0 ? undefined : billed.reduce((total, ms) => total + ms, 0),
    memoryMb: costs.find(({ memoryMb }) => memoryMb !== undefined)?.memoryMb,
    coldStart: costs.some(({ coldStart }) => coldStart),
  };
}

/** Puts the results of a call's parts together, outcomes in the order of the jobs. */
export function joinParts(parts: readonly (readonly number[])[], results: readonly CallResult[]): CallResult {
  if (results.length === 1) return results[0]!;
  const outcomes: JobOutcome[] = [];
  for (const [part, indexes] of parts.entries()) {
    for (const [place, index] of indexes.entries()) outcomes[index] = results[part]!.outcomes[place]!;
  }
  return { outcomes, cost: addUp(results.map(({ cost }) => cost)) };
}
