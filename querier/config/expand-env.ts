import { AppError } from '#engine/base/errors.ts';

/** Reads an environment variable; undefined where it is not set. */
export type Environment = (name: string) => string | undefined;

/**
 * Replaces `${…}` in a configuration file (spec config §1): `${X}`, `${X:-default}`, `${X:=default}`, `${X=default}` (unset or empty),
 * `${#X}`, `${X^^}`, `${X,,}`, `${X/a/b}`, `${X:offset:length}`; `$$` is `$`; `$X` without braces stays.
 * Throws AppError `config`: `missing closing brace`, or a text that names the expression.
 */
export function expandEnvironment(text: string, environment: Environment): string {
  let out = '';
  let at = 0;
  while (at < text.length) {
    const dollar = text.indexOf('$', at);
    if (dollar < 0) break;
    out += text.slice(at, dollar);
    const next = text[dollar + 1];
    if (next === '$') {
      out += '$';
      at = dollar + 2;
    } else if (next === '{') {
      const end = closingBrace(text, dollar + 2);
      out += expandOne(text.slice(dollar + 2, end), environment);
      at = end + 1;
    } else {
      out += '$';
      at = dollar + 1;
    }
  }
  return out + text.slice(at);
}

/** Offset of the brace that closes an expression; defaults may hold expressions themselves. */
function closingBrace(text: string, from: number): number {
  let depth = 1;
  for (let at = from; at < text.length; at++) {
    if (text[at] === '$' && text[at + 1] === '{') depth++;
    else if (text[at] === '}' && --depth === 0) return at;
  }
  throw new AppError('config', 'missing closing brace');
}

const expression = /^(#?)([A-Za-z_][A-Za-z0-9_]*)(.*)$/s;
const substring = /^:(-?\s*\d+)(?::(-?\d+))?$/;

function expandOne(inner: string, environment: Environment): string {
  const match = expression.exec(inner);
  if (match === null) throw new AppError('config', `unable to parse the variable name in \${${inner}}`);
  const [, hash, name, operation] = match as unknown as [string, string, string, string];
  const value = environment(name) ?? '';
  if (hash === '#') {
    if (operation !== '') throw new AppError('config', 'missing closing brace');
    return String([...value].length);
  }
  if (operation === '') return value;
  for (const assign of [':-', ':=', '=']) {
    if (operation.startsWith(assign)) return value === '' ? expandEnvironment(operation.slice(assign.length), environment) : value;
  }
  if (operation === '^^') return value.toUpperCase();
  if (operation === ',,') return value.toLowerCase();
  if (operation.startsWith('/')) return replaceText(value, operation.slice(1));
  const cut = substring.exec(operation);
  if (cut !== null) return slice(value, Number(cut[1]), cut[2] === undefined ? undefined : Number(cut[2]));
  throw new AppError('config', 'missing closing brace');
}

/** `a/b` replaces the first a by b, `/a/b` every a. */
function replaceText(value: string, operation: string): string {
  const all = operation.startsWith('/');
  const [from = '', to = ''] = (all ? operation.slice(1) : operation).split('/', 2);
  if (from === '') return value;
  return all ? value.replaceAll(from, () => to) : value.replace(from, () => to);
}

function slice(value: string, offset: number, length: number | undefined): string {
  const start = offset < 0 ? Math.max(value.length + offset, 0) : offset;
  if (length === undefined) return value.slice(start);
  return length < 0 ? value.slice(start, Math.max(start, value.length + length)) : value.slice(start, start + length);
}
