import { AppError } from '#engine/base/errors.ts';
import { type BlockId, blockId } from '#engine/base/units.ts';
import { parseDedicatedColumnsParameter, printDedicatedColumnsParameter } from './dedicated-columns.ts';
import { parseForm, printForm } from './form.ts';
import { int32, parseInteger, uint32, uint53 } from './integers.ts';
import { invalidUnless, jobLimits, type ParamFlavour, parseSearchForm, searchPairs } from './search-params.ts';
import type { BlockPart, SearchBlockRequest } from './search-request.ts';

type Form = ReadonlyMap<string, string>;

/** Page encodings of `v2` blocks; a function refuses a job that names none of them although parquet has no use for it (spec serverless §2). */
const encodings = ['none', 'gzip', 'lz4-64k', 'lz4-256k', 'lz4-1M', 'lz4', 'snappy', 'zstd', 's2'];

/** A required number; its error is `invalid <name> <text>: <reason>`. */
function required(form: Form, name: string, range: typeof int32): number {
  const text = form.get(name) ?? '';
  return invalidUnless(`${name} ${text}`, () => parseInteger(text, range));
}

function parseBlockId(form: Form): BlockId {
  const text = form.get('blockID') ?? '';
  const id = blockId(text);
  if (id !== undefined) return id;
  throw new AppError(
    'bad_request',
    `invalid blockID: ${text.length === 36 ? 'invalid UUID format' : `invalid UUID length: ${text.length}`}`,
  );
}

function parsePages(form: Form): Pick<BlockPart, 'startPage' | 'pagesToSearch'> {
  const pagesToSearch = required(form, 'pagesToSearch', int32);
  if (pagesToSearch <= 0) throw new AppError('bad_request', `pagesToSearch must be greater than 0. received: ${pagesToSearch}`);
  const startPage = required(form, 'startPage', int32);
  if (startPage < 0) throw new AppError('bad_request', `startPage must be non-negative. received: ${startPage}`);
  return { startPage, pagesToSearch };
}

/** What only a function asks for: the `v2` format's members, which parquet leaves at `none` and 0. */
function checkEncoding(form: Form): void {
  const encoding = form.get('encoding') ?? '';
  if (!encodings.some((known) => known.toLowerCase() === encoding.toLowerCase())) {
    throw new AppError('bad_request', `invalid encoding: ${encoding}, supported: ${encodings.join(', ')}`);
  }
  required(form, 'indexPageSize', int32);
}

/** The block part of a job on any endpoint (search, tags, tag values, metrics); errors in the words of spec serverless §2. */
export function parseBlockPart(form: Form, flavour: ParamFlavour): BlockPart {
  const id = parseBlockId(form);
  const pages = parsePages(form);
  const sizeBytes = required(form, 'size', uint53);
  if (flavour === 'serverless') checkEncoding(form);
  const totalRecords = required(form, 'totalRecords', int32);
  if (totalRecords <= 0) throw new AppError('bad_request', `totalRecords must be greater than 0. received ${totalRecords}`);
  const version = form.get('version') ?? '';
  if (version === '') throw new AppError('bad_request', 'version required');
  const footerBytes = required(form, 'footerSize', uint32);
  const dedicated = form.get('dc') ?? '';
  return {
    blockId: id,
    version,
    sizeBytes,
    footerBytes,
    totalRecords,
    ...pages,
    dedicatedColumns: dedicated === '' ? [] : parseDedicatedColumnsParameter(dedicated),
  };
}

/** True for a job over a block; without `blockID` a job is about recent data (spec read-path §3.2). */
export function isBlockJob(form: Form): boolean {
  return (form.get('blockID') ?? '') !== '';
}

/**
 * Reads the query string (without `?`) of a search over a part of a block: `/querier/api/search?blockID=…`, or a call of a function (flavour
 * `serverless`: 2.7's texts, and `encoding` and `indexPageSize` are required). `limit` and `spss` are filled in with 20 and 3. Throws `bad_request`
 * with the texts of spec serverless §2, without their prefix `serverless [parsing search request]: `.
 */
export function parseSearchBlockParams(query: string, flavour: ParamFlavour): SearchBlockRequest {
  const form = parseForm(query);
  const request = parseSearchForm(form, jobLimits, flavour);
  if (request.endSeconds === 0) throw new AppError('bad_request', 'start and end required');
  return { ...request, block: parseBlockPart(form, flavour) };
}

/** `maxBytes` of a function call, the tenant's largest trace; 0 is none (spec serverless §2). Throws `bad_request` `invalid maxBytes: …`. */
export function parseMaxBytes(query: string): number {
  const text = parseForm(query).get('maxBytes') ?? '';
  return text === '' ? 0 : invalidUnless('maxBytes', () => parseInteger(text, int32));
}

/**
 * The parameters of a block part, in Tempo's order. A real querier and tempo-serverless insist on `encoding` and `indexPageSize`; `dataEncoding`, which 2.7 has
 * too, nobody needs but who calls functions sends it (spec read-path §9.3).
 */
export function blockPairs(block: BlockPart, flavour: ParamFlavour = 'tempo'): readonly (readonly [string, string])[] {
  const pairs: [string, string][] = [
    ['blockID', block.blockId],
    ['pagesToSearch', `${block.pagesToSearch}`],
    ['size', `${block.sizeBytes}`],
    ['startPage', `${block.startPage}`],
    ['encoding', 'none'],
    ['indexPageSize', '0'],
    ['totalRecords', `${block.totalRecords}`],
  ];
  if (flavour === 'serverless') pairs.push(['dataEncoding', '']);
  pairs.push(['version', block.version], ['footerSize', `${block.footerBytes}`]);
  if (block.dedicatedColumns.length > 0) pairs.push(['dc', printDedicatedColumnsParameter(block.dedicatedColumns)]);
  return pairs;
}

/**
 * The query string of a job over a block, as {@link parseSearchBlockParams}, a real 2.7.2 or 3.0.3 querier and tempo-serverless read it. `maxBytes` is sent to
 * functions only; give 0 for "no maximum".
 */
export function printSearchBlockParams(request: SearchBlockRequest, maxBytes?: number): string {
  if (maxBytes === undefined) return printForm([...searchPairs(request), ...blockPairs(request.block)]);
  return printForm([...searchPairs(request), ...blockPairs(request.block, 'serverless'), ['maxBytes', `${maxBytes}`]]);
}
