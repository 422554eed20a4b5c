import { readdirSync, readFileSync } from 'node:fs';

/** Milliseconds of a clock tick: USER_HZ is 100 on every Linux that Node runs on. */
const tickMs = 10;

/** CPU that a process has used since its start, by two counters of Linux. */
export interface CpuSnapshot {
  /** Sum over the threads that live now, exact to nanoseconds. */
  readonly liveThreadsMs: number;
  /** Sum over all threads that ever lived, in steps of 10 ms. */
  readonly allThreadsMs: number;
}

/** CPU of a process and its children so far; user and system time. Zero where there is no /proc. */
export function cpuSnapshot(pid: number): CpuSnapshot {
  let liveThreadsMs = 0;
  let allThreadsMs = 0;
  for (const member of [pid, ...descendants(pid)]) {
    const fields = statFields(member);
    allThreadsMs += (Number(fields[11] ?? 0) + Number(fields[12] ?? 0)) * tickMs;
    for (const thread of list(`/proc/${member}/task`)) {
      liveThreadsMs += Number(read(`/proc/${member}/task/${thread}/schedstat`).split(' ')[0] || 0) / 1e6;
    }
  }
  return { liveThreadsMs, allThreadsMs };
}

/** CPU between two snapshots. The exact counter, unless a thread ended in between and took its share with it. */
export function cpuBetweenMs(before: CpuSnapshot, after: CpuSnapshot): number {
  const exact = after.liveThreadsMs - before.liveThreadsMs;
  const coarse = after.allThreadsMs - before.allThreadsMs;
  return coarse > exact + 2 * tickMs ? coarse : exact;
}

function descendants(pid: number): readonly number[] {
  const parents = new Map(list('/proc').map((process) => [process, Number(statFields(process)[1])]));
  const found: number[] = [];
  const visit = (parent: number): void => {
    for (const [child, itsParent] of parents) {
      if (itsParent !== parent) continue;
      found.push(child);
      visit(child);
    }
  };
  visit(pid);
  return found;
}

/** Fields of /proc/PID/stat behind the name: [0] state, [1] parent, [11] user ticks, [12] system ticks. */
function statFields(pid: number): readonly string[] {
  return read(`/proc/${pid}/stat`)
    .replace(/^.*\) /s, '')
    .split(' ');
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function list(path: string): readonly number[] {
  try {
    return readdirSync(path)
      .filter((name) => /^\d+$/.test(name))
      .map(Number);
  } catch {
    return [];
  }
}
