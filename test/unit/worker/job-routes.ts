import type { SendJob, WireAnswer } from '#engine/api/job-wire.ts';
import { wireStatuses } from '#engine/api/status.ts';
import { systemClock } from '#engine/base/clock.ts';
import { AppError, toAppError } from '#engine/base/errors.ts';
import { typedConfig } from '../../../querier/config/config.ts';
import { typedLimits } from '../../../querier/config/limits.ts';
import { defaultValues } from '../../../querier/config/load.ts';
import type { JobQueue } from '../../../querier/frontend/queue.ts';
import { errorAnswer, type Handler } from '../../../querier/server/exchange.ts';
import { createRouter } from '../../../querier/server/router.ts';
import { createMetricsJobHandler } from '../../../querier/worker/metrics-handler.ts';
import type { Runners } from '../../../querier/worker/runners.ts';
import { createJobHandler } from '../../../querier/worker/search-handler.ts';
import { createTagNamesJobHandler, createTagValuesJobHandler } from '../../../querier/worker/tags-handler.ts';
import { createTraceJobHandler } from '../../../querier/worker/trace-handler.ts';

const unlimited = () => typedLimits(new Map(), '');
const atOnce: JobQueue = { run: (_tenant, work) => work(), running: () => 0 };

/** The querier's HTTP API over these runners, without a port: what a job travels to. `prefix` is `http_api_prefix`. */
export function sendToHandlers(runners: Runners, prefix = ''): SendJob {
  const config = typedConfig(defaultValues());
  const environment = { config: config.queryFrontend, limits: () => config.limits, clock: systemClock };
  const shared = { queue: atOnce, multitenancyEnabled: true };
  const tags = { ...shared, environment, runTags: runners.tags };
  const lookUpInBlock = () => Promise.reject(new AppError('internal', 'a frontend sends ranges of block ids'));
  const trace = { ...shared, runTraceJob: runners.trace, lookUpInBlock, limits: unlimited };
  const handlers: Readonly<Record<string, Handler>> = {
    '/api/search': createJobHandler({ ...shared, runJob: runners.search }),
    '/api/metrics/query_range': createMetricsJobHandler({ ...shared, runMetricsJob: runners.metrics }),
    '/api/v2/search/tags': createTagNamesJobHandler(tags, 2),
    '/api/v2/search/tag/{tagName}/values': createTagValuesJobHandler(tags, 2),
    '/api/traces/{traceID}': createTraceJobHandler({ ...trace, version: 1 }),
    '/api/v2/traces/{traceID}': createTraceJobHandler({ ...trace, version: 2 }),
  };
  const router = createRouter(
    Object.entries(handlers).map(([path, handler]) => ({ path: `/querier${prefix}${path}`, handler })),
    '',
  );
  return async (job, signal): Promise<WireAnswer> => {
    const [path = '', query = ''] = job.url.split('?', 2);
    const headers = { 'x-scope-orgid': job.tenant, accept: job.accept };
    const request = { method: 'GET', path, query, target: job.url, headers, signal };
    const answer = await Promise.resolve(router(path).handler(request)).catch((thrown) => {
      const error = toAppError(thrown);
      return errorAnswer(wireStatuses[error.code].http, error.message);
    });
    const body = typeof answer.body === 'string' ? Buffer.from(answer.body) : answer.body;
    return { status: answer.status, contentType: answer.headers['Content-Type'] ?? '', body };
  };
}
