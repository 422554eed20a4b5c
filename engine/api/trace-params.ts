import { AppError } from '#engine/base/errors.ts';
import { decodeEscapes, parseForm, printForm } from './form.ts';
import { int64, parseBigInteger } from './integers.ts';

/** Where a lookup looks: in recent data (`ingesters`), in blocks, through another Tempo. */
export const traceModes = ['all', 'ingesters', 'blocks', 'external'] as const;
/** One of {@link traceModes}. */
export type TraceMode = (typeof traceModes)[number];

/** The parameters of a trace lookup besides the id (spec http-api §3.1). */
export interface TraceParams {
  readonly mode: TraceMode;
  /** Block ids to look at, both inclusive: 32 hex digits in lower case. */
  readonly blockStart: string;
  readonly blockEnd: string;
  /** Seconds since the epoch; only blocks of this time are looked at where both are given. 0 is not given. */
  readonly startSeconds: number;
  readonly endSeconds: number;
}

/** The least and the greatest block id. */
export const everyBlock = { blockStart: '0'.repeat(32), blockEnd: 'f'.repeat(32) } as const;

const idBytes = 16;
/** What stands before the id in a path. */
const marker = '/traces/';
const tooLong = "trace IDs can't be larger than 128 bits";

/**
 * The trace id at the end of a path with its percent escapes, as 16 bytes: hex of any case, short ids have zeros in front. Throws `bad_request`, for example
 * `trace IDs can only contain hex characters: invalid character 'x' at position 1`.
 */
export function parseTraceId(path: string): Uint8Array {
  const escaped = path.slice(path.indexOf(marker) + marker.length);
  const text = decodeEscapes(escaped) ?? escaped;
  let position = 1;
  for (const character of text) {
    if (!/^[0-9a-fA-F]$/.test(character)) {
      throw new AppError(
        'bad_request',
        `trace IDs can only contain hex characters: invalid character '${character}' at position ${position}`,
      );
    }
    position += Buffer.byteLength(character);
  }
  if (text.length > 2 * idBytes) throw new AppError('bad_request', tooLong);
  return Uint8Array.from(Buffer.from(text.padStart(2 * idBytes, '0'), 'hex'));
}

/** Reads the query string (without `?`) of a lookup. Throws `bad_request` with Tempo's texts. */
export function parseTraceParams(query: string): TraceParams {
  const form = parseForm(query);
  const modeText = form.get('mode') ?? '';
  const mode = modeText === '' ? 'all' : traceModes.find((known) => known === modeText);
  if (mode === undefined) throw new AppError('bad_request', `invalid value for mode ${modeText}`);
  const blockStart = parseUuid(form.get('blockStart') ?? '', 'blockstart') ?? everyBlock.blockStart;
  const blockEnd = parseUuid(form.get('blockEnd') ?? '', 'blockEnd') ?? everyBlock.blockEnd;
  const startSeconds = parseSeconds(form, 'start');
  const endSeconds = parseSeconds(form, 'end');
  if (startSeconds !== 0 && endSeconds !== 0 && endSeconds <= startSeconds) {
    throw new AppError('bad_request', `http parameter start must be before end. received start=${startSeconds} end=${endSeconds}`);
  }
  return { mode, blockStart, blockEnd, startSeconds, endSeconds };
}

/** A query string that {@link parseTraceParams} and a real querier read. */
export function printTraceParams({ mode, blockStart, blockEnd, startSeconds, endSeconds }: TraceParams): string {
  const pairs: [string, string][] = [
    ['mode', mode],
    ['blockStart', blockStart],
    ['blockEnd', blockEnd],
  ];
  if (startSeconds !== 0) pairs.push(['start', `${startSeconds}`]);
  if (endSeconds !== 0) pairs.push(['end', `${endSeconds}`]);
  return printForm(pairs);
}

function parseSeconds(form: ReadonlyMap<string, string>, name: 'start' | 'end'): number {
  const text = form.get(name) ?? '';
  if (text === '') return 0;
  try {
    return Number(parseBigInteger(text, int64));
  } catch (thrown) {
    throw new AppError('bad_request', `invalid ${name}: ${(thrown as Error).message}`, { cause: thrown });
  }
}

/** A UUID with or without dashes as 32 hex digits; undefined for ''. */
function parseUuid(text: string, name: string): string | undefined {
  if (text === '') return undefined;
  if (text.length !== 36 && text.length !== 32) {
    throw new AppError('bad_request', `invalid value for ${name}: invalid UUID length: ${Buffer.byteLength(text)}`);
  }
  const digits = text.length === 36 ? dashless(text) : text;
  if (!/^[0-9a-fA-F]{32}$/.test(digits)) throw new AppError('bad_request', `invalid value for ${name}: invalid UUID format`);
  return digits.toLowerCase();
}

function dashless(text: string): string {
  return /^.{8}-.{4}-.{4}-.{4}-.{12}$/.test(text) ? text.replaceAll('-', '') : '';
}
