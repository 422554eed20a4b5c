import { varint } from './protobuf-wire.ts';

/** A streamed answer, encoded but for its outermost level. All of the service's answers have this shape (spec http-api §8, §9.1). */
export interface StreamedAnswer {
  /** Content of each element of field 1: a trace, name, value or series, without tag and length. */
  readonly items: readonly Uint8Array[];
  /** Content of field 2, metrics. */
  readonly metrics: Uint8Array;
  /** Why the answer is only a part: fields 3 (status PARTIAL) and 4 of metrics answers. */
  readonly partialMessage?: string;
}

/** Bytes that a length-delimited field with a number below 16 has beside its content. */
function overheadBytes(length: number): number {
  return 1 + varint(length).length;
}

/** Status, and tag and length of the message. */
const partialStatusBytes = 2 + 6;

/**
 * Cuts an answer into packets of at most `maxBytes` each, between items; each repeats the metrics, the last one has the partial message. An item that is larger than
 * that is a packet of its own. 0 is no limit. There is at least one packet.
 */
export function splitAnswer({ items, metrics, partialMessage }: StreamedAnswer, maxBytes: number): readonly StreamedAnswer[] {
  const endingBytes = partialMessage === undefined ? 0 : partialStatusBytes + Buffer.byteLength(partialMessage);
  const emptyBytes = overheadBytes(metrics.length) + metrics.length + endingBytes;
  const packets: StreamedAnswer[] = [];
  let from = 0;
  let sizeBytes = emptyBytes;
  for (const [index, item] of items.entries()) {
    const itemBytes = overheadBytes(item.length) + item.length;
    if (maxBytes > 0 && index > from && sizeBytes + itemBytes > maxBytes) {
      packets.push({ items: items.slice(from, index), metrics });
      from = index;
      sizeBytes = emptyBytes;
    }
    sizeBytes += itemBytes;
  }
  return [...packets, { items: items.slice(from), metrics, ...(partialMessage === undefined ? {} : { partialMessage }) }];
}
