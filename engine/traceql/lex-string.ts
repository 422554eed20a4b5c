/** A quoted literal: its end (exclusive), and its value or the scanner's complaint. */
export type ScannedString = { readonly end: number; readonly value: string } | { readonly end: number; readonly problem: string };

const simpleEscapes: Readonly<Record<string, number>> = { a: 7, b: 8, f: 12, n: 10, r: 13, t: 9, v: 11, '\\': 92 };
const numericEscapes: Readonly<Record<string, RegExp>> = {
  x: /x[0-9a-fA-F]{2}/y,
  u: /u[0-9a-fA-F]{4}/y,
  U: /U[0-9a-fA-F]{8}/y,
};
const octalEscape = /[0-7]{3}/y;
const plainRun = /[^"'\\\n]+/y;

function matchAt(pattern: RegExp, text: string, offset: number): string | undefined {
  pattern.lastIndex = offset;
  return pattern.exec(text)?.[0];
}

/** The text or byte that an escape stands for, with its length after the backslash; undefined for none, 'invalid' out of range. */
function escapeAt(text: string, offset: number, quote: string): { length: number; value: string | number | 'invalid' } | undefined {
  const letter = text.charAt(offset);
  if (letter === quote) return { length: 1, value: quote };
  const simple = simpleEscapes[letter];
  if (simple !== undefined) return { length: 1, value: simple };
  const octal = matchAt(octalEscape, text, offset);
  if (octal !== undefined) {
    const byte = Number.parseInt(octal, 8);
    return { length: 3, value: byte > 255 ? 'invalid' : byte };
  }
  const pattern = numericEscapes[letter];
  const numeric = pattern && matchAt(pattern, text, offset);
  if (numeric === undefined) return undefined;
  const code = Number.parseInt(numeric.slice(1), 16);
  if (letter === 'x') return { length: numeric.length, value: code };
  const scalar = code <= 0x10ffff && (code < 0xd800 || code > 0xdfff);
  return { length: numeric.length, value: scalar ? String.fromCodePoint(code) : 'invalid' };
}

/**
 * Scans `"…"` (or `'…'`, whose length must be one character) from the opening quote on, as Go does: `literal not terminated`,
 * `invalid char escape`, `invalid char literal`, `invalid syntax` (spec traceql §1.2). Bytes given by `\x` and octal escapes are UTF-8.
 */
export function scanQuoted(text: string, start: number): ScannedString {
  const quote = text[start]!;
  const parts: Buffer[] = [];
  let invalid = false;
  let characters = 0;
  let offset = start + 1;
  while (text[offset] !== quote) {
    const character = text[offset];
    if (character === undefined || character === '\n') return { end: offset, problem: 'literal not terminated' };
    if (character !== '\\') {
      const plain = matchAt(plainRun, text, offset) ?? character;
      parts.push(Buffer.from(plain));
      offset += plain.length;
      for (const _ of plain) characters++;
      continue;
    }
    const escaped = escapeAt(text, offset + 1, quote);
    if (escaped === undefined) return { end: offset + 1, problem: 'invalid char escape' };
    if (escaped.value === 'invalid') invalid = true;
    else parts.push(typeof escaped.value === 'number' ? Buffer.of(escaped.value) : Buffer.from(escaped.value));
    offset += 1 + escaped.length;
    characters++;
  }
  const end = offset + 1;
  if (quote === "'") return characters === 1 ? { end, value: text.slice(start, end) } : { end, problem: 'invalid char literal' };
  return invalid ? { end, problem: 'invalid syntax' } : { end, value: Buffer.concat(parts).toString('utf8') };
}

/** Scans a raw string from its opening backtick on: no escapes, carriage returns dropped (spec traceql §1.2). */
export function scanRaw(text: string, start: number): ScannedString {
  const close = text.indexOf('`', start + 1);
  if (close < 0) return { end: text.length, problem: 'literal not terminated' };
  return { end: close + 1, value: text.slice(start + 1, close).replaceAll('\r', '') };
}

/** Unicode's White_Space (spelled out: to ask for it by name takes longer than to read a query), and what else ends a name that is not quoted. */
const nameEnds = '\\t-\\r \\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000{}()=~!<>&|^,';
const unquotedRun = new RegExp(`[^${nameEnds}"]+`, 'y');
const quotedRun = /[^"\\]+/y;

/**
 * Scans an attribute's name, which may mix unquoted and quoted parts: `invalid escape sequence`, `unexpected EOF, expecting "`
 * (spec traceql §1.6). An end equal to the start means that there is no name.
 */
export function scanAttributeName(text: string, start: number): ScannedString {
  let offset = start;
  let value = '';
  for (;;) {
    const plain = matchAt(unquotedRun, text, offset);
    if (plain !== undefined) {
      value += plain;
      offset += plain.length;
    }
    if (text[offset] !== '"') return { end: offset, value };
    offset++;
    while (text[offset] !== '"') {
      if (offset >= text.length) return { end: offset, problem: 'unexpected EOF, expecting "' };
      const part = matchAt(quotedRun, text, offset);
      if (part !== undefined) {
        value += part;
        offset += part.length;
        continue;
      }
      const escaped = text.charAt(offset + 1);
      if (escaped === '') return { end: text.length, problem: 'unexpected EOF, expecting "' };
      if (escaped !== '"' && escaped !== '\\') return { end: offset + 1, problem: 'invalid escape sequence' };
      value += escaped;
      offset += 2;
    }
    offset++;
  }
}

/** True when a name cannot be written unquoted, because it holds a character that ends a name (spec traceql §1.6, §3.3). */
export function endsName(name: string): boolean {
  return new RegExp(`[${nameEnds}]`).test(name);
}
