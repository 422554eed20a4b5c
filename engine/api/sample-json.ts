import { jsonDouble } from './fragments.ts';
import { intervalMs, type MetricsGrid } from './metrics-series.ts';

/** Writes the samples of series as JSON. Most of an answer is samples, so they are bytes from the start: texts that become bytes cost four times as much. */
export interface SampleWriter {
  /** Bytes that the samples of one series take at most. */
  readonly maxBytes: number;
  /** Writes them with commas between, and returns where they end: `at` where there is none. Needs `maxBytes` of room. */
  readonly write: (values: Float64Array, out: Uint8Array, at: number) => number;
}

const valueMember = ',"value":';
/** A double in digits. */
const maxDigits = 25;
const smallInts = 1e9;
/** Copying by words may write so many bytes more. */
const overrun = 3;

interface Texts {
  readonly bytes: Buffer;
  readonly view: DataView;
  /** Where each begins, and where the last ends. */
  readonly starts: Uint32Array;
}

function joined(texts: readonly string[]): Texts {
  const starts = new Uint32Array(texts.length + 1);
  texts.forEach(({ length }, i) => {
    starts[i + 1] = starts[i] + length;
  });
  const bytes = Buffer.from(`${texts.join('')}${' '.repeat(overrun)}`);
  return { bytes, view: viewOf(bytes), starts };
}

function viewOf({ buffer, byteOffset, byteLength }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset, byteLength);
}

/** For series on this grid. */
export function createSampleWriter(grid: MetricsGrid): SampleWriter {
  const beginnings = Array.from({ length: grid.count }, (_, i) => `{"timestampMs":"${intervalMs(grid, i)}"`);
  const zeros = joined(beginnings.map((beginning) => `${beginning}},`));
  const others = joined(beginnings.map((beginning) => beginning + valueMember));
  const write = (values: Float64Array, out: Uint8Array, from: number): number => {
    const view = viewOf(out);
    let at = from;
    for (let i = 0; i < values.length; ) {
      const value = values[i];
      if (Number.isNaN(value)) {
        i++;
      } else if (value === 0) {
        const first = i;
        while (i < values.length && values[i] === 0) i++;
        at = copyTexts(zeros, first, i, out, view, at);
      } else {
        at = writeNumber(value, out, copyTexts(others, i, i + 1, out, view, at));
        out[at++] = 0x7d; // }
        out[at++] = 0x2c; // ,
        i++;
      }
    }
    return at === from ? from : at - 1;
  };
  return { maxBytes: others.bytes.length + grid.count * (maxDigits + 2), write };
}

/** Below this a loop is cheaper than a call. */
const fewBytes = 128;

/** Copies neighbouring texts and returns where they end. */
function copyTexts({ bytes, view: from, starts }: Texts, first: number, end: number, out: Uint8Array, to: DataView, at: number): number {
  const start = starts[first];
  const length = starts[end] - start;
  if (length > fewBytes) out.set(bytes.subarray(start, start + length), at);
  else for (let i = 0; i < length; i += 4) to.setInt32(at + i, from.getInt32(start + i, true), true);
  return at + length;
}

function writeNumber(value: number, out: Uint8Array, at: number): number {
  if (value > 0 && value < smallInts && value === (value | 0)) {
    let end = at + 1;
    for (let rest = value; rest >= 10; rest = (rest / 10) | 0) end++;
    for (let rest = value | 0, i = end - 1; i >= at; i--, rest = (rest / 10) | 0) out[i] = 0x30 + (rest % 10);
    return end;
  }
  const digits = jsonDouble(value);
  for (let i = 0; i < digits.length; i++) out[at + i] = digits.charCodeAt(i);
  return at + digits.length;
}
