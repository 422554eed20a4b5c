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

const plain = /^[^\s"=\\\p{Cc}]+$/u;

function logfmtValue(value: string | number | boolean): string {
  const text = String(value);
  return plain.test(text) ? text : JSON.stringify(text);
}

/** Creates a logger for `server.log_level` and `server.log_format`: `level=info ts=… msg="…" key=value` or one JSON object per line (spec metrics §7). */
export function createLogger(options: {
  readonly level: LogLevel;
  readonly format: 'logfmt' | 'json';
  readonly write: (line: string) => void;
  readonly nowMs: () => number;
}): Logger {
  const threshold = logLevels.indexOf(options.level);
  const log = (level: LogLevel) => {
    if (logLevels.indexOf(level) < threshold) return () => {};
    return (message: string, fields: Readonly<Record<string, LogValue>> = {}) => {
      const all = { level, ts: new Date(options.nowMs()).toISOString(), msg: message, ...fields };
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
