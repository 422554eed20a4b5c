import { readFile } from 'node:fs/promises';
import { AppError, toAppError } from '#engine/base/errors.ts';
import { type Config, typedConfig } from './config.ts';
import { type ConfigNotice, type DecodedFile, decodeConfig } from './decode.ts';
import { type Environment, expandEnvironment } from './expand-env.ts';
import type { Flags } from './flags.ts';
import type { ConfigValue } from './schema/key.ts';
import { configKeys, schemaTree } from './schema/schema.ts';
import { configProblems, configWarnings } from './validate.ts';

/** A configuration that can be run with, and what its owner should hear of. */
export interface LoadedConfig {
  readonly config: Config;
  readonly warnings: readonly string[];
  /** Paths of write-path sections that were skipped. */
  readonly ignored: readonly string[];
}

const tree = schemaTree(configKeys);
const maxFileBytes = 4 << 20;

/** The defaults by path. */
export function defaultValues(): ReadonlyMap<string, ConfigValue> {
  return new Map(configKeys.flatMap((key) => (key.default === undefined ? [] : [[key.path, key.default] as const])));
}

async function readConfigFile(path: string): Promise<string> {
  try {
    const bytes = await readFile(path);
    if (bytes.length > maxFileBytes) throw new AppError('config', `it is larger than ${maxFileBytes} bytes`);
    return bytes.toString('utf8');
  } catch (thrown) {
    throw new AppError('config', `failed parsing config: failed to read configFile ${path}: ${toAppError(thrown).message}`, {
      cause: thrown,
    });
  }
}

function decodeFile(text: string, path: string, expand: Environment | undefined): DecodedFile {
  try {
    const expanded = expand === undefined ? text : expandEnvironment(text, expand);
    return decodeConfig(expanded, path, tree);
  } catch (thrown) {
    const problem = toAppError(thrown).message;
    const framed = problem.startsWith('failed to parse') ? problem : `failed to expand env vars from configFile ${path}: ${problem}`;
    throw new AppError('config', `failed parsing config: ${framed}`, { cause: thrown });
  }
}

function noticeText(notice: ConfigNotice): string {
  const place = `${notice.path} (line ${notice.line})`;
  return notice.kind === 'relocated' ? `${place} is now ${notice.to}` : `${place} was removed and has no effect`;
}

/**
 * Defaults, then the file, then flags (spec config §1). Throws AppError `config` with every problem found; the message is what to print.
 */
export async function loadConfig(flags: Flags, environment: Environment): Promise<LoadedConfig> {
  const empty: DecodedFile = { values: new Map(), notices: [] };
  const file =
    flags.configFile === ''
      ? empty
      : decodeFile(await readConfigFile(flags.configFile), flags.configFile, flags.expandEnv ? environment : undefined);
  const values = new Map([...defaultValues(), ...file.values, ...flags.values]);
  const problems = configProblems(values);
  if (problems.length > 0) throw new AppError('config', `invalid configuration: ${problems.join('; ')}`);
  const notices = file.notices.filter((notice) => notice.kind !== 'ignored').map(noticeText);
  return {
    config: typedConfig(values, flags.expandEnv),
    warnings: [...notices, ...configWarnings(values)],
    ignored: file.notices.filter((notice) => notice.kind === 'ignored').map((notice) => notice.path),
  };
}
