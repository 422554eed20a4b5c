import type { WireJob } from '#engine/api/job-wire.ts';
import { tenantId } from '#engine/base/units.ts';
import type { JobOutcome } from '../../querier/external/invoke.ts';

/** A search over that many row-group ranges of that size, as a frontend sends it (spec read-path §9.3). */
export function* simulatedJobs(query: string, count: number, sizeBytes = 100 << 20): Generator<WireJob, void, void> {
  const text = encodeURIComponent(query);
  for (let index = 0; index < count; index++) {
    const block = `00000000-0000-4000-8000-${index.toString(16).padStart(12, '0')}`;
    const pages = `pagesToSearch=10&size=${sizeBytes}&startPage=0&encoding=none&indexPageSize=0&totalRecords=10&version=vParquet4&footerSize=1000`;
    yield {
      kind: 'search',
      tenant: tenantId('simulated'),
      url: `/querier/api/search?start=1&end=3600&limit=20&spss=3&q=${text}&blockID=${block}&${pages}`,
      accept: 'application/protobuf',
    };
  }
}

/** What the right answer to a job is: a hash of the job, so that a mixed-up answer is noticed. */
export function rightAnswer(job: WireJob): string {
  let hash = 0x811c9dc5;
  for (let index = 0; index < job.url.length; index++) hash = Math.imul(hash ^ job.url.charCodeAt(index), 0x01000193);
  return (hash >>> 0).toString(16);
}

/** The outcome of a function that does its work. */
export function answered(job: WireJob): JobOutcome {
  const body = Buffer.from(rightAnswer(job));
  const cost = { bytesRead: 1 << 20, gets: 3, durationMs: 1 };
  return { kind: 'answered', answer: { status: 200, contentType: 'application/protobuf', body }, cost };
}
