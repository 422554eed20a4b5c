import type { AppOptions } from './app.ts';
import { serverTls } from './config/server-tls.ts';
import { type Listener, listen } from './server/listen.ts';
import { createRouter } from './server/router.ts';
import { createRequestListener } from './server/serve.ts';
import { probeRoutes } from './server/status-routes.ts';
import type { Metrics } from './telemetry/metrics.ts';

/** Opens the port of `internal_server` for probes and metrics (spec http-api §1); undefined unless it is enabled. Rejects with `config`. */
export async function openInternalServer(
  { config, clock, logger }: AppOptions,
  metrics: Metrics,
  notReady: () => string | undefined,
): Promise<Listener | undefined> {
  const { internalServer } = config;
  if (internalServer === undefined) return undefined;
  const { writeTimeoutMs, pathPrefix, registerInstrumentation } = internalServer;
  const router = createRouter(probeRoutes({ metrics, notReady }, registerInstrumentation), pathPrefix);
  const tls = await serverTls(config.values, 'http', 'internal_server');
  return listen({ ...internalServer, tls }, clock, createRequestListener({ router, clock, metrics, logger, writeTimeoutMs }));
}
