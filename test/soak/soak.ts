import { setTimeout as delay } from 'node:timers/promises';
import type { ServerOptions } from '../../infra/local/server.ts';
import { type Fleet, residentMiB, startFleet, type Unit } from './fleet.ts';
import { essence, isSame, type SoakQuery, soakQueries } from './queries.ts';

/** How long and how hard. */
export interface SoakOptions {
  readonly server: ServerOptions;
  readonly seconds: number;
  readonly frontends: number;
  readonly queriers: number;
  /** Requests at once. */
  readonly clients: number;
  /** So often one process is killed and another one restarted. */
  readonly disturbEveryMs: number;
  readonly random: () => number;
  readonly log: (line: string) => void;
}

/** What came of it. */
export interface SoakResult {
  readonly queries: number;
  readonly wrong: readonly string[];
  /** Failed although their frontend lived. */
  readonly failed: readonly string[];
  /** Failed with the frontend that had them. */
  readonly lostWithFrontend: number;
  readonly kills: number;
  readonly restarts: number;
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly mostMiB: number;
}

interface Tally {
  readonly durationsMs: number[];
  readonly wrong: string[];
  readonly failed: string[];
  lost: number;
}

async function ask(unit: Unit, { tenant, path }: SoakQuery): Promise<{ readonly status: number; readonly text: string }> {
  const response = await fetch(`http://127.0.0.1:${unit.ports.http}${path}`, { headers: { 'X-Scope-OrgID': tenant, Connection: 'close' } });
  return { status: response.status, text: await response.text() };
}

/** The answers of an undisturbed system. */
async function expectations(fleet: Fleet): Promise<ReadonlyMap<SoakQuery, unknown>> {
  const expected = new Map<SoakQuery, unknown>();
  const frontend = fleet.units.find(({ kind }) => kind === 'frontend')!;
  for (const query of soakQueries) {
    const { status, text } = await ask(frontend, query);
    if (status !== 200 && status !== 404) throw new Error(`${query.tenant} ${query.path}: ${status} ${text}`);
    expected.set(query, essence(status, text));
  }
  return expected;
}

async function runClient(
  fleet: Fleet,
  expected: ReadonlyMap<SoakQuery, unknown>,
  tally: Tally,
  options: SoakOptions,
  untilMs: number,
): Promise<void> {
  const { random } = options;
  while (performance.now() < untilMs) {
    const ready = fleet.units.filter((unit) => unit.kind === 'frontend' && unit.ready);
    const unit = ready[Math.floor(random() * ready.length)];
    if (unit === undefined) {
      await delay(20);
      continue;
    }
    const query = soakQueries[Math.floor(random() * soakQueries.length)]!;
    const { life } = unit;
    const startedMs = performance.now();
    const what = `${unit.name} ${query.tenant} ${query.path}`;
    try {
      const { status, text } = await ask(unit, query);
      tally.durationsMs.push(performance.now() - startedMs);
      if (status !== 200 && status !== 404) tally.failed.push(`${what}: ${status} ${text.slice(0, 200)}`);
      else if (!isSame(essence(status, text), expected.get(query))) tally.wrong.push(`${what}: ${text.slice(0, 200)}`);
    } catch (thrown) {
      if (unit.life !== life) tally.lost++;
      else tally.failed.push(`${what}: ${String((thrown as Error).cause ?? thrown)}`);
    }
  }
}

/** Processes that may be taken away now: one frontend and one querier stay. */
function spare(fleet: Fleet): readonly Unit[] {
  return (['frontend', 'querier'] as const).flatMap((kind) => {
    const ready = fleet.units.filter((unit) => unit.kind === kind && unit.ready);
    return ready.length > 1 ? ready : [];
  });
}

/** Kills one process and restarts another one, again and again. */
async function disturb(
  fleet: Fleet,
  options: SoakOptions,
  untilMs: number,
): Promise<{ readonly kills: number; readonly restarts: number }> {
  const pick = (units: readonly Unit[]) => units[Math.floor(options.random() * units.length)];
  const pending = new Set<Promise<void>>();
  const counts = { kills: 0, restarts: 0 };
  const away = (unit: Unit | undefined, how: 'kill' | 'stop'): void => {
    if (unit === undefined) return;
    options.log(`${how} ${unit.name}`);
    unit.ready = false;
    const work = fleet[how](unit).then(() => fleet.start(unit));
    pending.add(work);
    void work.finally(() => pending.delete(work));
    counts[how === 'kill' ? 'kills' : 'restarts']++;
  };
  while (performance.now() + options.disturbEveryMs < untilMs) {
    await delay(options.disturbEveryMs);
    away(pick(spare(fleet)), 'kill');
    away(pick(spare(fleet)), 'stop');
  }
  await Promise.all(pending);
  return counts;
}

function quantile(sorted: readonly number[], share: number): number {
  return Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0);
}

/** Runs a constant load of mixed queries against a system whose processes die and come back, and checks every answer. */
export async function soak(options: SoakOptions): Promise<SoakResult> {
  const fleet = await startFleet(options.server, options);
  try {
    const expected = await expectations(fleet);
    const tally: Tally = { durationsMs: [], wrong: [], failed: [], lost: 0 };
    const untilMs = performance.now() + options.seconds * 1000;
    let mostMiB = 0;
    const watch = async (): Promise<void> => {
      while (performance.now() < untilMs) {
        mostMiB = Math.max(mostMiB, ...fleet.units.map(residentMiB));
        await delay(500);
      }
    };
    const clients = Array.from({ length: options.clients }, () => runClient(fleet, expected, tally, options, untilMs));
    const [counts] = await Promise.all([disturb(fleet, options, untilMs), watch(), ...clients]);
    const sorted = tally.durationsMs.sort((a, b) => a - b);
    return {
      queries: sorted.length + tally.lost,
      wrong: tally.wrong,
      failed: tally.failed,
      lostWithFrontend: tally.lost,
      ...counts,
      perSecond: Math.round(sorted.length / options.seconds),
      p50Ms: quantile(sorted, 0.5),
      p99Ms: quantile(sorted, 0.99),
      mostMiB: Math.round(mostMiB),
    };
  } finally {
    await fleet.stopAll();
  }
}
