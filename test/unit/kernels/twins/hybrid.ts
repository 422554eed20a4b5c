/** Reads `count` numbers of the RLE / bit-packed hybrid, bit by bit. */
export function readHybrid(bytes: Uint8Array, width: number, count: number): number[] {
  const out: number[] = [];
  if (width === 0) return Array.from({ length: count }, () => 0);
  let at = 0;
  while (out.length < count) {
    let head = 0;
    for (let shift = 0; ; shift += 7) {
      if (at >= bytes.length) throw new Error('runs end early');
      const byte = bytes[at++];
      head += (byte & 127) * 2 ** shift;
      if (byte < 128) break;
    }
    if (head % 2 === 0) {
      let value = 0;
      for (let i = 0; i < Math.ceil(width / 8); i++) value += bytes[at++] * 256 ** i;
      for (let i = 0; i < head / 2 && out.length < count; i++) out.push(value);
    } else {
      const groups = (head - 1) / 2;
      for (let i = 0; i < groups * 8 && out.length < count; i++) out.push(bitsAt(bytes, at * 8 + i * width, width));
      at += groups * width;
    }
  }
  return out;
}

function bitsAt(bytes: Uint8Array, bit: number, width: number): number {
  let value = 0;
  for (let i = 0; i < width; i++) value += ((bytes[(bit + i) >> 3] >> ((bit + i) & 7)) & 1) * 2 ** i;
  return value;
}
