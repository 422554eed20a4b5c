import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import type { LocalProcess } from './processes.ts';
import { freePort, startProcess } from './processes.ts';

/** Where blocks are: the `storage.trace` section without `wal` and `blocklist_poll`. */
export type Storage = Readonly<Record<string, unknown>> & { readonly backend: string };

/** What differs between the servers that are started here. */
export interface ServerOptions {
  readonly storage: Storage;
  readonly multitenancy: boolean;
  /** URLs of functions; none: the querier does everything itself. */
  readonly externalEndpoints?: readonly string[];
  /** Jobs that the querier keeps before it sends one out. */
  readonly preferSelf?: number;
  /** 0 or less for Tempo's own default. */
  readonly targetBytesPerJob?: number;
  /** `querier.max_concurrent_queries`; Tempo's default without it. */
  readonly maxConcurrentQueries?: number;
  /** The section `querier.external`: how jobs go out. */
  readonly external?: Readonly<Record<string, unknown>>;
  /** Taken if it is free; any port otherwise. */
  readonly preferredPort?: number;
}

/** Blocks in a folder, in the layout of the local backend. */
export function localStorage(path: string): Storage {
  return { backend: 'local', local: { path } };
}

/** A configuration file for `-target=all` that serves old blocks: nothing is recent, nothing is compacted or deleted. */
export function serverConfig(options: ServerOptions, ports: { readonly http: number; readonly grpc: number }, walPath: string): string {
  const { externalEndpoints = [], preferSelf, targetBytesPerJob = 0, maxConcurrentQueries, external } = options;
  const search = {
    query_backend_after: '0s',
    max_duration: '0s',
    ...(targetBytesPerJob > 0 ? { target_bytes_per_job: targetBytesPerJob } : {}),
  };
  return stringify({
    target: 'all',
    multitenancy_enabled: options.multitenancy,
    stream_over_http_enabled: true,
    server: {
      http_listen_address: '127.0.0.1',
      http_listen_port: ports.http,
      grpc_listen_address: '127.0.0.1',
      grpc_listen_port: ports.grpc,
      log_level: 'warn',
    },
    usage_report: { reporting_enabled: false },
    query_frontend: { query_end_cutoff: '0s', search, metrics: { query_backend_after: '0s', max_duration: '24h' } },
    querier: {
      ...(maxConcurrentQueries !== undefined && { max_concurrent_queries: maxConcurrentQueries }),
      ...(externalEndpoints.length > 0 && { search: { prefer_self: preferSelf ?? 0, external_endpoints: externalEndpoints } }),
      ...(external !== undefined && { search: { prefer_self: preferSelf ?? 0 }, external }),
    },
    storage: { trace: { ...options.storage, wal: { path: walPath }, blocklist_poll: '10s' } },
    overrides: {
      defaults: {
        compaction: { compaction_disabled: true, block_retention: '876000h' },
        read: { unsafe_query_hints: true, max_bytes_per_tag_values_query: 50_000_000 },
      },
    },
  });
}

/** A configuration file in a temporary folder of its own, which `remove` takes away. */
export function writeServerConfig(
  options: ServerOptions,
  ports: { readonly http: number; readonly grpc: number },
): { readonly path: string; readonly remove: () => void } {
  const folder = mkdtempSync(join(tmpdir(), 'rubato-'));
  const path = join(folder, 'rubato.yaml');
  writeFileSync(path, serverConfig(options, ports, join(folder, 'wal')));
  return { path, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/** Starts the server with a configuration file in a temporary folder, which goes when it stops. */
export async function startServer(options: ServerOptions): Promise<LocalProcess & { readonly grpcPort: number }> {
  const ports = { http: await freePort(options.preferredPort), grpc: await freePort() };
  const { path: configPath, remove } = writeServerConfig(options, ports);
  const removed = <Value>(value: Value): Value => {
    remove();
    return value;
  };
  const server = await startProcess({
    name: 'rubato',
    script: 'querier/main.ts',
    arguments: [`-config.file=${configPath}`, '-target=all'],
    port: ports.http,
    readyPath: '/ready',
    readyStatus: 200,
  }).catch((error: unknown) => {
    throw removed(error);
  });
  return { ...server, grpcPort: ports.grpc, stop: () => server.stop().then(removed) };
}

/** Starts a search function over blocks in a folder, or over what the environment variables `TEMPO_…` say. */
export async function startFunction(name: string, environment: Readonly<Record<string, string>>): Promise<LocalProcess> {
  const port = await freePort();
  return startProcess({ name, script: 'functions/cloudrun.ts', arguments: ['--port', String(port)], environment, port, readyPath: '/' });
}

/** Environment of a function that reads blocks from a folder. */
export function localFunctionEnvironment(path: string): Readonly<Record<string, string>> {
  return { TEMPO_BACKEND: 'local', TEMPO_STORAGE_LOCAL_PATH: path };
}
