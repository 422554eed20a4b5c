const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/** Decodes the escapes `%XX` of a path; bytes that are no UTF-8 become U+FFFD. Undefined when an escape is broken. */
export function decodeEscapes(text: string): string | undefined {
  if (!text.includes('%')) return text;
  if (/%(?![0-9a-fA-F]{2})/.test(text)) return undefined;
  const bytes = Buffer.from(text).toString('latin1');
  const decoded = bytes.replace(/%(..)/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)));
  return decoder.decode(Buffer.from(decoded, 'latin1'));
}

/** Decodes one part of a query string as Go does: `+` is a space, `%XX` a byte. */
function decodePart(text: string): string | undefined {
  return decodeEscapes(text.replaceAll('+', ' '));
}

/**
 * Reads a query string (without `?`) as Go's net/url does: the first value of a name wins; a pair with a broken escape or a `;` is dropped, the others
 * stay. Bytes that are no UTF-8 become U+FFFD. Never throws.
 */
export function parseForm(query: string): ReadonlyMap<string, string> {
  const form = new Map<string, string>();
  for (const pair of query.split('&')) {
    if (pair === '' || pair.includes(';')) continue;
    const equals = pair.indexOf('=');
    const name = decodePart(equals < 0 ? pair : pair.slice(0, equals));
    const value = decodePart(equals < 0 ? '' : pair.slice(equals + 1));
    if (name !== undefined && value !== undefined && !form.has(name)) form.set(name, value);
  }
  return form;
}

/** Escapes a text for a query string as Go's QueryEscape does: a space is `+`; letters, digits and `-_.~` stay. */
export function escapeForm(text: string): string {
  return encodeURIComponent(text.toWellFormed())
    .replace(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`)
    .replaceAll('%20', '+');
}

/** A query string of these pairs, in their order. */
export function printForm(pairs: readonly (readonly [name: string, value: string])[]): string {
  return pairs.map(([name, value]) => `${escapeForm(name)}=${escapeForm(value)}`).join('&');
}
