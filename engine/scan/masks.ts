import type { Level } from '#engine/vparquet/versions.ts';
import type { ScanState } from './scan-state.ts';

/** A byte map over the slots of a level, or that no slot or every slot is set. */
export type Mask =
  | { readonly kind: 'none' }
  | { readonly kind: 'all' }
  | { readonly kind: 'some'; readonly level: Level; readonly at: number };

/** No slot. */
export const noSlots: Mask = { kind: 'none' };
/** Every slot. */
export const allSlots: Mask = { kind: 'all' };

/** The mask of a byte map. */
export function maskAt(level: Level, at: number): Mask {
  return { kind: 'some', level, at };
}

const depth: Readonly<Record<Level, number>> = { trace: 0, resource: 1, scope: 2, span: 3, event: 4, link: 4 };

/** A mask of trace, resource, scope or span level as a byte map over span slots (a new one unless it is one already); a child mask becomes "any child". */
export async function toSpans(state: ScanState, mask: Mask & { readonly kind: 'some' }): Promise<number> {
  const { kernels } = state.group;
  const structure = await state.structure();
  if (mask.level === 'span') return mask.at;
  const out = kernels.alloc(structure.spanCount);
  switch (mask.level) {
    case 'trace':
      kernels.expand(mask.at, structure.traceSpans, structure.traceCount, out);
      return out;
    case 'resource':
      kernels.expand(mask.at, structure.resourceSpans, structure.resourceCount, out);
      return out;
    case 'scope':
      kernels.expand(mask.at, structure.scopeSpans, structure.scopeCount, out);
      return out;
    default: {
      const { starts } = await state.childStarts(mask.level);
      kernels.anyChild(mask.at, starts, structure.spanCount, out);
      return out;
    }
  }
}

/** Number of scanned slots of a level. */
export async function slotCount(state: ScanState, level: Level): Promise<number> {
  const structure = await state.structure();
  switch (level) {
    case 'trace':
      return structure.traceCount;
    case 'resource':
      return structure.resourceCount;
    case 'scope':
      return structure.scopeCount;
    case 'span':
      return structure.spanCount;
    default:
      return (await state.childStarts(level)).childCount;
  }
}

/** Both masks. Masks of one level are combined there, others as spans. Event and link masks must have become span masks before. */
export async function intersect(state: ScanState, a: Mask, b: Mask): Promise<Mask> {
  if (a.kind === 'none' || b.kind === 'none') return noSlots;
  if (a.kind === 'all') return b;
  if (b.kind === 'all') return a;
  const { level, left, right } = await aligned(state, a, b);
  const count = await slotCount(state, level);
  const { kernels } = state.group;
  const out = kernels.alloc(count);
  kernels.and(left, right, out, count);
  return kernels.any(out, count) ? maskAt(level, out) : noSlots;
}

/** Either mask. */
export async function unite(state: ScanState, a: Mask, b: Mask): Promise<Mask> {
  if (a.kind === 'all' || b.kind === 'all') return allSlots;
  if (a.kind === 'none') return b;
  if (b.kind === 'none') return a;
  const { level, left, right } = await aligned(state, a, b);
  const count = await slotCount(state, level);
  const out = state.group.kernels.alloc(count);
  state.group.kernels.or(left, right, out, count);
  return maskAt(level, out);
}

/** The slots that a mask leaves out. */
export async function complement(state: ScanState, mask: Mask): Promise<Mask> {
  if (mask.kind === 'none') return allSlots;
  if (mask.kind === 'all') return noSlots;
  const count = await slotCount(state, mask.level);
  const out = state.group.kernels.alloc(count);
  state.group.kernels.not(mask.at, out, count);
  return maskAt(mask.level, out);
}

interface Aligned {
  readonly level: Level;
  readonly left: number;
  readonly right: number;
}

async function aligned(state: ScanState, a: Mask & { readonly kind: 'some' }, b: Mask & { readonly kind: 'some' }): Promise<Aligned> {
  if (a.level === b.level) return { level: a.level, left: a.at, right: b.at };
  if (depth[a.level] === depth[b.level] || depth[a.level] > 3 || depth[b.level] > 3)
    throw new RangeError('child masks must be folded to spans first');
  return { level: 'span', left: await toSpans(state, a), right: await toSpans(state, b) };
}
