import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { stringify } from 'yaml';
import { systemClock } from '#engine/base/clock.ts';
import { type App, type AppOptions, startApp } from '../../../querier/app.ts';
import { parseFlags } from '../../../querier/config/flags.ts';
import { loadConfig } from '../../../querier/config/load.ts';
import { silentLogger } from '../../../querier/telemetry/log.ts';

/** Blocks of the fixtures, as a local backend. */
export const blocksPath = join(import.meta.dirname, '../../fixtures/blocks');

/** Configuration with the settings of the recorded answers; a port that is free. Sections given replace those of the same name. */
export function configText(sections: Readonly<Record<string, unknown>> = {}): string {
  return stringify({
    multitenancy_enabled: true,
    server: { http_listen_address: '127.0.0.1', http_listen_port: 0, grpc_listen_address: '127.0.0.1', grpc_listen_port: 0 },
    query_frontend: { query_end_cutoff: '0s', search: { query_backend_after: '0s', max_duration: '0s' } },
    storage: { trace: { backend: 'local', local: { path: blocksPath }, blocklist_poll: '1h' } },
    ...sections,
  });
}

/** A folder that is removed after the test, with the configuration as `config.yaml`. */
export function configFile(t: TestContext, text: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'rubato-querier-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'config.yaml');
  writeFileSync(path, text);
  return path;
}

/** A whole answer. */
export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** A running app and how to ask it. */
export interface TestApp {
  readonly app: App;
  /** Sends a path as it is given. */
  readonly get: (path: string, headers?: Readonly<Record<string, string>>, method?: string) => Promise<Answer>;
}

/** Sends one request and reads the whole answer. */
export function send(
  port: number,
  path: string,
  headers: Readonly<Record<string, string>> = {},
  method = 'GET',
  agent?: Agent,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port, path, method, headers, ...(agent === undefined ? {} : { agent }) };
    const request = httpRequest(options, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) }));
    });
    request.on('error', reject);
    request.end();
  });
}

/** Starts an app in this process with everything real but the log; it stops after the test. */
export async function startTestApp(
  t: TestContext,
  sections: Readonly<Record<string, unknown>> = {},
  options: Partial<AppOptions> & { readonly flags?: readonly string[] } = {},
): Promise<TestApp> {
  const { flags = [], ...parts } = options;
  const path = configFile(t, configText(sections));
  const { config } = await loadConfig(parseFlags([`-config.file=${path}`, ...flags]), () => undefined);
  const app = await startApp({ config, logger: silentLogger, clock: systemClock, random: Math.random, env: {}, ...parts });
  await app.loaded;
  const agent = new Agent({ keepAlive: true });
  t.after(async () => {
    agent.destroy();
    await app.close();
  });
  return { app, get: (target, headers, method) => send(app.port, target, headers, method, agent) };
}

/** The path of a search over the fixtures' time range. */
export function searchPath(query: string, more = ''): string {
  return `/api/search?q=${encodeURIComponent(query)}&start=1768046400&end=1768050000${more}`;
}
