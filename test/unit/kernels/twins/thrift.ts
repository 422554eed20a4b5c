/** A value of Thrift's compact protocol; structures are maps from field id to value. */
export type ThriftValue = boolean | bigint | Uint8Array | readonly ThriftValue[] | ThriftStruct;
/** A structure: field id to value. */
export type ThriftStruct = ReadonlyMap<number, ThriftValue>;

/** Reads one structure in the compact protocol from `offset` on, and tells where it ends. */
export function readThriftStruct(bytes: Uint8Array, offset: number): { readonly value: ThriftStruct; readonly end: number } {
  let at = offset;

  function varint(): bigint {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes[at++];
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return value;
    }
  }

  function zigzag(): bigint {
    const value = varint();
    return (value >> 1n) ^ -(value & 1n);
  }

  function element(type: number): ThriftValue {
    if (type === 1 || type === 2) return bytes[at++] === 1;
    return read(type);
  }

  function read(type: number): ThriftValue {
    if (type === 1 || type === 2) return type === 1;
    if (type === 3) return BigInt(bytes[at++]);
    if (type >= 4 && type <= 6) return zigzag();
    if (type === 8) {
      const length = Number(varint());
      at += length;
      return bytes.subarray(at - length, at);
    }
    if (type === 9) {
      const head = bytes[at++];
      const length = head >> 4 === 15 ? Number(varint()) : head >> 4;
      return Array.from({ length }, () => element(head & 15));
    }
    if (type === 12) return struct();
    throw new Error(`thrift type ${type}`);
  }

  function struct(): ThriftStruct {
    const fields = new Map<number, ThriftValue>();
    for (let id = 0; ; ) {
      const head = bytes[at++];
      if (head === 0) return fields;
      id = head >> 4 ? id + (head >> 4) : Number(zigzag());
      fields.set(id, read(head & 15));
    }
  }

  const value = struct();
  return { value, end: at };
}
