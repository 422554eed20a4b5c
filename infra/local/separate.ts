import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse, stringify } from 'yaml';
import type { LocalProcess } from './processes.ts';
import { freePort, startProcess } from './processes.ts';
import { type ServerOptions, serverConfig } from './server.ts';

/** A part of a system of separate processes; stopping it removes its configuration, too. */
export interface SeparateProcess extends LocalProcess {
  /** Of a query-frontend: where queriers connect. */
  readonly grpcPort: number;
}

/** Ports that a process is to have: one that is started again keeps those it had. */
export interface Ports {
  readonly http: number;
  readonly grpc: number;
}

/** Any two free ports. */
export async function freePorts(): Promise<Ports> {
  return { http: await freePort(), grpc: await freePort() };
}

type Change = (config: Record<string, Record<string, unknown>>) => void;

async function start(name: string, target: string, options: ServerOptions, ports: Ports, change: Change): Promise<SeparateProcess> {
  const folder = mkdtempSync(join(tmpdir(), 'rubato-'));
  const config = parse(serverConfig(options, ports, join(folder, 'wal'))) as Record<string, Record<string, unknown>>;
  change(config);
  writeFileSync(join(folder, 'rubato.yaml'), stringify(config));
  const remove = () => rmSync(folder, { recursive: true, force: true });
  try {
    const server = await startProcess({
      name,
      script: 'querier/main.ts',
      arguments: [`-config.file=${join(folder, 'rubato.yaml')}`, `-target=${target}`],
      port: ports.http,
      readyPath: '/ready',
      // A frontend is not ready before it has a querier.
      ...(target === 'querier' ? { readyStatus: 200 } : {}),
    });
    return { ...server, grpcPort: ports.grpc, stop: () => server.stop().then(remove) };
  } catch (thrown) {
    remove();
    throw thrown;
  }
}

/** Starts a query-frontend; it answers queries when the first querier has come. `change` alters its configuration. */
export function startFrontend(name: string, options: ServerOptions, ports: Ports, change: Change = () => {}): Promise<SeparateProcess> {
  return start(name, 'query-frontend', options, ports, change);
}

/** Starts a querier of these frontends, given by their gRPC ports. `change` alters its configuration. */
export function startQuerier(
  name: string,
  options: ServerOptions,
  frontends: readonly number[],
  ports: Ports,
  change: Change = () => {},
): Promise<SeparateProcess> {
  return start(name, 'querier', options, ports, (config) => {
    const address = frontends.map((port) => `127.0.0.1:${port}`).join(',');
    config.querier = { ...config.querier, frontend_worker: { frontend_address: address, id: name } };
    change(config);
  });
}

/** One frontend and its queriers. */
export interface SeparateSystem {
  /** Of the frontend. */
  readonly url: string;
  readonly frontend: SeparateProcess;
  readonly queriers: readonly SeparateProcess[];
  readonly stop: () => Promise<void>;
}

const readyStepMs = 50;
const readyTimeoutMs = 60_000;

async function untilReady(url: string): Promise<void> {
  const until = performance.now() + readyTimeoutMs;
  for (let status = 0; status !== 200; ) {
    ({ status } = await fetch(`${url}/ready`));
    if (status !== 200 && performance.now() > until) throw new Error(`${url} is not ready after ${readyTimeoutMs / 1000} s`);
    if (status !== 200) await new Promise((resolve) => setTimeout(resolve, readyStepMs));
  }
}

/** Starts a frontend and queriers over the same blocks and waits until it answers queries. */
export async function startSeparate(options: ServerOptions, queriers: number, change: Change = () => {}): Promise<SeparateSystem> {
  const frontend = await startFrontend('frontend', options, await freePorts(), change);
  const names = Array.from({ length: queriers }, (_, index) => `querier-${index + 1}`);
  const started = await Promise.all(names.map(async (name) => startQuerier(name, options, [frontend.grpcPort], await freePorts(), change)));
  const stop = async () => {
    await Promise.all(started.map((querier) => querier.stop()));
    await frontend.stop();
  };
  await untilReady(frontend.url).catch(async (thrown) => {
    await stop();
    throw thrown;
  });
  return { url: frontend.url, frontend, queriers: started, stop };
}
