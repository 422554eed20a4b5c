import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { freePorts, type Ports, type SeparateProcess, startFrontend, startQuerier } from '../../infra/local/separate.ts';
import type { ServerOptions } from '../../infra/local/server.ts';

/** A process that comes and goes. */
export interface Unit {
  readonly name: string;
  readonly kind: 'frontend' | 'querier';
  readonly ports: Ports;
  process: SeparateProcess | undefined;
  /** Answers /ready with 200, and is not about to be stopped. */
  ready: boolean;
  /** Each start counts one more: a request knows by it whether its frontend is still the same. */
  life: number;
}

/** Frontends and queriers that know each other by their ports. */
export interface Fleet {
  readonly units: readonly Unit[];
  readonly start: (unit: Unit) => Promise<void>;
  readonly kill: (unit: Unit) => Promise<void>;
  readonly stop: (unit: Unit) => Promise<void>;
  readonly stopAll: () => Promise<void>;
}

const readyStepMs = 50;

async function untilReady(unit: Unit, url: string): Promise<void> {
  for (const life = unit.life; unit.life === life; await delay(readyStepMs)) {
    const status = await fetch(`${url}/ready`).then(
      (response) => response.status,
      () => 0,
    );
    if (status !== 200) continue;
    unit.ready = unit.life === life;
    return;
  }
}

/** Starts all. */
export async function startFleet(
  options: ServerOptions,
  counts: { readonly frontends: number; readonly queriers: number },
): Promise<Fleet> {
  const units: Unit[] = [];
  for (const [kind, count] of [['frontend', counts.frontends] as const, ['querier', counts.queriers] as const]) {
    for (let index = 1; index <= count; index++) {
      units.push({ name: `${kind}-${index}`, kind, ports: await freePorts(), process: undefined, ready: false, life: 0 });
    }
  }
  const frontendPorts = units.filter(({ kind }) => kind === 'frontend').map(({ ports }) => ports.grpc);
  const start = async (unit: Unit): Promise<void> => {
    unit.life++;
    unit.process = await (unit.kind === 'frontend'
      ? startFrontend(unit.name, options, unit.ports, (config) => Object.assign(config, { shutdown_delay: '500ms' }))
      : startQuerier(unit.name, options, frontendPorts, unit.ports));
    if (unit.kind === 'querier') unit.ready = true;
    else await untilReady(unit, unit.process.url);
  };
  const stop = async (unit: Unit): Promise<void> => {
    unit.ready = false;
    await unit.process?.stop();
    unit.life++;
    unit.process = undefined;
  };
  const kill = async (unit: Unit): Promise<void> => {
    unit.ready = false;
    unit.life++;
    const running = unit.process;
    unit.process = undefined;
    if (running === undefined) return;
    process.kill(running.pid, 'SIGKILL');
    await running.ended;
    await running.stop();
  };
  await Promise.all(units.map(start));
  return { units, start, kill, stop, stopAll: () => Promise.all(units.map(stop)).then(() => {}) };
}

/** Memory of a process in MiB; 0 where it is gone. */
export function residentMiB(unit: Unit): number {
  try {
    const status = readFileSync(`/proc/${unit.process?.pid ?? 0}/status`, 'utf8');
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) / 1024;
  } catch {
    return 0;
  }
}
