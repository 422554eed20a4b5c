import type { SeededRandom } from '../corruption/random.ts';
import { words } from './random-traces.ts';

/** Chance with some attributes that a query names again and again; perhaps none. */
type QueryRandom = SeededRandom & { readonly names: readonly string[] };

/** A query over the words of `random-traces.ts`, as text. Not all of them validate. */
export function randomQuery(seeded: SeededRandom): string {
  const names = Array.from({ length: seeded.pick([0, 0, 1, 2]) }, () => anyAttribute(seeded));
  const random: QueryRandom = { ...seeded, names };
  const hints = random.below(10) === 0 ? ' with(most_recent=true)' : '';
  const dice = random.below(20);
  if (dice === 0) return `(${pipeline(random)}) ${random.pick(operators)} (${pipeline(random)})${hints}`;
  if (dice === 1) return `${filter(random)} | rate() by (${reference(random)})`;
  return pipeline(random) + hints;
}

const operators = ['&&', '||', '>', '<', '>>', '<<', '~', '!>', '!<', '!>>', '!<<', '!~', '&>', '&<', '&>>', '&<<', '&~'];

function pipeline(random: QueryRandom): string {
  const first = random.below(8) === 0 ? stage(random) : spansets(random, random.below(5) === 0 ? 2 : random.below(3) === 0 ? 1 : 0);
  return [first, ...Array.from({ length: random.pick([0, 0, 0, 1, 1, 2, 3]) }, () => stage(random))].join(' | ');
}

function spansets(random: QueryRandom, depth: number): string {
  if (depth === 0) return filter(random);
  return `(${spansets(random, depth - 1)} ${random.pick(operators)} ${spansets(random, random.below(depth))})`;
}

function filter(random: QueryRandom): string {
  const dice = random.below(12);
  if (dice === 0) return '{ }';
  if (dice === 1) return `{ ${Array.from({ length: 2 + random.below(2) }, () => childLeaf(random)).join(' && ')} }`;
  return `{ ${expression(random, random.pick([0, 0, 1, 1, 2]))} }`;
}

function stage(random: QueryRandom): string {
  switch (random.below(7)) {
    case 0:
      return `by(${random.below(4) === 0 ? value(random) : random.below(6) === 0 ? expression(random, 0) : reference(random)})`;
    case 1:
      return `select(${reference(random)}, ${reference(random)})`;
    case 2:
      return `count() ${comparison(random)} ${1 + random.below(4)}`;
    case 3:
      return `${random.pick(['min', 'max', 'sum', 'avg'])}(${numericValue(random)}) ${comparison(random)} ${random.pick(['0', '1', '1.5', '2ms', '-1', '500ms'])}`;
    case 4:
      return 'coalesce()';
    default:
      return random.below(3) === 0 ? spansets(random, 1) : filter(random);
  }
}

function comparison(random: QueryRandom): string {
  return random.pick(['=', '!=', '<', '<=', '>', '>=']);
}

function expression(random: QueryRandom, depth: number): string {
  if (depth > 0) {
    const inner = () => expression(random, random.below(depth));
    const dice = random.below(8);
    if (dice === 0) return `!(${inner()})`;
    return `(${inner()}) ${random.pick(['&&', '||'])} (${inner()})`;
  }
  switch (random.below(14)) {
    case 0:
      return `${scalarReference(random)} ${comparison(random)} ${reference(random)}`;
    case 1:
      return `${numericValue(random)} ${comparison(random)} ${number(random)}`;
    case 2:
      return random.pick(['', '', '!', '!!']) + random.pick(['.flag', 'span.flag', '.a', 'span.arr', 'event.a', 'resource.a']);
    case 3:
      return `(${leaf(random)}) ${random.pick(['=', '!='])} ${random.pick(['true', 'false', '.flag'])}`;
    case 4:
      return `!(${random.pick(['.n + span.a', '-.a', '.a + resource.a', '!.flag', '.flag && .a'])})`;
    case 5:
    case 6:
      return childLeaf(random);
    default:
      return leaf(random);
  }
}

function leaf(random: QueryRandom): string {
  if (random.below(3) === 0) return intrinsicLeaf(random);
  return attributeLeaf(random, attribute(random));
}

function attributeLeaf(random: QueryRandom, name: string): string {
  const dice = random.below(10);
  if (dice === 0) return `${name} ${random.pick(['=', '!='])} nil`;
  if (dice === 1) return `${name} ${random.pick(['=~', '!~'])} ${quote(random.pick(patterns))}`;
  if (dice === 2) return `${literal(random)} ${comparison(random)} ${name}`;
  if (/flag/.test(name) && dice < 7) return `${name} ${random.pick(['=', '!='])} ${random.pick(['true', 'false'])}`;
  return `${name} ${comparison(random)} ${literal(random)}`;
}

function childLeaf(random: QueryRandom): string {
  const scope = random.pick(['event', 'event', 'link'] as const);
  if (random.below(3) === 0) {
    if (scope === 'link')
      return `${random.pick(['link:traceID', 'link:spanID'])} ${random.pick(['=', '!='])} ${quote(random.pick(['ab', '00000000000000ab', '1', 'ab00000000000001', 'ffeeddccbbaa99887766554433221100']))}`;
    if (random.below(2) === 0) return `event:timeSinceStart ${comparison(random)} ${random.pick(['0s', '1ms', '1', '-1ms'])}`;
    return `event:name ${random.pick(['=', '!=', '<', '>='])} ${quote(random.pick(words.events))}`;
  }
  return attributeLeaf(random, `${scope}.${random.pick([...words.scalarKeys[scope], ...words.wideKeys[scope]])}`);
}

const patterns = ['x|y', '.*', '[xyz]', 'G.T', '', 'x.y', '.+', 'p(r|s)od', 'é.*'];

function intrinsicLeaf(random: QueryRandom): string {
  const equal = random.pick(['=', '!=']);
  switch (random.below(14)) {
    case 0:
      return `name ${random.pick(['=', '!=', '<', '>'])} ${quote(random.pick(words.names))}`;
    case 1:
      return `name ${random.pick(['=~', '!~'])} ${quote(random.pick(['.*GET.*', 'db.*', 'root|né', '']))}`;
    case 2:
      return `status ${equal} ${random.pick(['error', 'ok', 'unset'])}`;
    case 3:
      return `kind ${equal} ${random.pick(['server', 'client', 'unspecified'])}`;
    case 4:
      return `${random.pick(['duration', 'traceDuration'])} ${comparison(random)} ${random.pick(['1ms', '500ms', '0.5s', '1500000000', '1e9', '0s', '1s'])}`;
    case 5:
      return `statusMessage ${random.pick(['=', '!=', '>'])} ${quote(random.pick(words.messages))}`;
    case 6:
      return `span:childCount ${comparison(random)} ${random.below(3)}`;
    case 7:
      return `rootName ${equal} ${quote(random.pick(words.names))}`;
    case 8:
      return `rootServiceName ${equal} ${quote(random.pick(words.services))}`;
    case 9:
      return `${random.pick(['span:id', 'span:parentID'])} ${random.pick(['=', '!=', '>'])} ${quote(random.pick(['0000000000000001', 'ab00000000000001', '1', '2', '102', '0000000000000102', '0000000000000000', '0']))}`;
    case 10:
      return `${random.pick(['nestedSetLeft', 'nestedSetRight', 'nestedSetParent'])} ${comparison(random)} ${random.pick(['0', '1', '2', '-1', '4'])}`;
    case 11:
      return `instrumentation:${random.pick(['name', 'version'])} ${random.pick(['=', '!=', '<'])} ${quote(random.pick([...words.scopes, '1.0']))}`;
    case 12:
      return `trace:id ${random.pick(['!=', '>', '<'])} ${quote(random.pick(['8', '00ab', 'ffffffffffffffffffffffffffffffff']))}`;
    default:
      return `${random.pick(['name', 'statusMessage', 'event:name', 'instrumentation:name', 'link:spanID', 'span:childCount'])} != nil`;
  }
}

function attribute(random: QueryRandom): string {
  return random.names.length > 0 && random.below(3) > 0 ? random.pick(random.names) : anyAttribute(random);
}

function anyAttribute(random: SeededRandom): string {
  const scope = random.pick(['span', 'span', 'resource', 'instrumentation', 'event', 'link', 'none', 'none', 'none'] as const);
  const from = scope === 'none' ? random.pick(['span', 'resource'] as const) : scope;
  const name = random.pick([...words.scalarKeys[from], ...words.wideKeys[from], 'missing']);
  return `${scope === 'none' ? '' : scope}.${name}`;
}

/** Never an array: two arrays cannot be compared. */
function scalarReference(random: QueryRandom): string {
  const scope = random.pick(['span', 'resource', 'instrumentation', 'event', 'none'] as const);
  const from = scope === 'none' ? 'span' : scope;
  return `${scope === 'none' ? '' : scope}.${random.pick(words.scalarKeys[from])}`;
}

const intrinsics = [
  'name',
  'status',
  'kind',
  'duration',
  'statusMessage',
  'span:childCount',
  'span:id',
  'span:parentID',
  'trace:id',
  'rootName',
  'rootServiceName',
  'traceDuration',
  'event:name',
  'event:timeSinceStart',
  'link:traceID',
  'link:spanID',
  'instrumentation:name',
  'instrumentation:version',
  'nestedSetLeft',
  'nestedSetParent',
];

function reference(random: QueryRandom): string {
  return random.below(3) === 0 ? random.pick(intrinsics) : attribute(random);
}

/** Arithmetic, or the minus of something. */
function value(random: QueryRandom): string {
  const left = random.pick([scalarReference(random), attribute(random), 'duration', 'nestedSetLeft']);
  if (random.below(6) === 0) return `-${left}`;
  const right = random.pick([number(random), scalarReference(random), 'traceDuration']);
  return random.pick([
    `${left} ${random.pick(['+', '-', '*'])} ${right}`,
    `${left} ${random.pick(['/', '%'])} ${random.pick(['2', '3', '0.5', '-2'])}`,
    `${left} ^ 2`,
  ]);
}

function numericValue(random: QueryRandom): string {
  if (random.below(3) === 0) return value(random);
  return random.pick([
    attribute(random),
    'duration',
    'nestedSetLeft',
    'span:childCount',
    'event:timeSinceStart',
    '.n',
    'span.a',
    'traceDuration',
  ]);
}

function number(random: QueryRandom): string {
  return random.pick(['0', '1', '2', '1.0', '0.5', '-1', '200', '1ms', '9007199254740993']);
}

function literal(random: QueryRandom): string {
  const dice = random.below(10);
  if (dice < 5) return quote(random.pick(words.texts));
  if (dice < 8) return String(random.pick(words.ints));
  return random.pick(['0.5', '1.0', '2.0', '-1.5', '0.0']);
}

function quote(text: string): string {
  return JSON.stringify(text);
}
