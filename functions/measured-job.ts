import type { FunctionJobCost } from '#engine/api/function-call.ts';
import { countRequests } from '#engine/backend/counted.ts';
import type { Clock } from '#engine/base/clock.ts';
import { AppError } from '#engine/base/errors.ts';
import type { JobEnvironment } from '#engine/jobs/environment.ts';

/** An environment for one job that counts what it reads, and lets it read nothing after the deadline: a scan without waits would not notice a timer. */
export function measureJob(
  environment: JobEnvironment,
  clock: Clock,
  deadlineMs: number,
): { readonly environment: JobEnvironment; readonly cost: () => FunctionJobCost } {
  const startedMs = clock.monotonicMs();
  let bytesRead = 0;
  let gets = 0;
  const backend = countRequests(environment.backend, (request) => {
    if (clock.nowMs() >= deadlineMs) throw new AppError('deadline_exceeded', 'context deadline exceeded');
    gets++;
    if (request.kind === 'read') bytesRead += request.end - request.start;
    else if (request.kind === 'readWhole') bytesRead += request.sizeBytes;
  });
  return { environment: { ...environment, backend }, cost: () => ({ bytesRead, gets, durationMs: clock.monotonicMs() - startedMs }) };
}
