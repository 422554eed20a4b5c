import { parseGoDuration, parsePrometheusDuration } from '#engine/base/duration.ts';
import { floatValue, integerValue, scanNumber } from './lex-number.ts';
import { matchAt, readDurationRun, readWord } from './lex-run.ts';
import { type ScannedString, scanAttributeName, scanQuoted, scanRaw } from './lex-string.ts';
import { parseError } from './syntax-error.ts';
import { attributeScopes, intrinsicScopes, keywords, operators, type Token, type TokenKind } from './tokens.ts';

const keywordSet: ReadonlySet<string> = new Set(keywords);
const operatorSet: ReadonlySet<string> = new Set([...operators, '.']);
const scopeSet: ReadonlySet<string> = new Set([...attributeScopes, ...intrinsicScopes]);
const attributeScopeSet: ReadonlySet<string> = new Set(attributeScopes);

const whitespace = /[ \t\r\n]*/y;
const byteOrderMark = '\ufeff';

/** A query being cut into tokens, one at a time, so that the first error in reading order is the one reported. */
export interface Lexer {
  readonly text: string;
  offset: number;
  /** Of the character before `offset`. */
  line: number;
  column: number;
  /** Up to where line and column have been counted. */
  counted: number;
  /** Where the last scan began; a name after a dot is reported there (spec traceql §3.4). */
  startLine: number;
  startColumn: number;
  /** What is read next: the name after a dot, after `parent.` perhaps a second scope, or the end of a name. */
  mode: 'token' | 'name' | 'parentName' | 'endName';
  readonly firstNul: number;
}

/** Starts reading a query. */
export function createLexer(text: string): Lexer {
  const offset = text.startsWith(byteOrderMark) ? 1 : 0;
  const place = { line: 1, column: 0, startLine: 1, startColumn: 0 };
  return { text, offset, counted: 0, ...place, mode: 'token', firstNul: text.indexOf('\0') };
}

/** Counts lines and columns up to an offset, and remembers it as the start of the token. */
function markStart(lexer: Lexer, offset: number): void {
  for (const character of lexer.text.slice(lexer.counted, offset)) {
    if (character === '\n') {
      lexer.line++;
      lexer.column = 0;
    } else lexer.column++;
  }
  lexer.counted = offset;
  lexer.startLine = lexer.line;
  lexer.startColumn = lexer.column + 1;
}

/** Skips whitespace and comments and marks the start of what follows. */
function skipBlank(lexer: Lexer): void {
  const { text } = lexer;
  for (;;) {
    lexer.offset += matchAt(whitespace, text, lexer.offset).length;
    if (text.startsWith('//', lexer.offset)) {
      const end = text.indexOf('\n', lexer.offset);
      lexer.offset = end < 0 ? text.length : end;
    } else if (text.startsWith('/*', lexer.offset)) {
      const end = text.indexOf('*/', lexer.offset + 2);
      if (end < 0) {
        markStart(lexer, lexer.offset);
        fail(lexer, text.length, 'comment not terminated');
      }
      lexer.offset = end + 2;
    } else break;
  }
  markStart(lexer, lexer.offset);
}

/** Throws the first complaint about what lies between the start of the token and `end`. */
function fail(lexer: Lexer, end: number, problem: string): never {
  checkNul(lexer, end);
  throw parseError({ line: lexer.startLine, column: lexer.startColumn }, problem);
}

/** The scanner reads one character ahead, and a NUL is refused wherever it stands. */
function checkNul(lexer: Lexer, end: number): void {
  if (lexer.firstNul >= 0 && lexer.firstNul <= end) {
    throw parseError({ line: lexer.startLine, column: lexer.startColumn }, 'invalid character NUL');
  }
}

/** Ends a token at an offset. `read` marks what is read past the first scan: such tokens have no line (spec traceql §3.4). */
function emit(lexer: Lexer, kind: TokenKind, end: number, text: string, options: { read?: boolean; value?: bigint | number } = {}): Token {
  checkNul(lexer, end);
  lexer.offset = end;
  if (options.read) lexer.startLine = 0;
  const token = { kind, text, line: lexer.startLine, column: lexer.startColumn };
  return options.value === undefined ? token : { ...token, value: options.value };
}

function lexNumber(lexer: Lexer): Token {
  const { text, offset } = lexer;
  const scanned = scanNumber(text, offset);
  if (scanned.problem !== undefined) fail(lexer, scanned.end, scanned.problem);
  const literal = text.slice(offset, scanned.end);
  const unit = readDurationRun(text, scanned.end);
  if (unit !== '') {
    const nanos = durationValue(literal + unit);
    if (nanos !== undefined) return emit(lexer, 'DURATION', scanned.end + unit.length, '', { read: true, value: nanos });
  }
  const value = scanned.float ? floatValue(literal) : integerValue(literal);
  if (typeof value === 'string') fail(lexer, scanned.end, value);
  return emit(lexer, scanned.float ? 'FLOAT' : 'INTEGER', scanned.end, '', { value });
}

/** Nanoseconds of either form (spec traceql §1.3), undefined when it is neither. */
function durationValue(text: string): bigint | undefined {
  for (const parse of [parsePrometheusDuration, parseGoDuration]) {
    try {
      return parse(text);
    } catch {
      // not of this form
    }
  }
  return undefined;
}

function lexWord(lexer: Lexer, text: string): Token {
  const end = lexer.offset + text.length;
  const scoped = text + lexer.text.charAt(end);
  if (scopeSet.has(scoped) && scoped !== text) {
    if (attributeScopeSet.has(scoped)) lexer.mode = scoped === 'parent.' ? 'parentName' : 'name';
    return emit(lexer, scoped as TokenKind, end + 1, scoped, { read: true });
  }
  return emit(lexer, keywordSet.has(text) ? (text as TokenKind) : 'IDENTIFIER', end, text);
}

/** The longest operator each of whose beginnings is an operator, except that a lone `&` is none (spec traceql §1.4). */
function lexOperator(lexer: Lexer): Token {
  const { text, offset } = lexer;
  const first = String.fromCodePoint(text.codePointAt(offset)!);
  let operator = first;
  while (operatorSet.has(operator + text.charAt(offset + operator.length)) && offset + operator.length < text.length) {
    operator += text.charAt(offset + operator.length);
  }
  const end = offset + operator.length;
  if (!operatorSet.has(operator)) return emit(lexer, 'IDENTIFIER', end, operator);
  if (operator === '.') lexer.mode = 'name';
  return emit(lexer, operator as TokenKind, end, operator, { read: operator.length > 1 });
}

/** What follows a dot: a second scope after `parent.`, a name, or straight away its end. */
function lexName(lexer: Lexer): Token {
  const { text, offset } = lexer;
  if (lexer.mode === 'parentName') {
    for (const scope of ['span.', 'resource.'] as const) {
      if (!text.startsWith(scope, offset)) continue;
      lexer.mode = 'name';
      return emit(lexer, scope, offset + scope.length, scope, { read: true });
    }
  }
  const name = scanAttributeName(text, offset);
  if ('problem' in name) {
    lexer.startLine = 0;
    checkNul(lexer, name.end);
    throw parseError({ line: 0, column: lexer.startColumn }, name.problem);
  }
  if (name.end === offset) return endName(lexer);
  lexer.mode = 'endName';
  return emit(lexer, 'IDENTIFIER', name.end, name.value, { read: true });
}

function endName(lexer: Lexer): Token {
  lexer.mode = 'token';
  return emit(lexer, 'END_ATTRIBUTE', lexer.offset, '');
}

function lexString(lexer: Lexer, kind: TokenKind, scanned: ScannedString): Token {
  if ('problem' in scanned) fail(lexer, scanned.end, scanned.problem);
  return emit(lexer, kind, scanned.end, scanned.value);
}

/**
 * Reads the next token; `$end` again and again after the last one. Throws `bad_request` with Tempo's texts
 * (`parse error at line 1, col 8: literal not terminated`; spec traceql §1, §3.4).
 */
export function nextToken(lexer: Lexer): Token {
  const { text } = lexer;
  if (lexer.mode === 'endName') return endName(lexer);
  if (lexer.mode !== 'token') return lexName(lexer);
  skipBlank(lexer);
  const { offset } = lexer;
  const character = text.charAt(offset);
  if (character === '') {
    if (text === '') lexer.startColumn = 0;
    return emit(lexer, '$end', offset, '');
  }
  if (character === '"') return lexString(lexer, 'STRING', scanQuoted(text, offset));
  if (character === '`') return lexString(lexer, 'STRING', scanRaw(text, offset));
  if (character === "'") return lexString(lexer, 'IDENTIFIER', scanQuoted(text, offset));
  if (/^\.?[0-9]/.test(text.slice(offset, offset + 2))) return lexNumber(lexer);
  const spelled = readWord(text, offset);
  return spelled === '' ? lexOperator(lexer) : lexWord(lexer, spelled);
}
