import type { BackgroundConfig } from './config.ts';

/** Values on their way to a cache. */
export interface WriteBack {
  /** Drops the value when the buffer is full. */
  readonly add: (key: string, value: Uint8Array) => void;
  /** Resolves when all writes that wait now have gone out. */
  readonly flush: () => Promise<void>;
  /** Forgets what waits. */
  readonly close: () => void;
}

/** What {@link createWriteBack} needs. */
export interface WriteBackOptions extends BackgroundConfig {
  /** Must not reject. */
  readonly write: (key: string, value: Uint8Array) => Promise<void>;
  readonly onDrop: () => void;
  /** Told how the number of waiting writes has changed. */
  readonly onChange: (change: number) => void;
}

/** `writeback_buffer` counts writes only: of long values fewer may wait. */
const maxBufferedBytes = 64 * 1024 * 1024;

interface Waiting {
  readonly key: string;
  readonly value: Uint8Array;
}

/** Creates an empty {@link WriteBack}. */
export function createWriteBack({ writers, bufferLength, write, onDrop, onChange }: WriteBackOptions): WriteBack {
  // In the order in which they came.
  const waiting = new Set<Waiting>();
  let waitingBytes = 0;
  let running = 0;
  let idle: (() => void)[] = [];

  const take = (): Waiting | undefined => {
    for (const next of waiting) {
      waiting.delete(next);
      waitingBytes -= next.value.length;
      onChange(-1);
      return next;
    }
    return undefined;
  };
  const run = async (): Promise<void> => {
    running++;
    for (let next = take(); next !== undefined; next = take()) await write(next.key, next.value);
    running--;
    if (running === 0) {
      for (const resolve of idle) resolve();
      idle = [];
    }
  };
  return {
    add: (key, value) => {
      if (waiting.size >= bufferLength || waitingBytes + value.length > maxBufferedBytes) {
        onDrop();
        return;
      }
      waiting.add({ key, value });
      waitingBytes += value.length;
      onChange(1);
      if (running < writers) void run();
    },
    flush: () => (running === 0 ? Promise.resolve() : new Promise<void>((resolve) => idle.push(resolve))),
    close: () => {
      onChange(-waiting.size);
      waiting.clear();
      waitingBytes = 0;
    },
  };
}
