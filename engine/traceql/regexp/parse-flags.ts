import { invalidRegexp, type PatternReader, readChar, skip } from './reader.ts';

/** What `(?ims)` turns on. Greediness (`U`) does not change whether a whole value matches, so it is not kept. */
export interface Flags {
  readonly ignoreCase: boolean;
  readonly multiLine: boolean;
  readonly dotMatchesNewline: boolean;
}

/** What an opening parenthesis means: a group, or only new flags for the rest of the group it stands in. */
export interface GroupStart {
  readonly opens: boolean;
  readonly isCapture: boolean;
  readonly flags: Flags;
}

/** Reads `(`, `(?P<name>`, `(?<name>`, `(?flags:` or `(?flags)`. Throws `bad_request` for everything else that starts with `(?`. */
export function parseGroupStart(reader: PatternReader, flags: Flags): GroupStart {
  if (!skip(reader, '(?')) {
    reader.at++;
    return { opens: true, isCapture: true, flags };
  }
  const rest = reader.pattern.slice(reader.at, reader.at + 3);
  const nameStart = rest.startsWith('P<') ? 2 : rest.startsWith('<') ? 1 : 0;
  if (nameStart > 0 && rest.length > nameStart) {
    reader.at += nameStart;
    readName(reader);
    return { opens: true, isCapture: true, flags };
  }
  return parseFlags(reader, flags);
}

function readName(reader: PatternReader): void {
  const end = reader.pattern.indexOf('>', reader.at);
  const name = end < 0 ? '' : reader.pattern.slice(reader.at, end);
  if (!/^\w+$/.test(name)) throw invalidRegexp(reader.pattern, 'invalid named capture');
  reader.at = end + 1;
}

function parseFlags(reader: PatternReader, outer: Flags): GroupStart {
  const start = reader.at;
  let flags = outer;
  let turnsOn = true;
  let isComplete = true;
  for (;;) {
    const codePoint = readChar(reader);
    const char = codePoint < 0 ? '' : String.fromCodePoint(codePoint);
    if (char === 'i') flags = { ...flags, ignoreCase: turnsOn };
    else if (char === 'm') flags = { ...flags, multiLine: turnsOn };
    else if (char === 's') flags = { ...flags, dotMatchesNewline: turnsOn };
    else if (char === '-' && turnsOn) turnsOn = false;
    else if ((char === ':' || char === ')') && isComplete) return { opens: char === ':', isCapture: false, flags };
    else if (char !== 'U')
      throw invalidRegexp(reader.pattern, `invalid or unsupported Perl syntax: (?${reader.pattern.slice(start, reader.at)}`);
    // A minus must be followed by a flag.
    isComplete = char !== '-';
  }
}
