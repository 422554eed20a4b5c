import { type MetricsBlockRequest, metricsGrid } from '#engine/api/metrics-request.ts';
import type { MetricsAnswer } from '#engine/api/metrics-series.ts';
import { AppError, throwIfAborted } from '#engine/base/errors.ts';
import type { TenantId } from '#engine/base/units.ts';
import { rowGroupCount } from '#engine/parquet/file.ts';
import { createCompareMeasurement } from '#engine/scan/compare.ts';
import { createGroupMeasurement, type MetricsScan, scanMetrics } from '#engine/scan/metrics.ts';
import { preparePlan } from '#engine/scan/scan-state.ts';
import { compileQuery } from '#engine/traceql/compile.ts';
import { isConstantFalse } from '#engine/traceql/plan.ts';
import { isMetricsQuery, type MetricsPlan, planMetrics } from '#engine/traceql/plan-metrics.ts';
import { blockVersion } from '#engine/vparquet/versions.ts';
import type { JobEnvironment } from './environment.ts';
import { createBlockReader, openBlock } from './open-block.ts';

/**
 * Computes a metrics query over a part of one block: series that combine with those of other jobs (spec traceql §8.7).
 *
 * Throws `bad_request` for a query that does not parse, validate or end in a metrics function, `resource_exhausted` for too many series, and otherwise as
 * `searchBlock` does.
 */
export async function queryRangeBlock(
  environment: JobEnvironment,
  tenant: TenantId,
  request: MetricsBlockRequest,
  signal?: AbortSignal,
): Promise<MetricsAnswer> {
  throwIfAborted(signal);
  const plan = planMetricsJob(request.query);
  const version = blockVersion(request.block.version);
  const grid = metricsGrid(request);
  if (isConstantFalse(plan.search.spansets)) return { grid, series: [], inspectedSpans: 0, inspectedBytes: 0 };
  return environment.kernels.use(async (kernels) => {
    const { block } = request;
    const location = { tenant, blockId: block.blockId, sizeBytes: block.sizeBytes, footerBytes: block.footerBytes };
    const open = await openBlock(environment, kernels, location, signal);
    const { reader, bytesRead } = createBlockReader(environment, open, location, signal);
    const { file } = open;
    const groups = rowGroupCount(file);
    const scan: MetricsScan = {
      kernels,
      reader,
      file,
      plan,
      prepared: preparePlan(plan.search, { version, columns: file.columns, dedicatedColumns: block.dedicatedColumns }),
      fromRowGroup: Math.min(block.startPage, groups),
      toRowGroup: Math.min(block.startPage + block.pagesToSearch, groups),
      window: {
        startNanos: request.startNanos,
        endNanos: request.endNanos,
        baseNanos: grid.startNanos,
        stepNanos: grid.stepNanos,
        count: grid.count,
      },
      maxExemplars: request.exemplars,
      signal,
    };
    const measurement = plan.compare === undefined ? createGroupMeasurement(scan) : createCompareMeasurement(scan, plan.compare);
    const { series, countedSpans } = await scanMetrics(scan, measurement);
    return { grid, series, inspectedSpans: countedSpans, inspectedBytes: bytesRead() };
  }, signal);
}

function planMetricsJob(text: string): MetricsPlan {
  const query = compileQuery(text);
  if (!isMetricsQuery(query)) throw new AppError('bad_request', 'not a metrics query');
  return planMetrics(query);
}
