import { Counter, type Registry } from 'prom-client';
import type { Register } from './register.ts';

const startSeconds = Date.now() / 1000 - process.uptime();

/** Registers what Prometheus clients of every language show about the process. */
export function processMetrics({ readGauge }: Register, registry: Registry): void {
  const cpu: Counter = new Counter({
    name: 'process_cpu_seconds_total',
    help: 'User and system CPU time in seconds.',
    registers: [registry],
    collect: () => {
      const { user, system } = process.cpuUsage();
      cpu.reset();
      cpu.inc((user + system) / 1e6);
    },
  });
  readGauge('process_resident_memory_bytes', 'Resident memory.', [], (gauge) => gauge.set(process.memoryUsage.rss()));
  readGauge('process_start_time_seconds', 'Start of the process since the epoch.', [], (gauge) => gauge.set(startSeconds));
}
