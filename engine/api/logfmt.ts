import { AppError } from '#engine/base/errors.ts';

/** Reads one line of logfmt; positions in messages count bytes from 1 (spec http-api §4). */
interface Line {
  readonly text: string;
  at: number;
}

function syntaxError(line: Line, at: number, problem: string): AppError {
  return new AppError('bad_request', `${problem} at pos ${Buffer.byteLength(line.text.slice(0, at)) + 1}`);
}

/** Moves to the first character that is one of these or a blank, and returns what was passed. */
function take(line: Line, stop: RegExp): string {
  stop.lastIndex = line.at;
  const from = line.at;
  line.at = stop.exec(line.text)?.index ?? line.text.length;
  return line.text.slice(from, line.at);
}

const blank = (character: string) => character <= ' ';

function takeKey(line: Line): string {
  const key = take(line, /[="\0- ]/g);
  const next = line.text[line.at];
  if (next === '"' || (next === '=' && key === '')) throw syntaxError(line, line.at, `unexpected '${next}'`);
  if (key.includes('\ufffd')) throw syntaxError(line, line.at, 'invalid key');
  return key;
}

/** A value in quotes; the escapes are those of JSON and `\'`. */
function takeQuoted(line: Line): string {
  const body = /"((?:[^"\\]|\\.)*)"/sy;
  body.lastIndex = line.at;
  const match = body.exec(line.text);
  if (match === null) throw syntaxError(line, line.text.length, 'unterminated quoted value');
  line.at += match[0].length;
  const inside = match[1]!;
  if (!inside.includes('\\')) return inside;
  try {
    return JSON.parse(`"${inside.replace(/\\(.)/gs, (whole, character) => (character === "'" ? "'" : whole))}"`).toWellFormed();
  } catch (thrown) {
    throw new AppError('bad_request', syntaxError(line, line.at, 'invalid quoted value').message, { cause: thrown });
  }
}

function takeValue(line: Line): string {
  if (line.text[line.at] !== '=') return '';
  line.at++;
  if (line.text[line.at] === '"') return takeQuoted(line);
  const value = take(line, /[="\0- ]/g);
  const next = line.text[line.at];
  if (next === '=' || next === '"') throw syntaxError(line, line.at, `unexpected '${next}'`);
  return value;
}

/**
 * Tags in logfmt: `k=v k2="v 2" flag` (spec http-api §4). A key without value has the empty one. Throws `bad_request`:
 * `unexpected '=' at pos 3`, `unterminated quoted value at pos 5`, `invalid quoted value at pos 7`, `tag a has been set twice`.
 */
export function parseLogfmt(text: string): ReadonlyMap<string, string> {
  const tags = new Map<string, string>();
  for (const row of text.split('\n')) {
    const line: Line = { text: row, at: 0 };
    for (;;) {
      while (line.at < row.length && blank(row[line.at]!)) line.at++;
      if (line.at >= row.length) break;
      const key = takeKey(line);
      const value = takeValue(line);
      if (tags.has(key)) throw new AppError('bad_request', `tag ${key} has been set twice`);
      tags.set(key, value);
    }
  }
  return tags;
}

/** Prints tags so that {@link parseLogfmt} reads them back; keys come from there and need no quotes. */
export function printLogfmt(tags: ReadonlyMap<string, string>): string {
  return [...tags].map(([key, value]) => `${key}=${/[\0- "=\\\u007f\ufffd]/.test(value) ? JSON.stringify(value) : value}`).join(' ');
}
