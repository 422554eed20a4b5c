import { AppError } from '#engine/base/errors.ts';

/**
 * Walks JSON bytes without building objects: finds where values end and which members an object has. Checks quotes, brackets and separators, but not the
 * spelling of numbers and words inside values that are only passed over.
 */
export interface JsonScanner {
  readonly bytes: Uint8Array;
  at: number;
}

const quote = 0x22;
const backslash = 0x5c;
const comma = 0x2c;
const colon = 0x3a;
const openBrace = 0x7b;
const closeBrace = 0x7d;
const openBracket = 0x5b;
const closeBracket = 0x5d;
/** Deeper values than any answer has; a bound for damaged ones. */
const maxDepth = 64;

function malformed(scanner: JsonScanner, wanted: string): AppError {
  const { bytes, at } = scanner;
  const found = at >= bytes.length ? 'the end' : JSON.stringify(String.fromCharCode(bytes[at]!));
  return new AppError('internal', `malformed JSON: ${wanted} expected at byte ${at}, found ${found}`);
}

/** Moves past blanks and returns the byte there, -1 at the end. */
export function peek(scanner: JsonScanner): number {
  const { bytes } = scanner;
  let { at } = scanner;
  while (at < bytes.length && (bytes[at] === 0x20 || (bytes[at]! >= 0x09 && bytes[at]! <= 0x0d))) at++;
  scanner.at = at;
  return at < bytes.length ? bytes[at]! : -1;
}

function expectByte(scanner: JsonScanner, byte: number): void {
  if (peek(scanner) !== byte) throw malformed(scanner, `'${String.fromCharCode(byte)}'`);
  scanner.at++;
}

/** Index behind the closing quote of a string that starts at `at`; -1 where there is none. */
function endOfString(bytes: Uint8Array, at: number): number {
  for (let index = at + 1; index < bytes.length; index++) {
    const byte = bytes[index]!;
    if (byte === quote) return index + 1;
    if (byte === backslash) index++;
  }
  return -1;
}

/** Moves past a string. */
function skipString(scanner: JsonScanner): void {
  const end = endOfString(scanner.bytes, scanner.at);
  if (end < 0 || end > scanner.bytes.length) {
    scanner.at = scanner.bytes.length;
    throw malformed(scanner, 'a closing quote');
  }
  scanner.at = end;
}

/** Moves past an object or array, brackets checked. */
function skipNested(scanner: JsonScanner): void {
  const { bytes } = scanner;
  const closers = new Uint8Array(maxDepth);
  let depth = 0;
  for (let at = scanner.at; at < bytes.length; at++) {
    const byte = bytes[at]!;
    if (byte === quote) {
      at = endOfString(bytes, at) - 1;
      if (at < 0) break;
    } else if (byte === openBrace || byte === openBracket) {
      if (depth === maxDepth) throw new AppError('internal', `malformed JSON: more than ${maxDepth} levels at byte ${at}`);
      closers[depth++] = byte + 2;
    } else if (byte === closeBrace || byte === closeBracket) {
      scanner.at = at;
      if (closers[--depth] !== byte) throw malformed(scanner, `'${String.fromCharCode(closers[depth]!)}'`);
      if (depth === 0) {
        scanner.at++;
        return;
      }
    }
  }
  scanner.at = bytes.length;
  throw malformed(scanner, 'a closing bracket');
}

/** Moves past any value. */
export function skipJson(scanner: JsonScanner): void {
  const first = peek(scanner);
  if (first === quote) skipString(scanner);
  else if (first === openBrace || first === openBracket) skipNested(scanner);
  else skipWord(scanner);
}

/** Moves past a number, true, false or null. */
function skipWord(scanner: JsonScanner): void {
  const { bytes } = scanner;
  const from = scanner.at;
  while (scanner.at < bytes.length && /[0-9A-Za-z+\-.]/.test(String.fromCharCode(bytes[scanner.at]!))) scanner.at++;
  if (scanner.at === from) throw malformed(scanner, 'a value');
}

/** The text between these bytes. */
export function textBetween(bytes: Uint8Array, from: number, to: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + from, to - from).toString();
}

/** Moves past a value and returns it parsed; for small ones. */
export function readJson(scanner: JsonScanner): unknown {
  peek(scanner);
  const from = scanner.at;
  skipJson(scanner);
  try {
    return JSON.parse(textBetween(scanner.bytes, from, scanner.at)) as unknown;
  } catch (thrown) {
    throw new AppError('internal', `malformed JSON: bad value at byte ${from}`, { cause: thrown });
  }
}

/** True when `name`, plain ASCII, stands at `[from, to)`. */
function isText(bytes: Uint8Array, from: number, to: number, name: string): boolean {
  if (to - from !== name.length) return false;
  for (let index = 0; index < name.length; index++) if (bytes[from + index] !== name.charCodeAt(index)) return false;
  return true;
}

/**
 * Walks an object: calls `onMember` with each member's index in `names`, -1 for others, at its value, which the callback must move past. The name of an
 * unknown member is `[nameFrom, nameTo)`.
 */
export function scanObject(
  scanner: JsonScanner,
  names: readonly string[],
  onMember: (index: number, nameFrom: number, nameTo: number) => void,
): void {
  expectByte(scanner, openBrace);
  if (peek(scanner) === closeBrace) {
    scanner.at++;
    return;
  }
  for (;;) {
    if (peek(scanner) !== quote) throw malformed(scanner, 'a member name');
    const from = scanner.at + 1;
    skipString(scanner);
    const to = scanner.at - 1;
    expectByte(scanner, colon);
    onMember(
      names.findIndex((name) => isText(scanner.bytes, from, to, name)),
      from,
      to,
    );
    const next = peek(scanner);
    if (next !== comma && next !== closeBrace) throw malformed(scanner, "',' or '}'");
    scanner.at++;
    if (next === closeBrace) return;
  }
}

/** Walks an array: calls `onItem` at each item, which it must move past. */
export function scanArray(scanner: JsonScanner, onItem: () => void): void {
  expectByte(scanner, openBracket);
  if (peek(scanner) === closeBracket) {
    scanner.at++;
    return;
  }
  for (;;) {
    onItem();
    const next = peek(scanner);
    if (next !== comma && next !== closeBracket) throw malformed(scanner, "',' or ']'");
    scanner.at++;
    if (next === closeBracket) return;
  }
}

/** Throws unless only blanks follow. */
export function expectEnd(scanner: JsonScanner): void {
  if (peek(scanner) !== -1) throw malformed(scanner, 'the end');
}
