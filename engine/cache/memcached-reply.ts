/** A whole reply in memcached's text protocol: values by key, or the line that says how a command went. */
export type Reply =
  | { readonly kind: 'values'; readonly values: ReadonlyMap<string, Uint8Array> }
  | { readonly kind: 'line'; readonly line: string };

/** Longest line that a server sends: a key of 250 bytes and some numbers. */
const maxLineBytes = 2048;
/** No server is set up for longer values. */
const maxValueBytes = 1024 * 1024 * 1024;

/**
 * Takes the bytes of a connection as they come; returns the reply with the chunk that completes it. Values are copied once, into memory of their own. Throws
 * for what is no reply, and for bytes behind a reply.
 */
export function createReplyParser(): (chunk: Buffer) => Reply | undefined {
  let line = '';
  let values = new Map<string, Uint8Array>();
  /** The value that is being received, with the line end behind it. */
  let value: { readonly key: string; readonly bytes: Buffer; filled: number } | undefined;

  const finish = (reply: Reply): Reply => {
    line = '';
    values = new Map();
    return reply;
  };
  const takeLine = (): Reply | undefined => {
    const whole = line.slice(0, -2);
    line = '';
    const match = /^VALUE (\S+) \d+ (\d+)(?: \d+)?$/.exec(whole);
    if (match !== null) {
      const length = Number(match[2]);
      if (length > maxValueBytes) throw new Error(`a value of ${length} bytes`);
      value = { key: match[1]!, bytes: Buffer.allocUnsafeSlow(length + 2), filled: 0 };
      return undefined;
    }
    if (whole === 'END') return finish({ kind: 'values', values });
    if (values.size > 0) throw new Error(`${JSON.stringify(whole)} among values`);
    return finish({ kind: 'line', line: whole });
  };
  return (chunk) => {
    let reply: Reply | undefined;
    for (let at = 0; at < chunk.length; ) {
      if (reply !== undefined) throw new Error('more than one reply to a request');
      if (value !== undefined) {
        const copied = chunk.copy(value.bytes, value.filled, at);
        at += copied;
        value.filled += copied;
        if (value.filled < value.bytes.length) continue;
        const length = value.filled - 2;
        if (value.bytes[length] !== 13 || value.bytes[length + 1] !== 10)
          throw new Error(`the value of ${value.key} is longer than announced`);
        values.set(value.key, new Uint8Array(value.bytes.buffer, value.bytes.byteOffset, length));
        value = undefined;
        continue;
      }
      const end = chunk.indexOf(10, at);
      line += chunk.toString('latin1', at, end < 0 ? chunk.length : end + 1);
      if (line.length > maxLineBytes) throw new Error('a line without end');
      at = end < 0 ? chunk.length : end + 1;
      if (end >= 0) reply = takeLine();
    }
    return reply;
  };
}
