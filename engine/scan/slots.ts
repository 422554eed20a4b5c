import type { Level } from '#engine/vparquet/versions.ts';
import type { ScanState } from './scan-state.ts';

/** Chosen spans seen from another level: the distinct slots there, ascending, and for each span its position in that list. */
export interface LevelSlots {
  readonly slots: Uint32Array;
  readonly positions: Uint32Array;
}

/** Maps ascending span slots to the trace, resource or scope that each belongs to. */
export async function slotsAtLevel(state: ScanState, spans: Uint32Array, level: Exclude<Level, 'event' | 'link'>): Promise<LevelSlots> {
  const positions = new Uint32Array(spans.length);
  if (level === 'span') {
    for (let i = 0; i < positions.length; i++) positions[i] = i;
    return { slots: spans, positions };
  }
  const structure = await state.structure();
  const { kernels } = state.group;
  const starts =
    level === 'trace'
      ? kernels.u32(structure.traceSpans, structure.traceCount + 1)
      : level === 'resource'
        ? kernels.u32(structure.resourceSpans, structure.resourceCount + 1)
        : kernels.u32(structure.scopeSpans, structure.scopeCount + 1);
  const slots = new Uint32Array(Math.min(spans.length, starts.length));
  let count = 0;
  let parent = 0;
  for (let i = 0; i < spans.length; i++) {
    while (starts[parent + 1] <= spans[i]) parent++;
    if (count === 0 || slots[count - 1] !== parent) slots[count++] = parent;
    positions[i] = count - 1;
  }
  return { slots: slots.subarray(0, count), positions };
}

/** No child of a span was chosen. */
export const noChild = 0xffffffff;

/** For each span its last event (or link) whose byte in the map is 1, or {@link noChild}: answers show one value of many. */
export async function lastChildren(state: ScanState, spans: Uint32Array, level: 'event' | 'link', map: number): Promise<LevelSlots> {
  const { starts, childCount } = await state.childStarts(level);
  const { spanCount } = await state.structure();
  const { kernels } = state.group;
  const firsts = kernels.u32(starts, spanCount + 1);
  const wanted = kernels.u8(map, childCount);
  const slots = new Uint32Array(spans.length);
  const positions = new Uint32Array(spans.length).fill(noChild);
  let count = 0;
  for (let i = 0; i < spans.length; i++) {
    for (let child = firsts[spans[i] + 1] - 1; child >= firsts[spans[i]]; child--) {
      if (wanted[child] === 0) continue;
      slots[count] = child;
      positions[i] = count++;
      break;
    }
  }
  return { slots: slots.subarray(0, count), positions };
}

/** As {@link lastChildren}, the first one: series are named after one value of many (spec traceql §8.6). */
export async function firstChildren(state: ScanState, spans: Uint32Array, level: 'event' | 'link', map: number): Promise<LevelSlots> {
  const { starts, childCount } = await state.childStarts(level);
  const { spanCount } = await state.structure();
  const { kernels } = state.group;
  const firsts = kernels.u32(starts, spanCount + 1);
  const wanted = kernels.u8(map, childCount);
  const slots = new Uint32Array(spans.length);
  const positions = new Uint32Array(spans.length).fill(noChild);
  let count = 0;
  for (let i = 0; i < spans.length; i++) {
    let child = firsts[spans[i]];
    while (child < firsts[spans[i] + 1] && wanted[child] === 0) child++;
    if (child === firsts[spans[i] + 1]) continue;
    slots[count] = child;
    positions[i] = count++;
  }
  return { slots: slots.subarray(0, count), positions };
}
