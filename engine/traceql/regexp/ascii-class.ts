import { type CharSet, charSetOf, negated } from './char-set.ts';

const digit = '09';
const upper = 'AZ';
const lower = 'az';
const word = `${digit}${upper}__${lower}`;

/** The classes of `\d`, `\s` and `\w`, by letter, as {@link pairs} reads them: ASCII only. */
const perlClasses: ReadonlyMap<string, string> = new Map([
  ['d', digit],
  ['s', '\t\n\f\r  '],
  ['w', word],
]);

const posixClasses: ReadonlyMap<string, string> = new Map([
  ['alnum', `${digit}${upper}${lower}`],
  ['alpha', `${upper}${lower}`],
  ['ascii', '\0\x7f'],
  ['blank', '\t\t  '],
  ['cntrl', '\0\x1f\x7f\x7f'],
  ['digit', digit],
  ['graph', '!~'],
  ['lower', lower],
  ['print', ' ~'],
  ['punct', '!/:@[`{~'],
  ['space', '\t\r  '],
  ['upper', upper],
  ['word', word],
  ['xdigit', `${digit}AFaf`],
]);

/** ASCII word characters, as `\b` means them. */
export const wordChars: CharSet = pairs(word);

/** A class as it stands in the pattern: its members, and whether it means all others (negation comes after case folding). */
export interface NamedClass {
  readonly set: CharSet;
  readonly isNegated: boolean;
}

/** The class that the letter after a backslash names (`d`, `D`, `s`, `S`, `w`, `W`); undefined for any other. */
export function perlClass(letter: string): NamedClass | undefined {
  const text = perlClasses.get(letter.toLowerCase());
  return text === undefined ? undefined : { set: pairs(text), isNegated: letter !== letter.toLowerCase() };
}

/** The class of `[:name:]` or `[:^name:]`, given what stands between the colons; undefined for an unknown name. */
export function posixClass(name: string): NamedClass | undefined {
  const isNegated = name.startsWith('^');
  const text = posixClasses.get(isNegated ? name.slice(1) : name);
  return text === undefined ? undefined : { set: pairs(text), isNegated };
}

/** The members of a class after negation. */
export function membersOf(named: NamedClass): CharSet {
  return named.isNegated ? negated(named.set) : named.set;
}

/** Reads `azAZ` as a-z and A-Z. */
function pairs(text: string): CharSet {
  const ranges: number[] = [];
  for (let i = 0; i < text.length; i += 2) ranges.push(text.charCodeAt(i), text.charCodeAt(i + 1) + 1);
  return charSetOf(ranges);
}
