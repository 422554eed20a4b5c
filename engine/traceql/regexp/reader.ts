import { AppError } from '#engine/base/errors.ts';

/** A pattern and how far it is read. */
export interface PatternReader {
  readonly pattern: string;
  /** Index of the next UTF-16 unit. */
  at: number;
}

/** The error for a pattern that RE2 refuses, in Tempo's words (spec traceql §3.5); the cause says what is wrong with it. */
export function invalidRegexp(pattern: string, reason: string): AppError {
  return new AppError('bad_request', `invalid regex: \`${pattern}\``, { cause: new Error(reason) });
}

/** Reads one code point, -1 at the end. Throws on half a surrogate pair: such a pattern is no Unicode text. */
export function readChar(reader: PatternReader): number {
  const codePoint = reader.pattern.codePointAt(reader.at);
  if (codePoint === undefined) return -1;
  if (codePoint >= 0xd800 && codePoint < 0xe000) throw invalidRegexp(reader.pattern, 'invalid UTF-8');
  reader.at += codePoint >= 0x10000 ? 2 : 1;
  return codePoint;
}

/** Whether the unread part starts with this text. */
export function isNext(reader: PatternReader, text: string): boolean {
  return reader.pattern.startsWith(text, reader.at);
}

/** Skips this text if it is next, and says whether it was. */
export function skip(reader: PatternReader, text: string): boolean {
  if (!isNext(reader, text)) return false;
  reader.at += text.length;
  return true;
}
