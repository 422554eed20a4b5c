const escapes: Readonly<Record<string, string>> = {
  '\u0007': '\\a',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
  '\\': '\\\\',
  '"': '\\"',
};

/** What Go counts as printable beyond ASCII: letters, marks, numbers, punctuation, symbols. A text: as a pattern it would take a millisecond of every start. */
const printableSource = '^[\\p{L}\\p{M}\\p{N}\\p{P}\\p{S}]$';
let printable: RegExp | undefined;

function isPrintable(character: string): boolean {
  printable ??= new RegExp(printableSource, 'u');
  return printable.test(character);
}

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, '0');
}

/** A text in double quotes with Go's escapes (`strconv.Quote`, the verb %q), as Tempo's messages show what they could not read. */
export function goQuote(text: string): string {
  let quoted = '"';
  for (const character of text) {
    const known = escapes[character];
    const code = character.codePointAt(0)!;
    if (known !== undefined) quoted += known;
    else if (code < 0x20 || code === 0x7f) quoted += `\\x${hex(code, 2)}`;
    else if (code < 0x7f || isPrintable(character)) quoted += character;
    else quoted += code < 0x10000 ? `\\u${hex(code, 4)}` : `\\U${hex(code, 8)}`;
  }
  return `${quoted}"`;
}
