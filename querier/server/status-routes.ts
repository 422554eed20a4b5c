import type { Config } from '../config/config.ts';
import { defaultValues } from '../config/load.ts';
import { printConfig } from '../config/print.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import type { RecentJobs } from '../telemetry/recent-jobs.ts';
import { apiVersion, programVersion } from '../version.ts';
import { errorAnswer, type Handler, jsonAnswer, textAnswer } from './exchange.ts';
import type { Route } from './router.ts';

/** What the pages about the process itself show. */
export interface StatusOptions {
  readonly config: Config;
  readonly metrics: Metrics;
  readonly recentJobs: RecentJobs;
  /** Why the process cannot serve queries now; undefined when it can. */
  readonly notReady: () => string | undefined;
  /** Paths that are served, for `/status/endpoints`. */
  readonly paths: () => readonly string[];
}

function configPage(config: Config): Handler {
  return ({ query }) => {
    const mode = /(?:^|&)mode=([^&]*)/.exec(query)?.[1] ?? '';
    if (mode === '') return textAnswer(200, printConfig(config.values));
    if (mode === 'diff') return textAnswer(200, printConfig(config.values, true));
    if (mode === 'defaults') return textAnswer(200, printConfig(defaultValues()));
    return errorAnswer(500, `unknown value for mode query parameter: ${mode}`);
  };
}

/** `/ready`, `/metrics`, `/status/*`, `/api/echo` and `/api/status/buildinfo` (spec http-api §7); none asks for a tenant. */
export function statusRoutes(options: StatusOptions): readonly Route[] {
  const { config, metrics, recentJobs } = options;
  const version = `rubato, version ${programVersion} (Tempo API ${apiVersion})\n`;
  const buildinfo = { version: apiVersion, revision: '', branch: `rubato-${programVersion}`, buildUser: '', buildDate: '', goVersion: '' };
  const endpoints = () => `${options.paths().join('\n')}\n`;
  const prefix = config.httpApiPrefix;
  const routes: Route[] = [
    { path: `${prefix}/api/echo`, handler: () => ({ ...textAnswer(200, 'echo\n'), headers: errorAnswer(200, '').headers }) },
    { path: `${prefix}/api/status/buildinfo`, handler: () => jsonAnswer(buildinfo) },
    {
      path: '/ready',
      handler: () => {
        const reason = options.notReady();
        return reason === undefined ? textAnswer(200, 'ready\n') : textAnswer(503, `${reason}\n`);
      },
    },
    { path: '/status/version', handler: () => textAnswer(200, version) },
    { path: '/status/config', handler: configPage(config) },
    { path: '/status/endpoints', handler: () => textAnswer(200, endpoints()) },
    { path: '/status/jobs', handler: () => jsonAnswer(recentJobs.list()) },
    {
      path: '/status',
      handler: () => {
        const sections = { version, endpoints: endpoints(), config: printConfig(config.values) };
        return textAnswer(
          200,
          Object.entries(sections)
            .map(([name, text]) => `GET /status/${name}\n${text}\n`)
            .join(''),
        );
      },
    },
  ];
  if (!config.server.registerInstrumentation) return routes;
  const metricsPage: Handler = async () => ({
    status: 200,
    headers: { 'Content-Type': metrics.registry.contentType },
    body: await metrics.registry.metrics(),
    compressible: true,
  });
  return [...routes, { path: '/metrics', handler: metricsPage }];
}
