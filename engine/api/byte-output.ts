/** Bytes that are written one after the other. */
export interface ByteOutput {
  /** Appends text as UTF-8. */
  readonly text: (text: string) => void;
  /** Appends what `write` puts from `at` on, `maxBytes` at most; it returns where that ends. */
  readonly bytes: (maxBytes: number, write: (out: Uint8Array, at: number) => number) => void;
  readonly finish: () => Uint8Array;
}

/** Most room that is taken at once. */
const maxRoom = 1 << 25;

/** `expectedBytes`: what it will be at most, if that is known. */
export function createByteOutput(expectedBytes: number): ByteOutput {
  const pieces: Uint8Array[] = [];
  let piece = Buffer.allocUnsafeSlow(Math.min(maxRoom, expectedBytes));
  let end = 0;
  let written = 0;
  const need = (sizeBytes: number): void => {
    if (end + sizeBytes <= piece.length) return;
    pieces.push(piece.subarray(0, end));
    // As much as there is already: buffers that stay empty cost no memory, but the garbage collector counts them in full and runs for them.
    written += end;
    piece = Buffer.allocUnsafeSlow(Math.max(sizeBytes, Math.min(maxRoom, written)));
    end = 0;
  };
  return {
    text: (text) => {
      need(3 * text.length);
      end += piece.write(text, end);
    },
    bytes: (maxBytes, write) => {
      need(maxBytes);
      end = write(piece, end);
    },
    finish: () => (pieces.length === 0 ? piece.subarray(0, end) : Buffer.concat([...pieces, piece.subarray(0, end)])),
  };
}
