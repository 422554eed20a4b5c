/** The run of characters of one kind that begins at an offset; '' for none. */
export type ReadRun = (text: string, offset: number) => string;

/** The first match of a sticky pattern at an offset; '' for none. */
export function matchAt(pattern: RegExp, text: string, offset: number): string {
  pattern.lastIndex = offset;
  return pattern.exec(text)?.[0] ?? '';
}

/**
 * Reads runs by a sticky pattern for ASCII and the source of one for all of Unicode. Queries are ASCII as a rule, and to make a pattern of all letters takes
 * longer than to read a query: it is made where a run goes on, or stops, with another character.
 */
function createRun(ascii: RegExp, unicodeSource: string): ReadRun {
  let unicode: RegExp | undefined;
  return (text, offset) => {
    const run = matchAt(ascii, text, offset);
    const next = text.charCodeAt(offset + run.length);
    if (!(next >= 0x80)) return run;
    unicode ??= new RegExp(unicodeSource, 'uy');
    return matchAt(unicode, text, offset);
  };
}

/** A keyword or the name of a scope or an intrinsic. */
export const readWord = createRun(/[a-zA-Z_][a-zA-Z0-9_]*/y, '[\\p{L}_][\\p{L}\\p{Nd}_]*');

/** What may follow a number to make it a duration. */
export const readDurationRun = createRun(/[0-9.nsumhdwy]*/y, '[\\p{Nd}.nsu\u00b5mhdwy]+');
