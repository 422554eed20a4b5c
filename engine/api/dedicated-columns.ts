import { AppError } from '#engine/base/errors.ts';

/** A dedicated attribute column of a block (spec blocks §2.1). Order decides the spare column. */
export interface DedicatedColumn {
  readonly scope: 'span' | 'resource' | 'event';
  readonly name: string;
  readonly type: 'string' | 'int';
  /** `array` and `blob`, vParquet5 only. */
  readonly options: readonly ('array' | 'blob')[];
}

/** Scopes, types and options by their number (options: by bit) in protobuf and in `dc`. */
const scopes = ['span', 'resource', 'event'] as const;
const types = ['string', 'int'] as const;
const options = ['array', 'blob'] as const;

type Fields = Readonly<Record<string, unknown>>;

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isOneOf<Choice extends string>(choices: readonly Choice[], value: unknown): value is Choice {
  return choices.some((choice) => choice === value);
}

function nameOf(value: unknown): string {
  if (typeof value !== 'string' || value === '') throw new AppError('bad_request', 'a dedicated column needs a name');
  return value;
}

function fromMeta(entry: unknown): DedicatedColumn {
  if (!isFields(entry)) throw new AppError('bad_request', 'a dedicated column must be a JSON object');
  const { s: scope = 'span', n: name, t: type = 'string', o: wanted = [] } = entry;
  if (!isOneOf(scopes, scope)) throw new AppError('bad_request', `unsupported dedicated column scope '${String(scope)}'`);
  if (!isOneOf(types, type)) throw new AppError('bad_request', `unsupported dedicated column type '${String(type)}'`);
  if (!Array.isArray(wanted)) throw new AppError('bad_request', 'options of a dedicated column must be a list');
  const known = wanted.map((option: unknown) => {
    if (!isOneOf(options, option)) throw new AppError('bad_request', `unsupported dedicated column option '${String(option)}'`);
    return option;
  });
  return { scope, name: nameOf(name), type, options: known };
}

/**
 * Dedicated columns of a meta.json (`[{"s":"resource","n":"ip","t":"int","o":["blob"]}]`), given as the parsed value; absent is none
 * (spec blocks §2.1). Throws `bad_request` on an unknown scope, type or option.
 */
export function dedicatedColumnsFromMeta(value: unknown): readonly DedicatedColumn[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw new AppError('bad_request', 'dedicatedColumns must be a list');
  return value.map(fromMeta);
}

/** The meta.json spelling, as a value for JSON.stringify; members with their default are left out. */
export function dedicatedColumnsToMeta(columns: readonly DedicatedColumn[]): readonly Fields[] {
  return columns.map((column) => ({
    ...(column.scope === 'span' ? {} : { s: column.scope }),
    n: column.name,
    ...(column.type === 'string' ? {} : { t: column.type }),
    ...(column.options.length === 0 ? {} : { o: column.options }),
  }));
}

function enumMember<Choice extends string>(choices: readonly Choice[], value: unknown, what: string): Choice {
  const choice = typeof value === 'number' ? choices[value] : undefined;
  if (choice === undefined) throw new AppError('bad_request', `unknown ${what} ${JSON.stringify(value)}`);
  return choice;
}

function fromParameter(entry: unknown): DedicatedColumn {
  if (!isFields(entry)) throw new AppError('bad_request', 'every entry must be an object');
  const { scope = 0, name, type = 0, options: mask = 0 } = entry;
  if (typeof mask !== 'number' || !Number.isInteger(mask) || mask < 0 || mask >= 1 << options.length) {
    throw new AppError('bad_request', `unknown options ${JSON.stringify(mask)}`);
  }
  return {
    scope: enumMember(scopes, scope, 'scope'),
    name: nameOf(name),
    type: enumMember(types, type, 'type'),
    options: options.filter((_, bit) => (mask & (1 << bit)) !== 0),
  };
}

/**
 * The query parameter `dc`: JSON with numeric enums and zero values omitted, `[{"scope":1,"name":"ip"}]` (spec serverless §2, blocks §2.1).
 * Throws `bad_request` `invalid dedicatedColumns '<text>': <reason>`. The reason is Go's where the text is no JSON.
 */
export function parseDedicatedColumnsParameter(text: string): readonly DedicatedColumn[] {
  try {
    const value = parseJson(text);
    if (value === null) return [];
    if (!Array.isArray(value)) throw new AppError('bad_request', 'a list is needed');
    return value.map(fromParameter);
  } catch (thrown) {
    const reason = thrown instanceof Error ? thrown.message : String(thrown);
    throw new AppError('bad_request', `invalid dedicatedColumns '${text}': ${reason}`, { cause: thrown });
  }
}

/** Prints the `dc` parameter, not yet escaped for a URL. */
export function printDedicatedColumnsParameter(columns: readonly DedicatedColumn[]): string {
  return JSON.stringify(
    columns.map((column) => {
      const scope = scopes.indexOf(column.scope);
      const type = types.indexOf(column.type);
      const mask = column.options.reduce((bits, option) => bits | (1 << options.indexOf(option)), 0);
      return { ...(scope && { scope }), name: column.name, ...(type && { type }), ...(mask && { options: mask }) };
    }),
  );
}

/** JSON.parse with Go's words for the commonest faults: a text that ends early and a character where a value or key should begin. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (thrown) {
    throw new AppError('bad_request', goJsonProblem(text) ?? (thrown instanceof Error ? thrown.message : 'no JSON'), { cause: thrown });
  }
}

function goJsonProblem(text: string): string | undefined {
  const start = text.trimStart();
  if (start === '') return 'unexpected end of JSON input';
  if (!/^["[{\-0-9tfn]/.test(start)) return `invalid character '${[...start][0]}' looking for beginning of value`;
  const afterBrace = /^\{\s*([^\s"}])/u.exec(start);
  if (afterBrace) return `invalid character '${afterBrace[1]}' looking for beginning of object key string`;
  return undefined;
}
