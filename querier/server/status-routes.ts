import type { Config } from '../config/config.ts';
import type { TenantEntry } from '../config/tenant-limits.ts';
import { metricsPage } from '../telemetry/exposition.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import type { RecentJobs } from '../telemetry/recent-jobs.ts';
import { apiVersion, programVersion } from '../version.ts';
import { errorAnswer, type Handler, jsonAnswer, type ServerAnswer, textAnswer } from './exchange.ts';
import type { Route } from './router.ts';
import {
  configSection,
  overridesPage,
  runtimeConfigSection,
  type StatusSection,
  servicesSection,
  tenantOverridesPage,
} from './status-sections.ts';

/** What the pages about the process itself show. */
export interface StatusOptions {
  readonly config: Config;
  readonly metrics: Metrics;
  readonly recentJobs: RecentJobs;
  /** Limits of single tenants in force. */
  readonly tenantLimits: () => ReadonlyMap<string, TenantEntry>;
  /** Why the process cannot serve queries now; undefined when it can. */
  readonly notReady: () => string | undefined;
  /** Paths that are served, for `/status/endpoints`. */
  readonly paths: () => readonly string[];
}

/** Sections in the order in which `/status` shows them. */
function statusSections(options: StatusOptions): Readonly<Record<string, StatusSection>> {
  return {
    version: () => `rubato, version ${programVersion} (Tempo API ${apiVersion})\n`,
    services: servicesSection(options.config, options.notReady),
    endpoints: () => `${options.paths().join('\n')}\n`,
    runtime_config: runtimeConfigSection(options.tenantLimits),
    config: configSection(options.config),
  };
}

function modeOf(query: string): string {
  return /(?:^|&)mode=([^&]*)/.exec(query)?.[1] ?? '';
}

function htmlAnswer(body: string): ServerAnswer {
  return { status: 200, headers: { 'Content-Type': 'text/html; charset=utf-8' }, body, compressible: false };
}

/** The last part of a path, escapes resolved. Broken ones stand for themselves. */
function lastPart(path: string): string {
  const part = path.slice(path.lastIndexOf('/') + 1);
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** `/status` and all below it (spec http-api §7). Exact paths come before `/status/{endpoint}`. */
function statusPages(options: StatusOptions): readonly Route[] {
  const { config, recentJobs, tenantLimits } = options;
  const sections = statusSections(options);
  const base = `${config.server.pathPrefix}/status/overrides`;
  const section: Handler = ({ path, query }) => {
    const name = lastPart(path);
    const show = Object.hasOwn(sections, name) ? sections[name] : undefined;
    if (show === undefined) return errorAnswer(404, '404 page not found');
    const mode = modeOf(query);
    const text = show(mode);
    return text === undefined ? errorAnswer(500, `unknown value for mode query parameter: ${mode}`) : textAnswer(200, text);
  };
  const all = () =>
    Object.entries(sections)
      .map(([name, show]) => `GET /status/${name}\n${show('')}\n`)
      .join('');
  return [
    { path: '/status/jobs', handler: () => jsonAnswer(recentJobs.list()) },
    { path: '/status/overrides', handler: () => htmlAnswer(overridesPage(tenantLimits(), base)) },
    {
      path: '/status/overrides/{tenant}',
      handler: ({ path }) => htmlAnswer(tenantOverridesPage(lastPart(path), tenantLimits(), config)),
    },
    { path: `${config.httpApiPrefix}/status/usage-stats`, handler: () => textAnswer(200, 'usage-stats is not enabled\n') },
    { path: '/status', handler: () => textAnswer(200, all()) },
    { path: '/status/{endpoint}', handler: section },
  ];
}

/** `/ready` and, unless it is switched off, `/metrics`: all that `internal_server` has (spec http-api §1). */
export function probeRoutes({ metrics, notReady }: Pick<StatusOptions, 'metrics' | 'notReady'>, instrumented: boolean): readonly Route[] {
  const ready: Handler = () => {
    const reason = notReady();
    return reason === undefined ? textAnswer(200, 'ready\n') : textAnswer(503, `${reason}\n`);
  };
  const page: Handler = async ({ headers }) => {
    const { contentType, body } = await metricsPage(metrics.registry, headers.accept);
    return { status: 200, headers: { 'Content-Type': contentType }, body, compressible: true };
  };
  const probe = { path: '/ready', handler: ready };
  return instrumented ? [probe, { path: '/metrics', handler: page }] : [probe];
}

/** `/ready`, `/metrics`, `/status/*`, `/api/echo` and `/api/status/buildinfo` (spec http-api §7); none asks for a tenant. */
export function statusRoutes(options: StatusOptions): readonly Route[] {
  const { config } = options;
  const buildinfo = { version: apiVersion, revision: '', branch: `rubato-${programVersion}`, buildUser: '', buildDate: '', goVersion: '' };
  const prefix = config.httpApiPrefix;
  return [
    { path: `${prefix}/api/echo`, handler: () => ({ ...textAnswer(200, 'echo\n'), headers: errorAnswer(200, '').headers }) },
    { path: `${prefix}/api/status/buildinfo`, handler: () => jsonAnswer(buildinfo) },
    ...statusPages(options),
    ...probeRoutes(options, config.server.registerInstrumentation),
  ];
}
