/** What stands at the start of a text that begins with a digit, or with a dot and a digit. `problem` is the scanner's first complaint. */
export interface ScannedNumber {
  readonly end: number;
  readonly float: boolean;
  readonly problem?: string;
}

const literalNames: Readonly<Record<string, string>> = {
  x: 'hexadecimal literal',
  o: 'octal literal',
  '0': 'octal literal',
  b: 'binary literal',
};
const bases: Readonly<Record<string, number>> = { x: 16, o: 8, '0': 8, b: 2 };
const decimalRun = /[0-9_]*/y;
const hexRun = /[0-9a-fA-F_]*/y;

function runAt(pattern: RegExp, text: string, offset: number): string {
  pattern.lastIndex = offset;
  return pattern.exec(text)![0];
}

/** True when each underscore stands between digits, or between the base prefix and a digit. */
function separatorsAreFine(literal: string): boolean {
  const digits = literal.replace(/^0[xob]/i, '0');
  return !(/^0x/i.test(literal) ? /_(?![0-9a-f])|(?<![0-9a-f])_/i : /_(?![0-9])|(?<![0-9])_/).test(digits);
}

/** Scans the longest number as Go's text scanner does, with the same complaints (spec traceql §1.2). */
export function scanNumber(text: string, start: number): ScannedNumber {
  let offset = start;
  let problem: string | undefined;
  const complain = (words: string): void => {
    problem ??= words;
  };
  const lower = () => text.charAt(offset).toLowerCase();
  let prefix = '';
  let digits = '';
  if (text[offset] === '0') {
    offset++;
    prefix = ['x', 'o', 'b'].includes(lower()) ? lower() : '0';
    if (prefix === '0') digits = '0';
    else offset++;
  }
  const base = bases[prefix] ?? 10;
  const run = base === 16 ? hexRun : decimalRun;
  const literalName = literalNames[prefix] ?? 'decimal literal';
  const readDigits = (): void => {
    const more = runAt(run, text, offset);
    offset += more.length;
    digits += more;
  };
  readDigits();
  let float = false;
  if (text[offset] === '.') {
    float = true;
    offset++;
    if (prefix === 'o' || prefix === 'b') complain(`invalid radix point in ${literalName}`);
    readDigits();
  }
  if (!/[0-9a-fA-F]/.test(digits)) complain(`${literalName} has no digits`);
  const exponent = lower();
  if (exponent === 'e' || exponent === 'p') {
    if (exponent === 'e' && prefix !== '' && prefix !== '0') complain(`'${text[offset]}' exponent requires decimal mantissa`);
    if (exponent === 'p' && prefix !== 'x') complain(`'${text[offset]}' exponent requires hexadecimal mantissa`);
    float = true;
    offset++;
    if (text[offset] === '+' || text[offset] === '-') offset++;
    const power = runAt(decimalRun, text, offset);
    offset += power.length;
    if (!/[0-9]/.test(power)) complain('exponent has no digits');
  } else if (prefix === 'x' && float) {
    complain("hexadecimal mantissa requires a 'p' exponent");
  }
  const invalid = base < 10 ? digits.match(base === 8 ? /[89]/ : /[2-9]/)?.[0] : undefined;
  if (!float && invalid !== undefined) complain(`invalid digit '${invalid}' in ${literalName}`);
  const literal = text.slice(start, offset);
  if (literal.includes('_') && !separatorsAreFine(literal)) complain("'_' must separate successive digits");
  return problem === undefined ? { end: offset, float } : { end: offset, float, problem };
}

const maxInt64 = 2n ** 63n - 1n;

/** The value of a scanned integer, or Go's words why it is none: only decimal digits within 64 bits count (spec traceql §1.2). */
export function integerValue(literal: string): bigint | string {
  if (!/^[0-9]+$/.test(literal)) return `strconv.Atoi: parsing "${literal}": invalid syntax`;
  const significant = literal.replace(/^0+(?=.)/, '');
  const value = significant.length > 19 ? undefined : BigInt(significant);
  if (value === undefined || value > maxInt64) return `strconv.Atoi: parsing "${literal}": value out of range`;
  return value;
}

/** Mantissa times a power of two, exact while the mantissa has at most 53 bits. */
function hexFloatValue(literal: string): number {
  const [mantissa, power] = literal.slice(2).toLowerCase().split('p') as [string, string];
  const [whole, fraction = ''] = mantissa.split('.') as [string, string?];
  return Number(`0x0${whole}${fraction}`) * 2 ** (Number(power) - 4 * fraction.length);
}

/** The value of a scanned float, or Go's words why it is none (spec traceql §1.2). */
export function floatValue(literal: string): number | string {
  const plain = literal.replaceAll('_', '');
  const value = /^0x/i.test(plain) ? hexFloatValue(plain) : Number(plain);
  if (!Number.isFinite(value)) return `strconv.ParseFloat: parsing "${literal}": value out of range`;
  return value;
}
