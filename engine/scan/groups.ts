import type { Operand } from './expressions.ts';
import { operandKind, type SpanValues } from './span-values.ts';
import { chosenAttributes, type Spansets } from './spansets.ts';

/** Values as small numbers, equal ones alike. */
interface Interned {
  /** Of each span. */
  readonly ids: Uint32Array;
  readonly values: readonly Operand[];
}

/** Splits each spanset by a value (spec traceql §6.1); that of `spansets.spans[i]` is at `members[i]` of the values. */
export function groupBy(spansets: Spansets, key: string, values: SpanValues, members: Uint32Array): Spansets {
  const { ids, values: distinct } = intern(values);
  const { starts, spans } = spansets;
  const groupOf = new Uint32Array(distinct.length);
  const stamps = new Uint32Array(distinct.length);
  const grouped = new Uint32Array(spans.length);
  const groupStarts: number[] = [0];
  const sets: number[] = [];
  const groupIds: number[] = [];
  for (let set = 0; set < spansets.count; set++) {
    const first = sets.length;
    const sizes: number[] = [];
    for (let i = starts[set]; i < starts[set + 1]; i++) {
      const id = ids[members[i]];
      if (stamps[id] !== set + 1) {
        stamps[id] = set + 1;
        groupOf[id] = sizes.length;
        sizes.push(0);
        sets.push(set);
        groupIds.push(id);
      }
      sizes[groupOf[id]]++;
    }
    for (const size of sizes) groupStarts.push(groupStarts[groupStarts.length - 1] + size);
    const tops = groupStarts.slice(first, first + sizes.length);
    for (let i = starts[set]; i < starts[set + 1]; i++) grouped[tops[groupOf[ids[members[i]]]]++] = spans[i];
  }
  const from = Uint32Array.from(sets);
  return {
    count: sets.length,
    traces: from.map((set) => spansets.traces[set]),
    starts: Uint32Array.from(groupStarts),
    spans: grouped,
    attributes: [...chosenAttributes(spansets.attributes, from), { key, ids: Uint32Array.from(groupIds), values: distinct }],
  };
}

/** Values differ if type or value differ. Texts are looked up by their address first, and by content once per address. */
function intern(values: SpanValues): Interned {
  const { kinds, low, high, numbers, textAt, textLength } = values;
  const ids = new Uint32Array(kinds.length);
  const distinct: Operand[] = [];
  const byContent = new Map<string, number>();
  const byText = new Map<number, number>();
  const byWord = new Map<number, number>();
  const add = (index: number): number => {
    const operand = values.operand(index);
    const content = contentOf(operand);
    let id = byContent.get(content);
    if (id === undefined) {
      id = distinct.push(operand) - 1;
      byContent.set(content, id);
    }
    return id;
  };
  /** Through a map of numbers that tell values of one type apart. */
  const through = (known: Map<number, number>, quick: number, index: number): number => {
    let id = known.get(quick);
    if (id === undefined) {
      id = add(index);
      known.set(quick, id);
    }
    return id;
  };
  for (let i = 0; i < ids.length; i++) {
    const kind = kinds[i];
    if (kind === operandKind.string && textAt[i] !== 0) ids[i] = through(byText, textLength[i] === 0 ? -1 : textAt[i], i);
    else if (kind === operandKind.nil) ids[i] = through(byWord, -1, i);
    else if (kind === operandKind.boolean) ids[i] = through(byWord, -2 - numbers[i], i);
    else if ((kind === operandKind.int || kind >= operandKind.duration) && high[i] === 0) ids[i] = through(byWord, low[i] * 16 + kind, i);
    else ids[i] = add(i);
  }
  return { ids, values: distinct };
}

/** Equal for equal operands. */
function contentOf(operand: Operand): string {
  switch (operand.kind) {
    case 'nil':
      return 'nil';
    case 'duration':
      return `duration ${operand.nanos}`;
    case 'status':
    case 'kind':
      return `${operand.kind} ${operand.code}`;
    case 'array':
      return `array ${JSON.stringify(operand.elements.map(contentOf))}`;
    default:
      return `${operand.kind} ${operand.value}`;
  }
}
