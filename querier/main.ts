import { systemClock } from '#engine/base/clock.ts';
import { toAppError } from '#engine/base/errors.ts';
import { type App, startApp } from './app.ts';
import { flagUsage, parseFlags } from './config/flags.ts';
import { type LoadedConfig, loadConfig } from './config/load.ts';
import { createLogger, type Logger } from './telemetry/log.ts';
import { type Tracer, tracingEnabled } from './telemetry/tracing.ts';
import { apiVersion, programVersion } from './version.ts';

const write = (line: string) => {
  process.stderr.write(line);
};

/** `-config.verify=true`: tells all warnings; exit status 1 if there are any (spec config §1). */
function verify({ warnings }: LoadedConfig): number {
  if (warnings.length === 0) return 0;
  write(`-- CONFIGURATION WARNINGS --\n${warnings.join('\n')}\n`);
  return 1;
}

const probeTimeoutMs = 5000;

/** `-health`: 0 when the process at that URL answers 200 (spec config §1). */
async function probe(url: string): Promise<number> {
  try {
    const { status } = await fetch(url, { signal: AbortSignal.timeout(probeTimeoutMs) });
    if (status === 200) return 0;
    write(`${url} answered ${status}\n`);
  } catch (thrown) {
    write(`${url}: ${toAppError(thrown).message}\n`);
  }
  return 1;
}

function tellConfig(logger: Logger, { warnings, ignored }: LoadedConfig): void {
  for (const warning of warnings) logger.warn(warning);
  if (ignored.length > 0) logger.info('sections of the write path are ignored', { sections: ignored.join(',') });
}

/** Ends the process once on SIGTERM or SIGINT; a second signal ends it at once. */
function stopOnSignals(app: App, logger: Logger): void {
  let stopping = false;
  const stop = async (signal: string) => {
    if (stopping) process.exit(1);
    stopping = true;
    logger.info('stopping', { signal });
    await app.close();
    process.exit(0);
  };
  for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => void stop(signal));
}

function endOnUnhandled(logger: Logger): void {
  const end = (kind: string) => (thrown: unknown) => {
    const error = toAppError(thrown);
    logger.error(kind, { err: error.message, stack: error.stack });
    process.exit(2);
  };
  process.on('uncaughtException', end('uncaught exception'));
  process.on('unhandledRejection', end('unhandled rejection'));
}

/** Loads OpenTelemetry, which takes a while and much code: only where it is wanted. */
async function createTracer(target: string): Promise<Tracer> {
  const { createOtelTracer } = await import('./telemetry/otel.ts');
  return createOtelTracer(process.env, `rubato-${target}`);
}

async function main(args: readonly string[]): Promise<number | undefined> {
  if (args[0] === 'search') return (await import('./cli/main.ts')).runSearchCommand(args.slice(1));
  if (args[0] === 'tune') return (await import('./cli/main.ts')).runTuneCommand(args.slice(1));
  const flags = parseFlags(args);
  if (flags.help) write(flagUsage());
  if (flags.version) write(`rubato, version ${programVersion} (Tempo API ${apiVersion})\n`);
  if (flags.help || flags.version) return 0;
  if (flags.health) return probe(flags.healthUrl || 'http://localhost:3200/ready');
  const loaded = await loadConfig(flags, (name) => process.env[name]);
  if (flags.verify) return verify(loaded);
  const { config } = loaded;
  const logger = createLogger({ level: config.server.logLevel, format: config.server.logFormat, write, nowMs: Date.now });
  endOnUnhandled(logger);
  tellConfig(logger, loaded);
  const tracer = tracingEnabled(process.env) ? await createTracer(config.target) : undefined;
  const app = await startApp({ config, logger, clock: systemClock, random: Math.random, env: process.env, tracer });
  stopOnSignals(app, logger);
  const started = await app.loaded.then(
    () => true,
    () => false, // stopped before the block list was there: the signal's handler ends the process
  );
  if (started) logger.info('rubato started', { version: programVersion });
  return undefined;
}

try {
  const status = await main(process.argv.slice(2));
  if (status !== undefined) process.exitCode = status;
} catch (thrown) {
  write(`${toAppError(thrown).message}\n`);
  process.exit(1);
}
