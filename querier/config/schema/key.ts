/** How a value is written in YAML and on the command line. */
export type KeyType =
  | 'bool'
  | 'int'
  | 'uint'
  | 'float'
  | 'string'
  | 'duration' // Go: 30s, 1h30m; a bare integer is nanoseconds
  | 'promDuration' // Prometheus: 1d, 2w
  | 'timestamp'
  | 'strings' // a YAML list of texts; comma-separated on the command line
  | 'any'; // any YAML, kept as it is

/**
 * What becomes of a key of Tempo's:
 * - `used`: changes what this process does
 * - `accepted`: checked for its type, has no effect here
 * - `ignored`: belongs to the write path; its content is not checked
 * - `removed`: Tempo itself has dropped it; a warning
 * - `relocated`: an older spelling of the key in `to`; a warning
 */
export type KeyStatus = 'used' | 'accepted' | 'ignored' | 'removed' | 'relocated';

/** A decoded value: durations are milliseconds, timestamps texts. */
export type ConfigValue = boolean | number | string | readonly string[] | null | object;

/** One key of the configuration file (spec config §2-§8). */
export interface ConfigKey {
  /** Full path, levels joined with dots. */
  readonly path: string;
  readonly type: KeyType;
  /** In the decoded form; undefined where there is none. */
  readonly default: ConfigValue | undefined;
  readonly status: KeyStatus;
  /** Of `relocated`: the path that the value counts for. */
  readonly to?: string;
  /** Shown as `<secret>` where the configuration is printed. */
  readonly secret: boolean;
  /** One sentence for docs/configuration.md; '' only for keys that have no effect. */
  readonly meaning: string;
  /** Not one of Tempo's keys. */
  readonly own: boolean;
}

/** What a row may say besides: its meaning alone, or more. */
export type KeyExtra =
  | string
  | { readonly meaning?: string; readonly to?: string; readonly secret?: boolean /** Not one of Tempo's. */; readonly own?: boolean };

/** `[key below the section, type, default as in YAML, status?, meaning or more?]`; status `used` where left out. */
export type KeyRow = readonly [path: string, type: KeyType, default_: ConfigValue | undefined, status?: KeyStatus, extra?: KeyExtra];

const second = 1000;
const durationUnits: Readonly<Record<string, number>> = { ms: 1, s: second, m: 60 * second, h: 3600 * second };

/** Defaults of durations are written like `30s` or `168h` in the tables: one amount, one unit. */
function durationDefault(value: ConfigValue | undefined): ConfigValue | undefined {
  if (typeof value !== 'string') return value;
  const match = /^(\d+)(ms|s|m|h)$/.exec(value);
  if (match === null) throw new RangeError(`bad default duration ${value}`);
  return Number(match[1]) * durationUnits[match[2]!]!;
}

function keys(prefix: string, rows: readonly KeyRow[], own: boolean): readonly ConfigKey[] {
  return rows.map(([path, type, value, status = 'used', extra = {}]) => {
    const { meaning = '', to, secret = false, own: ownKey = own } = typeof extra === 'string' ? { meaning: extra } : extra;
    return {
      path: prefix === '' ? path : `${prefix}.${path}`,
      type,
      default: type === 'duration' || type === 'promDuration' ? durationDefault(value) : value,
      status,
      ...(to === undefined ? {} : { to }),
      secret,
      meaning,
      own: ownKey,
    };
  });
}

/** Makes the keys of a section ('' for the top level) from a table. */
export function section(prefix: string, rows: readonly KeyRow[]): readonly ConfigKey[] {
  return keys(prefix, rows, false);
}

/** As {@link section}, for keys that only Rubato has. */
export function ownSection(prefix: string, rows: readonly KeyRow[]): readonly ConfigKey[] {
  return keys(prefix, rows, true);
}

/** Keys of one type that are accepted without effect and have no default worth printing. */
export function acceptedKeys(prefix: string, type: KeyType, names: string, meaning = ''): readonly ConfigKey[] {
  return section(
    prefix,
    names.split(/\s+/).map((name): KeyRow => [name, type, undefined, 'accepted', meaning]),
  );
}

/** Sections of the write path: their content is not checked. */
export function ignoredSections(prefix: string, names: string, meaning = 'Write path.'): readonly ConfigKey[] {
  return section(
    prefix,
    names.split(/\s+/).map((name): KeyRow => [name, 'any', undefined, 'ignored', meaning]),
  );
}

/** Older spellings: `[old name, type, path of today]`. */
export function relocatedKeys(prefix: string, rows: readonly (readonly [name: string, type: KeyType, to: string])[]): readonly ConfigKey[] {
  return section(
    prefix,
    rows.map(([name, type, to]): KeyRow => [name, type, undefined, 'relocated', { to }]),
  );
}
