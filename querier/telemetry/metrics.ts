import { Registry } from 'prom-client';
import { type BackendMetrics, backendMetrics } from './backend-metrics.ts';
import { type ExternalMetrics, externalMetrics } from './external-metrics.ts';
import { type FrontendMetrics, frontendMetrics } from './frontend-metrics.ts';
import { type LimitsMetrics, limitsMetrics } from './limits-metrics.ts';
import { processMetrics } from './process-metrics.ts';
import { type QuerierMetrics, querierMetrics } from './querier-metrics.ts';
import { createRegister } from './register.ts';
import { type ServerMetrics, serverMetrics } from './server-metrics.ts';

/** Every metric of this process, under Tempo's names, labels and buckets (spec metrics); each area has a file of its own. */
export interface Metrics extends ServerMetrics, FrontendMetrics, QuerierMetrics, ExternalMetrics, BackendMetrics, LimitsMetrics {
  readonly registry: Registry;
}

/** Registers all metrics in a registry of their own, so that two servers in one process (tests) do not share them. */
export function createMetrics(version: string, maxBatchSize = 7): Metrics {
  const registry = new Registry();
  const register = createRegister(registry);
  processMetrics(register, registry);
  return {
    registry,
    ...serverMetrics(register, version),
    ...frontendMetrics(register, maxBatchSize),
    ...querierMetrics(register),
    ...externalMetrics(register),
    ...backendMetrics(register),
    ...limitsMetrics(register),
  };
}
