import { withoutOuterAnchors } from './anchors.ts';
import { createAutomaton, runAutomaton } from './automaton.ts';
import { commonLiterals, exactTexts } from './literals.ts';
import { parseRegexp } from './parse.ts';
import { compileProgram } from './program.ts';
import { invalidRegexp } from './reader.ts';

/** A compiled regular expression (spec traceql §4.5). Matching keeps scratch state: one match at a time. */
export interface Regexp {
  readonly pattern: string;
  /** Whether all of `bytes[start, end)`, UTF-8, matches `^(?s:pattern)$`. Linear in the length for every pattern. */
  readonly matches: (bytes: Uint8Array, start: number, end: number) => boolean;
  /** Bytes that every match contains: the longest such run that was found, or undefined. For ruling out data before anything is decoded. */
  readonly requiredLiteral: Uint8Array | undefined;
  /** Bytes that every match starts with; undefined when there are none. */
  readonly prefix: Uint8Array | undefined;
  /** All values that match, when they are at most 64 (`a|b|c`); undefined otherwise. */
  readonly exactLiterals: readonly Uint8Array[] | undefined;
}

/**
 * Compiles a pattern in Go's RE2 dialect. Throws AppError `bad_request` (``invalid regex: `pattern` ``) for what Go refuses, and for patterns whose
 * program is larger than engine/traceql/regexp/program.ts allows.
 */
export function compileRegexp(pattern: string): Regexp {
  const tree = withoutOuterAnchors(parseRegexp(pattern));
  const program = compileProgram(tree);
  const automaton = program && createAutomaton(program);
  if (automaton === undefined) throw invalidRegexp(pattern, 'expression too large');
  const { inner, prefix } = commonLiterals(tree);
  const texts = exactTexts(tree);
  return {
    pattern,
    matches: (bytes, start, end) => runAutomaton(automaton, bytes, start, end),
    requiredLiteral: inner === '' ? undefined : Buffer.from(inner),
    prefix: prefix === '' ? undefined : Buffer.from(prefix),
    exactLiterals: texts?.map((text) => Buffer.from(text)),
  };
}
