/** A value of a log field; undefined leaves the field out. */
export type LogValue = string | number | boolean | undefined;

/** Writes structured lines, one per call, below the level not at all. */
export interface Logger {
  readonly debug: (message: string, fields?: Readonly<Record<string, LogValue>>) => void;
  readonly info: (message: string, fields?: Readonly<Record<string, LogValue>>) => void;
  readonly warn: (message: string, fields?: Readonly<Record<string, LogValue>>) => void;
  readonly error: (message: string, fields?: Readonly<Record<string, LogValue>>) => void;
}

/** Levels, least important first. */
export const logLevels = ['debug', 'info', 'warn', 'error'] as const;
/** One of {@link logLevels}. */
export type LogLevel = (typeof logLevels)[number];

const plain = /^[^\s"=\\\p{Cc}]*$/u;

function logfmtValue(value: string | number | boolean): string {
  const text = String(value);
  return plain.test(text) ? text : JSON.stringify(text);
}

/** The time as Go writes it, which has nanoseconds. */
function timestamp(nowMs: number): string {
  const fraction = Math.round((nowMs % 1) * 1e6);
  return new Date(nowMs).toISOString().replace('Z', `${String(fraction).padStart(6, '0')}Z`);
}

/** File and line of whoever logs, '' where they are not known. `skip` is the function that it called. */
function caller(skip: (...args: never[]) => unknown): string {
  const holder: { stack?: string } = {};
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 1;
  Error.captureStackTrace(holder, skip);
  Error.stackTraceLimit = stackTraceLimit;
  return /([^/\\(\s]+:\d+):\d+\)?$/.exec(holder.stack ?? '')?.[1] ?? '';
}

/** Creates a logger for `server.log_level` and `server.log_format`: `level=info ts=… caller=… msg="…" key=value` or one JSON object per line (spec metrics §7).
 * A message of '' leaves `msg` to the fields. */
export function createLogger(options: {
  readonly level: LogLevel;
  readonly format: 'logfmt' | 'json';
  readonly write: (line: string) => void;
  readonly nowMs: () => number;
}): Logger {
  const threshold = logLevels.indexOf(options.level);
  const log = (level: LogLevel) => {
    if (logLevels.indexOf(level) < threshold) return () => {};
    return function write(message: string, fields: Readonly<Record<string, LogValue>> = {}): void {
      const where = { level, ts: timestamp(options.nowMs()), caller: caller(write) };
      const all = { ...where, ...(message === '' ? {} : { msg: message }), ...fields };
      const pairs = Object.entries(all).filter((pair) => pair[1] !== undefined) as [string, string | number | boolean][];
      const line =
        options.format === 'json'
          ? JSON.stringify(Object.fromEntries(pairs))
          : pairs.map(([name, value]) => `${name}=${logfmtValue(value)}`).join(' ');
      options.write(`${line}\n`);
    };
  };
  return { debug: log('debug'), info: log('info'), warn: log('warn'), error: log('error') };
}

/** Writes nothing; for tests and for parts that need no log. */
export const silentLogger: Logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
