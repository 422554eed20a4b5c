import type { FieldExpression, Reference } from '#engine/traceql/ast.ts';
import { referenceKey, referencesIn } from '#engine/traceql/plan-filter.ts';
import { type Meaning, type SourceGroup, sourcesOf } from '#engine/vparquet/sources.ts';
import { evaluateExpression, type Operand } from './expressions.ts';
import { type Mask, maskAt, noSlots, toSpans } from './masks.ts';
import type { ScanState } from './scan-state.ts';
import { lastChildren, noChild, slotsAtLevel } from './slots.ts';
import { printedId } from './string-predicates.ts';
import { presence } from './tests.ts';
import { type ElementValue, readValues, type Values, valueKind } from './values.ts';

/** Values of one reference for the spans under evaluation: the first group that has a value for a span wins. */
export interface BoundReference {
  readonly groups: readonly { readonly values: Values; readonly positions: Uint32Array }[];
}

/**
 * Evaluates an expression that columns alone cannot answer (arithmetic, attribute against attribute) on the values of the spans in `within`.
 *
 * Throws `bad_request` with Tempo's texts for run-time errors (spec traceql §3.6).
 */
export async function evaluateGeneral(state: ScanState, expression: FieldExpression, within: Mask): Promise<Mask> {
  if (within.kind === 'none') return noSlots;
  const { kernels } = state.group;
  const { spanCount } = await state.structure();
  const spans = await spansOf(state, within);
  if (spans.length === 0) return noSlots;
  const evaluate = await bindExpression(state, expression, spans);
  const out = kernels.alloc(spanCount);
  kernels.u8(out, spanCount).fill(0);
  const matched = new Uint8Array(spans.length);
  let any = false;
  for (let i = 0; i < spans.length; i++) {
    const result = evaluate(i);
    if (result.kind !== 'boolean' || !result.value) continue;
    matched[i] = 1;
    any = true;
  }
  const map = kernels.u8(out, spanCount);
  for (let i = 0; i < spans.length; i++) map[spans[i]] = matched[i];
  return any ? maskAt('span', out) : noSlots;
}

/** The slots of a mask as span slots. */
async function spansOf(state: ScanState, within: Mask): Promise<Uint32Array> {
  const { kernels } = state.group;
  const { spanCount } = await state.structure();
  if (within.kind !== 'some') return Uint32Array.from({ length: spanCount }, (_, i) => i);
  const map = await toSpans(state, within);
  const at = kernels.alloc(4 * spanCount);
  const count = kernels.indexes(map, spanCount, at, spanCount);
  return kernels.u32(at, count).slice();
}

/** Reads what an expression needs of ascending span slots; the result evaluates it for the i-th of them. Evaluating throws as `evaluateExpression` does. */
export async function bindExpression(
  state: ScanState,
  expression: FieldExpression,
  spans: Uint32Array,
): Promise<(index: number) => Operand> {
  const bound = new Map<string, BoundReference>();
  const byReference = new Map<Reference, BoundReference>();
  for (const reference of referencesIn(expression)) {
    const key = referenceKey(reference);
    const found = bound.get(key) ?? (await bindReference(state, reference, spans));
    bound.set(key, found);
    byReference.set(reference, found);
  }
  const read = createReader(state);
  let index = 0;
  const readReference = (reference: Reference) => read(byReference.get(reference)!, index);
  return (wanted) => {
    index = wanted;
    return evaluateExpression(expression, readReference);
  };
}

/** Reads the values of a reference for ascending span slots. */
export async function bindReference(state: ScanState, reference: Reference, spans: Uint32Array): Promise<BoundReference> {
  const groups: { values: Values; positions: Uint32Array }[] = [];
  for (const group of sourcesOf(state.prepared.schema, reference)) {
    const { slots, positions } = await chosenSlots(state, group, spans);
    groups.push({ values: await readValues(state.group, group, slots), positions });
  }
  return { groups };
}

/** Of several events or links one with a value stands for the span. */
async function chosenSlots(state: ScanState, group: SourceGroup, spans: Uint32Array) {
  const { level } = group;
  if (level !== 'event' && level !== 'link') return slotsAtLevel(state, spans, level);
  const mask = await presence(state, group);
  if (mask.kind !== 'some') return { slots: new Uint32Array(0), positions: new Uint32Array(spans.length).fill(noChild) };
  return lastChildren(state, spans, level, mask.at);
}

/** Reads a bound reference's value for the i-th span as an operand. */
export function createReader(state: ScanState): (bound: BoundReference, index: number) => Operand {
  const { kernels } = state.group;
  const text = (at: number, length: number, meaning: Meaning) => {
    const bytes = kernels.u8(at, length);
    return Buffer.from(meaning === 'text' ? bytes : printedId(bytes, meaning)).toString('utf8');
  };
  return ({ groups }, index) => {
    for (const { values, positions } of groups) {
      const position = positions[index];
      if (position === noChild || values.kinds[position] === valueKind.absent) continue;
      return operandOf(values, position, text);
    }
    return { kind: 'nil' };
  };
}

function operandOf(values: Values, position: number, text: (at: number, length: number, meaning: Meaning) => string): Operand {
  switch (values.kinds[position]) {
    case valueKind.text:
      return { kind: 'string', value: text(values.textAt[position], values.textLength[position], values.meaning) };
    case valueKind.int:
      return intOperand(values, values.ints[position]);
    case valueKind.double:
      return { kind: 'float', value: values.numbers[position] };
    case valueKind.boolean:
      return { kind: 'boolean', value: values.numbers[position] === 1 };
    default:
      return { kind: 'array', elements: (values.lists.get(position) ?? []).map((element) => elementOperand(element, text)) };
  }
}

function intOperand(values: Values, value: bigint): Operand {
  switch (values.meaning) {
    case 'duration':
      return { kind: 'duration', nanos: value };
    case 'status':
      return { kind: 'status', code: Number(value) };
    case 'kind':
      return { kind: 'kind', code: Number(value) };
    default:
      return { kind: 'int', value };
  }
}

function elementOperand(
  element: ElementValue,
  text: (at: number, length: number, meaning: Meaning) => string,
): Exclude<Operand, { kind: 'array' }> {
  switch (element.kind) {
    case 'text':
      return { kind: 'string', value: text(element.at, element.length, 'text') };
    case 'int':
      return { kind: 'int', value: element.value };
    case 'double':
      return { kind: 'float', value: element.value };
    case 'boolean':
      return { kind: 'boolean', value: element.value };
  }
}
