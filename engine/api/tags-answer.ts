import { isUtf8 } from 'node:buffer';

/** Names and values of tags on their way to a client (spec http-api §5). */

/**
 * A text as the bytes of its UTF-8, one character per byte. Blocks hold ids and broken texts too, and as bytes equal ones are equal and different ones different.
 */
export type ByteText = string;

/** Kinds of values; '' is what Tempo says of kinds of spans that a filter found. */
export type TagValueType = 'string' | 'int' | 'float' | 'bool' | 'duration' | 'keyword' | '';

/** A value of a tag. */
export interface TagValue {
  readonly type: TagValueType;
  readonly value: ByteText;
}

/** Scopes of tag names, in the order of answers. */
export const answeredScopes = ['intrinsic', 'resource', 'span', 'event', 'link', 'instrumentation'] as const;
/** One of {@link answeredScopes}. */
export type AnsweredScope = (typeof answeredScopes)[number];

/** Names found, by scope; scopes without any are absent. */
export interface TagNamesAnswer {
  readonly names: ReadonlyMap<AnsweredScope, ReadonlySet<ByteText>>;
  readonly inspectedBytes: number;
}

/** Values found, each once. */
export interface TagValuesAnswer {
  readonly values: readonly TagValue[];
  readonly inspectedBytes: number;
}

/** What `scope=intrinsic` lists, whatever the blocks hold (spec http-api §5.1). */
export const intrinsicTags: readonly string[] = [
  ...['duration', 'event:name', 'event:timeSinceStart', 'instrumentation:name', 'instrumentation:version', 'kind', 'link:spanID'],
  ...['link:traceID', 'name', 'rootName', 'rootServiceName', 'span:duration', 'span:id', 'span:kind', 'span:name', 'span:parentID'],
  ...['span:status', 'span:statusMessage', 'status', 'statusMessage', 'trace:duration', 'trace:id', 'trace:rootName'],
  ...['trace:rootService', 'traceDuration'],
];

/** A text as bytes. */
export function toByteText(text: string): ByteText {
  return Buffer.from(text, 'utf8').toString('latin1');
}

const ascii = /^[^\x80-\xff]*$/;

/** Bytes as a text, as Go's JSON has it: each byte that is no UTF-8 becomes U+FFFD. */
export function fromByteText(bytes: ByteText): string {
  if (ascii.test(bytes)) return bytes;
  const buffer = Buffer.from(bytes, 'latin1');
  if (isUtf8(buffer)) return buffer.toString('utf8');
  let text = '';
  for (let at = 0; at < buffer.length; ) {
    const length = characterLength(buffer, at);
    text += length === 0 ? '\ufffd' : buffer.toString('utf8', at, at + length);
    at += Math.max(1, length);
  }
  return text;
}

/** Bytes of the character that starts there; 0 where none does. */
function characterLength(buffer: Buffer, at: number): number {
  const first = buffer[at]!;
  const length = first < 0x80 ? 1 : first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  return at + length <= buffer.length && isUtf8(buffer.subarray(at, at + length)) ? length : 0;
}
