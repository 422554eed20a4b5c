import { createLexer, nextToken } from './lex.ts';
import type { TokenKind } from './tokens.ts';

/** A token with its text, blanks before it included. */
interface Piece {
  readonly kind: TokenKind;
  readonly text: string;
}

const comparisons: ReadonlySet<TokenKind> = new Set<TokenKind>(['=', '!=', '=~', '!~', '<', '<=', '>', '>=']);
const connectors: ReadonlySet<TokenKind | undefined> = new Set<TokenKind | undefined>(['&&', '||']);
const openings: ReadonlySet<TokenKind | undefined> = new Set<TokenKind | undefined>(['{', '(', undefined]);
const closings: ReadonlySet<TokenKind | undefined> = new Set<TokenKind | undefined>(['}', ')', undefined]);
const literals: ReadonlySet<TokenKind | undefined> = new Set<TokenKind | undefined>([
  ...(['STRING', 'INTEGER', 'FLOAT', 'DURATION', '-', 'true', 'false', 'nil', 'ok', 'error', 'unset'] as const),
  ...(['unspecified', 'internal', 'server', 'client', 'producer', 'consumer'] as const),
]);

/**
 * Mends a filter that somebody is typing (spec traceql §9.3): what stands before the first `|` loses comparisons that have no constant yet, connectors that
 * connect nothing and empty parentheses, and gets the braces that are missing. Undefined where its words cannot be told apart.
 */
export function repairFilter(text: string): string | undefined {
  const first = firstStage(text);
  if (first === undefined) return undefined;
  let { pieces } = first;
  for (let before = -1; before !== pieces.length; ) {
    before = pieces.length;
    pieces = withoutLooseEnds(pieces);
  }
  const open = pieces.filter(({ kind }) => kind === '{').length - pieces.filter(({ kind }) => kind === '}').length;
  return pieces.map((piece) => piece.text).join('') + ' }'.repeat(Math.max(0, open)) + first.rest;
}

/** The tokens before the first `|`, and the text from there on. */
function firstStage(text: string): { readonly pieces: readonly Piece[]; readonly rest: string } | undefined {
  const lexer = createLexer(text);
  const pieces: Piece[] = [];
  try {
    for (let start = lexer.offset; ; start = lexer.offset) {
      const { kind } = nextToken(lexer);
      if (kind === '|' || kind === '$end') return { pieces, rest: kind === '|' ? text.slice(start) : '' };
      pieces.push({ kind, text: text.slice(start, lexer.offset) });
    }
  } catch {
    return undefined;
  }
}

function withoutLooseEnds(pieces: readonly Piece[]): readonly Piece[] {
  return pieces.filter(({ kind }, index) => {
    const before = pieces[index - 1]?.kind;
    const after = pieces[index + 1]?.kind;
    if (comparisons.has(kind)) return literals.has(after);
    if (connectors.has(kind)) return !openings.has(before) && !connectors.has(before) && !closings.has(after);
    if (kind === '(') return after !== ')';
    return kind !== ')' || before !== '(';
  });
}
