import { gzipSync, zstdCompressSync } from 'node:zlib';

/** A protobuf message, built field by field; written here so that the decoder is not tested with its own reverse. */
export interface MessageBuilder {
  readonly varint: (field: number, value: number | bigint) => MessageBuilder;
  readonly bytes: (field: number, value: Uint8Array | string) => MessageBuilder;
  readonly raw: (...bytes: readonly number[]) => MessageBuilder;
  readonly build: () => Buffer;
}

/** An empty message. */
export function message(): MessageBuilder {
  const parts: number[] = [];
  const putVarint = (value: bigint): void => {
    let rest = BigInt.asUintN(64, value);
    for (; rest >= 0x80n; rest >>= 7n) parts.push(Number(rest & 0x7fn) | 0x80);
    parts.push(Number(rest));
  };
  const builder: MessageBuilder = {
    varint: (field, value) => {
      putVarint(BigInt(field * 8));
      putVarint(BigInt(value));
      return builder;
    },
    bytes: (field, value) => {
      const content = Buffer.from(value as string);
      putVarint(BigInt(field * 8 + 2));
      putVarint(BigInt(content.length));
      parts.push(...content);
      return builder;
    },
    raw: (...bytes) => {
      parts.push(...bytes);
      return builder;
    },
    build: () => Buffer.from(parts),
  };
  return builder;
}

/** A google.protobuf.Timestamp; whole seconds and nanoseconds. */
export function timestamp(seconds: number, nanos = 0): Buffer {
  const built = message().varint(1, seconds);
  return (nanos === 0 ? built : built.varint(2, nanos)).build();
}

/** A short BlockMeta message without counts, which tests add to. */
export function metaMessage(blockId: string, startSeconds: number, endSeconds: number): MessageBuilder {
  return message()
    .bytes(1, 'vParquet4')
    .bytes(2, Buffer.from(blockId.replaceAll('-', ''), 'hex'))
    .bytes(5, 'tenant')
    .bytes(6, timestamp(startSeconds))
    .bytes(7, timestamp(endSeconds));
}

/** Packs an index.pb.zst. */
export function packProtobuf(content: Uint8Array): Buffer {
  return zstdCompressSync(content);
}

/** Packs an index.json.gz. */
export function packJson(value: unknown): Buffer {
  return gzipSync(JSON.stringify(value));
}

/** A meta.json of the shortest kind. */
export function metaJson(blockId: string, changes: object = {}): object {
  return {
    format: 'vParquet4',
    blockID: blockId,
    tenantID: 'tenant',
    startTime: '2026-01-10T12:00:00Z',
    endTime: '2026-01-10T12:30:00Z',
    size: 1000,
    totalRecords: 1,
    ...changes,
  };
}
