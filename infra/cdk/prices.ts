/** Dollars of one GB-second in us-east-1, first tier (2026); other regions differ by some per cent. */
const gbSecondDollars = { arm64: 0.0000133334, x86_64: 0.0000166667 };
/** Dollars of one call. */
export const callDollars = 0.2 / 1_000_000;

/** Dollars of one millisecond of one instance. */
export function millisecondDollars(memoryMb: number, architecture: 'arm64' | 'x86_64'): number {
  return (gbSecondDollars[architecture] * memoryMb) / 1024 / 1000;
}
