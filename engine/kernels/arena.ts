import { AppError } from '#engine/base/errors.ts';

const wasmPageBytes = 65536;
const growthBytes = 1 << 20;
const slackBytes = 64;

/** Scratch that kernels need: for the largest page, and for the largest hit table. */
interface Scratch {
  readonly pageBytes: number;
  readonly hitBytes: number;
}

/** Space in WASM memory: a stack of what callers take, and behind it scratch for the kernel that runs. */
export interface Arena {
  /** Takes space aligned to 16, with 64 bytes of slack behind it. Throws `resource_exhausted` beyond the limit. */
  readonly alloc: (sizeBytes: number) => number;
  readonly mark: () => number;
  readonly release: (mark: number) => void;
  /** Makes sure of scratch for such a page and such a hit table, until what was taken before is released. Memory grows here and in `alloc` only. */
  readonly needScratch: (need: Partial<Scratch>) => void;
  /** Address of the scratch: the arena's top. */
  readonly scratch: () => number;
}

/** An arena over `memory` from `base` on. `maxBytes` bounds the whole memory. `detachViews`: taking space empties all views, as growing does. */
export function createArena(memory: WebAssembly.Memory, base: number, maxBytes: number, detachViews: boolean): Arena {
  let top = align(base);
  let scratch: Scratch = { pageBytes: 0, hitBytes: 0 };
  // What scratch was before it grew, and the top at that time: a release beneath takes the need back with the pages that had it.
  const grown: { readonly top: number; readonly before: Scratch }[] = [];
  let size = memory.buffer.byteLength;

  function reserve(end: number): void {
    if (end <= size) return;
    if (end > maxBytes) throw tooMuch(end, maxBytes);
    const wanted = Math.min(maxBytes, Math.ceil(end / growthBytes) * growthBytes);
    const pages = Math.ceil((wanted - size) / wasmPageBytes);
    try {
      memory.grow(pages);
    } catch (error) {
      throw new AppError('resource_exhausted', `no memory for ${end} bytes of block data`, { cause: error });
    }
    size = memory.buffer.byteLength;
  }

  return {
    alloc(sizeBytes) {
      if (detachViews) memory.grow(0);
      if (!(sizeBytes >= 0)) throw new AppError('internal', `cannot take ${sizeBytes} bytes`);
      const end = align(top + sizeBytes + slackBytes);
      reserve(end + scratch.pageBytes + scratch.hitBytes);
      const at = top;
      top = end;
      return at;
    },
    mark: () => top,
    release(mark) {
      top = mark;
      for (let last = grown.at(-1); last !== undefined && last.top > mark; last = grown.at(-1)) {
        scratch = last.before;
        grown.pop();
      }
    },
    needScratch(need) {
      const pageBytes = Math.max(scratch.pageBytes, need.pageBytes ?? 0);
      const hitBytes = Math.max(scratch.hitBytes, need.hitBytes ?? 0);
      if (pageBytes === scratch.pageBytes && hitBytes === scratch.hitBytes) return;
      reserve(top + pageBytes + hitBytes);
      grown.push({ top, before: scratch });
      scratch = { pageBytes, hitBytes };
    },
    scratch: () => top,
  };
}

function align(address: number): number {
  return Math.ceil(address / 16) * 16;
}

function tooMuch(neededBytes: number, maxBytes: number): AppError {
  return new AppError(
    'resource_exhausted',
    `the block data needs ${neededBytes} bytes of memory, the limit is ${maxBytes}: raise the memory limit`,
  );
}
