import { parseFlexibleTime } from '#engine/api/date-range.ts';
import { parsePrometheusDuration } from '#engine/base/duration.ts';
import { AppError, toAppError } from '#engine/base/errors.ts';
import { tenantIdProblem } from '#engine/base/units.ts';

/** The command line of `rubato search`, read. */
export interface SearchFlags {
  readonly help: boolean;
  readonly query: string;
  /** `s3://bucket/prefix` or `file:///path`; '' where the configuration says where the blocks are. */
  readonly bucket: string;
  /** Flags of the configuration, as they were given. */
  readonly configArgs: readonly string[];
  /** Undefined: the only one there is. */
  readonly tenants: readonly string[] | undefined;
  /** Whole seconds since the epoch. Undefined: since ever, until now. */
  readonly startSeconds: number | undefined;
  readonly endSeconds: number | undefined;
  readonly limit: number;
  readonly spansPerSpanset: number;
  readonly json: boolean;
  readonly explain: boolean;
  /** Blocks that `--explain` shows. */
  readonly explainedBlocks: number;
  /** A line for each shown span. */
  readonly spans: boolean;
  /** Show progress where stderr is no terminal, too. */
  readonly progress: boolean;
  /** Jobs at once. */
  readonly concurrency: number;
}

/** What `rubato search --help` prints. */
export const searchUsage = `Usage: rubato search [flags] 'QUERY'

Searches blocks with TraceQL in this process and prints the traces that match, newest block first.

Where the blocks are:
  -config.file=FILE       a configuration of rubato or Tempo: its storage.trace counts; other configuration flags work, too, written -flag=value
  --bucket URL            s3://bucket/prefix or file:///path. S3 takes region, endpoint and credentials as the AWS tools do: from AWS_REGION,
                          AWS_ENDPOINT_URL and so on
  --tenant NAME           several: a|b. Needed where the bucket has more than one

What to find:
  --start T, --end T      RFC 3339 or seconds since the epoch; all times without them
  --since D               the time before now: 30m, 6h, 7d
  --limit N               most traces (20)
  --spss N                most spans shown of each spanset (3)

How to show it:
  --spans                 a line for each shown span, with its attributes
  --json                  what /api/search answers
  --explain               the plan: columns by pass, what ruled row groups out, bytes and requests expected and actual
  --explain-blocks N      blocks that --explain shows (10)
  --progress              progress on stderr even if that is no terminal
  --concurrency N         jobs at once (4)

Exit status: 0 traces found, 1 none, 2 an error, 130 interrupted.
`;

type Values = Map<string, string>;

const withValue = ['bucket', 'tenant', 'start', 'end', 'since', 'limit', 'spss', 'explain-blocks', 'concurrency'];
const switches = ['json', 'explain', 'spans', 'progress', 'help', 'h'];
const second = 1_000_000_000n;
const maxSeconds = 2 ** 32 - 1;

function bad(message: string): AppError {
  return new AppError('bad_request', `${message}; see rubato search --help`);
}

/** Reads the arguments behind `search`. Throws `bad_request` that names the flag. */
export function parseSearchFlags(args: readonly string[], nowSeconds: number): SearchFlags {
  const { values, configArgs, positional } = splitArgs(args);
  const help = values.has('help') || values.has('h');
  const [query, extra] = positional;
  if (extra !== undefined) throw bad(`one query only, but there is also ${JSON.stringify(extra)}: put the query in single quotes`);
  if (query === undefined && !help) throw bad('no query');
  const tenants = values.get('tenant')?.split('|');
  for (const tenant of tenants ?? []) {
    const problem = tenantIdProblem(tenant);
    if (problem !== undefined) throw bad(`--tenant: ${problem}`);
  }
  return {
    help,
    query: query ?? '',
    bucket: values.get('bucket') ?? '',
    configArgs,
    tenants,
    ...parseRange(values, nowSeconds),
    limit: count(values, 'limit', 20, 1_000_000),
    spansPerSpanset: count(values, 'spss', 3, 1_000_000),
    json: values.has('json'),
    explain: values.has('explain'),
    explainedBlocks: count(values, 'explain-blocks', 10, 1000),
    spans: values.has('spans'),
    progress: values.has('progress'),
    concurrency: count(values, 'concurrency', 4, 64),
  };
}

function splitArgs(args: readonly string[]) {
  const values: Values = new Map();
  const configArgs: string[] = [];
  const positional: string[] = [];
  for (let index = 0; index < args.length; index++) {
    const arg = args[index]!;
    const match = /^--?([a-z][^=]*)(?:=(.*))?$/s.exec(arg);
    if (match === null) {
      if (arg === '--') positional.push(...args.slice(index + 1));
      else positional.push(arg);
      if (arg === '--') break;
      continue;
    }
    const name = match[1]!;
    const next = () => {
      const value = match[2] ?? args[++index];
      if (value === undefined) throw bad(`--${name} needs a value`);
      return value;
    };
    if (switches.includes(name)) {
      if (match[2] !== undefined && match[2] !== 'true') throw bad(`--${name} takes no value`);
      values.set(name, 'true');
    } else if (withValue.includes(name)) values.set(name, next());
    else if (name === 'config.file') configArgs.push(`-config.file=${next()}`);
    else if (match[2] !== undefined) configArgs.push(arg);
    else throw bad(`unknown flag ${arg}; flags of the configuration are written -flag=value`);
  }
  return { values, configArgs, positional };
}

function count(values: Values, name: string, fallback: number, max: number): number {
  const text = values.get(name);
  if (text === undefined) return fallback;
  const value = /^[0-9]{1,7}$/.test(text) ? Number(text) : 0;
  if (value < 1 || value > max) throw bad(`--${name} must be a number from 1 to ${max}`);
  return value;
}

function parseRange(values: Values, nowSeconds: number): Pick<SearchFlags, 'startSeconds' | 'endSeconds'> {
  const since = values.get('since');
  if (since !== undefined) {
    if (values.has('start') || values.has('end')) throw bad('--since does not go with --start and --end');
    const nanos = named('since', () => parsePrometheusDuration(since));
    return { startSeconds: Math.max(1, nowSeconds - Number(nanos / second)), endSeconds: nowSeconds };
  }
  const startSeconds = time(values, 'start');
  const endSeconds = time(values, 'end');
  if ((startSeconds ?? 0) >= (endSeconds ?? nowSeconds)) throw bad('--start must be before --end, and before now');
  return { startSeconds, endSeconds };
}

function time(values: Values, name: string): number | undefined {
  const text = values.get(name);
  if (text === undefined) return undefined;
  const seconds = Number(named(name, () => parseFlexibleTime(text)) / second);
  if (seconds < 1 || seconds > maxSeconds) throw bad(`--${name} is out of range`);
  return seconds;
}

function named<Value>(name: string, parse: () => Value): Value {
  try {
    return parse();
  } catch (thrown) {
    throw new AppError('bad_request', `--${name}: ${toAppError(thrown).message}`, { cause: thrown });
  }
}
