/** Decompresses a raw snappy block, a byte at a time. */
export function unsnapTwin(block: Uint8Array): Uint8Array {
  let at = 0;
  let size = 0;
  for (let shift = 0; ; shift += 7) {
    const byte = block[at++];
    size += (byte & 127) * 2 ** shift;
    if (byte < 128) break;
  }
  const out: number[] = [];
  const little = (count: number) => {
    let value = 0;
    for (let i = 0; i < count; i++) value += block[at++] * 256 ** i;
    return value;
  };
  while (at < block.length) {
    const tag = block[at++];
    const kind = tag & 3;
    if (kind === 0) {
      const short = tag >> 2;
      const length = 1 + (short < 60 ? short : little(short - 59));
      for (let i = 0; i < length; i++) out.push(block[at++]);
    } else {
      const length = kind === 1 ? ((tag >> 2) & 7) + 4 : (tag >> 2) + 1;
      const distance = kind === 1 ? (tag >> 5) * 256 + little(1) : little(kind === 2 ? 2 : 4);
      for (let i = 0; i < length; i++) out.push(out[out.length - distance]);
    }
  }
  if (out.length !== size) throw new Error('snappy size');
  return Uint8Array.from(out);
}
