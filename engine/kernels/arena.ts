import { AppError } from '#engine/base/errors.ts';

const wasmPageBytes = 65536;
const growthBytes = 1 << 20;
const slackBytes = 64;

/** Space in WASM memory: a stack of what callers take, and behind it scratch for the kernel that runs. */
export interface Arena {
  /** Takes space aligned to 16, with 64 bytes of slack behind it. Throws `resource_exhausted` beyond the limit. */
  readonly alloc: (sizeBytes: number) => number;
  readonly mark: () => number;
  readonly release: (mark: number) => void;
  /** Makes sure of scratch for such a page and, before it, such a hit table from now on. Memory grows here and in `alloc` only. */
  readonly needScratch: (need: { readonly pageBytes?: number; readonly hitBytes?: number }) => void;
  /** Address of the scratch: the arena's top. */
  readonly scratch: () => number;
}

/** An arena over `memory` from `base` on. `maxBytes` bounds the whole memory. */
export function createArena(memory: WebAssembly.Memory, base: number, maxBytes: number): Arena {
  let top = align(base);
  let pageBytes = 0;
  let hitBytes = 0;
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
      if (!(sizeBytes >= 0)) throw new AppError('internal', `cannot take ${sizeBytes} bytes`);
      const end = align(top + sizeBytes + slackBytes);
      reserve(end + pageBytes + hitBytes);
      const at = top;
      top = end;
      return at;
    },
    mark: () => top,
    release(mark) {
      top = mark;
    },
    needScratch(need) {
      const pages = Math.max(pageBytes, need.pageBytes ?? 0);
      const hits = Math.max(hitBytes, need.hitBytes ?? 0);
      reserve(top + pages + hits);
      pageBytes = pages;
      hitBytes = hits;
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
