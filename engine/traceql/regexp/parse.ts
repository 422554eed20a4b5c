import { foldedSet } from './case-folding.ts';
import { anyChar, type CharSet, negated, singleChar } from './char-set.ts';
import { parseBracketClass, parseCharEscape, parseClassEscape } from './parse-class.ts';
import { type Flags, parseGroupStart } from './parse-flags.ts';
import { invalidRegexp, type PatternReader, readChar, skip } from './reader.ts';
import {
  type Assertion,
  alternateNode,
  assertionNode,
  charsNode,
  concatNode,
  groupNode,
  type RegexpNode,
  repeatNode,
} from './syntax-tree.ts';

const maxRepeat = 1000;
const maxHeight = 1000;
/** Bounds of ranges in all classes together; as many as Go allows runes. */
const maxBounds = 8 << 20;
const notNewline = negated(singleChar(0x0a));
const escapedAssertions: ReadonlyMap<string, Assertion> = new Map([
  ['A', 'textStart'],
  ['b', 'wordBoundary'],
  ['B', 'notWordBoundary'],
  ['z', 'textEnd'],
]);

/** An open parenthesis, or the whole pattern: what is read of it so far. */
interface Frame {
  readonly isCapture: boolean;
  /** What holds again behind the closing parenthesis. */
  readonly outerFlags: Flags;
  readonly alternatives: RegexpNode[];
  parts: RegexpNode[];
}

interface Parser extends PatternReader {
  flags: Flags;
  readonly frames: Frame[];
  /** The last thing read was a repetition operator, which no other may follow. */
  afterRepeat: boolean;
  bounds: number;
  readonly classes: Map<string, CharSet>;
}

/**
 * Reads a pattern in Go's RE2 dialect (regexp/syntax with the Perl flags), with `.` matching newlines from the start (spec traceql §4.5).
 * Throws `bad_request` for what Go refuses.
 */
export function parseRegexp(pattern: string): RegexpNode {
  const flags: Flags = { ignoreCase: false, multiLine: false, dotMatchesNewline: true };
  const parser: Parser = { pattern, at: 0, flags, frames: [], afterRepeat: false, bounds: 0, classes: new Map() };
  parser.frames.push({ isCapture: false, outerFlags: flags, alternatives: [], parts: [] });
  while (parser.at < pattern.length) {
    const start = parser.at;
    const isRepeat = parseRepetition(parser);
    if (!isRepeat) parseItem(parser, pattern[start]);
    parser.afterRepeat = isRepeat;
  }
  if (parser.frames.length > 1) throw invalidRegexp(pattern, 'missing closing )');
  const node = closeFrame(parser.frames[0]);
  checkHeight(parser, node);
  return node;
}

function parseItem(parser: Parser, char: string): void {
  const { flags } = parser;
  switch (char) {
    case '(':
      openGroup(parser);
      break;
    case ')':
      closeGroup(parser);
      break;
    case '|':
      parser.at++;
      startAlternative(topFrame(parser));
      break;
    case '^':
      parser.at++;
      push(parser, assertionNode(flags.multiLine ? 'lineStart' : 'textStart'));
      break;
    case '$':
      parser.at++;
      push(parser, assertionNode(flags.multiLine ? 'lineEnd' : 'textEnd'));
      break;
    case '.':
      parser.at++;
      push(parser, charsNode(flags.dotMatchesNewline ? anyChar : notNewline));
      break;
    case '[':
      push(parser, charsNode(sharedClass(parser, () => parseBracketClass(parser, flags.ignoreCase))!));
      break;
    case '\\':
      parseEscape(parser);
      break;
    default:
      pushLiteral(parser, readChar(parser));
  }
}

function startAlternative(frame: Frame): void {
  frame.alternatives.push(concatNode(frame.parts));
  frame.parts = [];
}

function parseEscape(parser: Parser): void {
  const assertion = escapedAssertions.get(parser.pattern[parser.at + 1] ?? '');
  if (assertion !== undefined) {
    parser.at += 2;
    push(parser, assertionNode(assertion));
  } else if (skip(parser, '\\Q')) {
    const end = parser.pattern.indexOf('\\E', parser.at);
    const stop = end < 0 ? parser.pattern.length : end;
    while (parser.at < stop) pushLiteral(parser, readChar(parser));
    skip(parser, '\\E');
  } else {
    const set = sharedClass(parser, () => parseClassEscape(parser, parser.flags.ignoreCase));
    if (set !== undefined) push(parser, charsNode(set));
    else pushLiteral(parser, parseCharEscape(parser));
  }
}

/** Reads a class; equal text gives the same object, so that a repeated large class costs nothing. */
function sharedClass(parser: Parser, parse: () => CharSet | undefined): CharSet | undefined {
  const start = parser.at;
  const set = parse();
  if (set === undefined) return undefined;
  const key = `${parser.flags.ignoreCase ? 'i' : ''}${parser.pattern.slice(start, parser.at)}`;
  const known = parser.classes.get(key);
  if (known !== undefined) return known;
  parser.classes.set(key, set);
  parser.bounds += set.length;
  if (parser.bounds > maxBounds) throw invalidRegexp(parser.pattern, 'expression too large');
  return set;
}

function openGroup(parser: Parser): void {
  const outerFlags = parser.flags;
  const start = parseGroupStart(parser, outerFlags);
  parser.flags = start.flags;
  if (!start.opens) return;
  parser.frames.push({ isCapture: start.isCapture, outerFlags, alternatives: [], parts: [] });
}

function closeGroup(parser: Parser): void {
  if (parser.frames.length === 1) throw invalidRegexp(parser.pattern, 'unexpected )');
  const frame = parser.frames.pop()!;
  const body = closeFrame(frame);
  parser.flags = frame.outerFlags;
  parser.at++;
  push(parser, frame.isCapture ? groupNode(body) : body);
}

function closeFrame(frame: Frame): RegexpNode {
  return alternateNode([...frame.alternatives, concatNode(frame.parts)]);
}

/** Reads `*`, `+`, `?` or `{n,m}` with a lazy mark, and applies it to what stands before. False when none is next: `{` may be a literal. */
function parseRepetition(parser: Parser): boolean {
  const range = readCounts(parser);
  if (range === undefined) return false;
  skip(parser, '?');
  const [min, max] = range;
  if (parser.afterRepeat) throw invalidRegexp(parser.pattern, 'invalid nested repetition operator');
  const { parts } = topFrame(parser);
  const body = parts.pop();
  if (body === undefined) throw invalidRegexp(parser.pattern, 'missing argument to repetition operator');
  const node = repeatNode(body, min, max);
  const count = Number.isFinite(max) ? max : min;
  if (count >= 2 && !repeatsFit(node, maxRepeat)) throw invalidRegexp(parser.pattern, 'invalid repeat count');
  push(parser, node);
  return true;
}

function readCounts(parser: Parser): readonly [number, number] | undefined {
  if (skip(parser, '*')) return [0, Number.POSITIVE_INFINITY];
  if (skip(parser, '+')) return [1, Number.POSITIVE_INFINITY];
  if (skip(parser, '?')) return [0, 1];
  const braces = /\{(0|[1-9][0-9]*)(,(0|[1-9][0-9]*)?)?\}/y;
  braces.lastIndex = parser.at;
  const match = braces.exec(parser.pattern);
  if (match === null) return undefined;
  parser.at = braces.lastIndex;
  const min = Number(match[1]);
  const max = match[2] === undefined ? min : match[3] === undefined ? Number.POSITIVE_INFINITY : Number(match[3]);
  if (min > maxRepeat || (max !== Number.POSITIVE_INFINITY && max > maxRepeat) || min > max) {
    throw invalidRegexp(parser.pattern, 'invalid repeat count');
  }
  return [min, max];
}

/** Whether nested counts multiply to at most `limit`. `*`, `+` and `?` do not count. */
function repeatsFit(node: RegexpNode, limit: number): boolean {
  switch (node.kind) {
    case 'repeat': {
      if (node.max === 0) return true;
      const count = Number.isFinite(node.max) ? node.max : node.min;
      if (count > limit) return false;
      return repeatsFit(node.body, count > 0 ? Math.floor(limit / count) : limit);
    }
    case 'group':
      return repeatsFit(node.body, limit);
    case 'concat':
    case 'alternate':
      return node.parts.every((part) => repeatsFit(part, limit));
    default:
      return true;
  }
}

function pushLiteral(parser: Parser, codePoint: number): void {
  const set = singleChar(codePoint);
  push(parser, charsNode(parser.flags.ignoreCase ? foldedSet(set) : set));
}

function push(parser: Parser, node: RegexpNode): void {
  checkHeight(parser, node);
  topFrame(parser).parts.push(node);
}

function checkHeight(parser: Parser, node: RegexpNode): void {
  if (node.height > maxHeight) throw invalidRegexp(parser.pattern, 'expression nests too deeply');
}

function topFrame(parser: Parser): Frame {
  return parser.frames[parser.frames.length - 1];
}
