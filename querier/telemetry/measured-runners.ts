import { wireStatuses } from '#engine/api/status.ts';
import type { Clock } from '#engine/base/clock.ts';
import { toAppError } from '#engine/base/errors.ts';
import { routeLabel } from '../server/router.ts';
import type { Runners } from '../worker/runners.ts';
import type { ServerMetrics } from './server-metrics.ts';

/**
 * Counts jobs as requests of the querier's routes, as if a frontend had sent them: in one process they take no route, but Tempo's dashboards show queriers by
 * `route=~"querier_api_.*"` (spec metrics §1, §6.1).
 */
export function measureRunners(runners: Runners, { requestDuration }: ServerMetrics, clock: Clock, httpApiPrefix: string): Runners {
  const measured = <Arguments extends readonly unknown[], Answer>(
    run: (...job: Arguments) => Promise<Answer>,
    routeOf: (job: Arguments[0]) => string,
  ) => {
    return async (...job: Arguments): Promise<Answer> => {
      const startedMs = clock.monotonicMs();
      let status_code = '200';
      try {
        return await run(...job);
      } catch (thrown) {
        status_code = String(wireStatuses[toAppError(thrown).code].http);
        throw thrown;
      } finally {
        const labels = { method: 'GET', route: routeOf(job[0]), status_code, ws: 'false' };
        requestDuration.observe(labels, (clock.monotonicMs() - startedMs) / 1000);
      }
    };
  };
  const label = (path: string) => routeLabel(`/querier${httpApiPrefix}/api${path}`);
  const always = (path: string) => {
    const route = label(path);
    return () => route;
  };
  const traces = { 1: label('/traces/{traceID}'), 2: label('/v2/traces/{traceID}') };
  return {
    search: measured(runners.search, always('/search')),
    metrics: measured(runners.metrics, always('/metrics/query_range')),
    tags: {
      names: measured(runners.tags.names, always('/v2/search/tags')),
      values: measured(runners.tags.values, always('/v2/search/tag/{tagName}/values')),
    },
    trace: measured(runners.trace, ({ version }) => traces[version]),
  };
}
