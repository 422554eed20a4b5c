import { wireStatuses } from '#engine/api/status.ts';
import { AppError } from '#engine/base/errors.ts';
import type { QueryOp, SloConfig } from '../config/config.ts';
import type { FrontendMetrics } from '../telemetry/frontend-metrics.ts';
import type { Logger } from '../telemetry/log.ts';
import type { LogLine, QueryCost, QueryLog } from './query-log.ts';
import type { JobFailure } from './run-jobs.ts';
import { isWithinSlo, throughput } from './slo.ts';

/** One of the kinds of queries. */
export interface QueryKind {
  /** The label of metrics. */
  readonly op: QueryOp;
  /** How log lines about requests that cannot be read begin. */
  readonly name: string;
}

/** What {@link createQueryEnd} needs. */
export interface QueryEndOptions {
  readonly slo: SloConfig;
  readonly metrics: Pick<FrontendMetrics, 'queries' | 'queriesWithinSlo' | 'bytesPerSecond' | 'bytesInspected' | 'jobsPerQuery'>;
  readonly logger: Logger;
}

/** How a query ended: with an answer, with the first job that failed, or with an error of its own. */
export type EndedQuery = { readonly kind: 'answered'; readonly status: number; readonly cost: QueryCost } | JobFailure | AppError;

/** Of whom a query was, and how long it took. */
export interface EndedFor {
  readonly tenant: string;
  readonly traceId: string;
  readonly durationMs: number;
  /** Undefined where the request could not be read. */
  readonly log: QueryLog | undefined;
  /** More fields of the line, after all others. */
  readonly more?: LogLine['fields'];
}

/** Makes what is done once at the end of each query: metrics and the line of the log (spec metrics §2, §7). */
export function createQueryEnd(options: QueryEndOptions, { op, name }: QueryKind): (query: EndedFor, ended: EndedQuery) => void {
  const { slo, metrics, logger } = options;
  return ({ tenant, traceId, durationMs, log, more }, ended) => {
    const error = ended instanceof AppError ? ended : undefined;
    const canceled = error?.code === 'cancelled';
    const status = ended instanceof AppError ? wireStatuses[ended.code].http : ended.status;
    const cost = 'kind' in ended ? ended.cost : undefined;
    const { inspectedBytes = 0 } = cost ?? {};
    const result = canceled ? 'canceled' : 'completed';
    metrics.queries.inc({ tenant, op, result });
    if (isWithinSlo({ canceled, status, durationMs, inspectedBytes }, slo)) metrics.queriesWithinSlo.inc({ tenant, op, result });
    if (slo.throughputBytes > 0) metrics.bytesPerSecond.inc({ tenant, op }, throughput(inspectedBytes, durationMs));
    if (cost !== undefined) {
      metrics.bytesInspected.inc({ tenant, op }, inspectedBytes);
      metrics.jobsPerQuery.observe({ op }, cost.totalJobs);
    }
    if (error?.code === 'internal') logger.error(`${name}: query failed`, { tenant, err: error.message, stack: error.stack });
    if (log === undefined) {
      const err = 'message' in ended ? ended.message : 'null';
      logger.error(`${name}: parse search request failed`, { err });
      return;
    }
    const message = 'message' in ended ? ended.message : undefined;
    const line = log.ended({ tenant, traceId, durationMs, status, error: message, cost });
    logger.info(line.message, { ...line.fields, ...more });
  };
}
