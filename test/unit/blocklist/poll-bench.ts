import type { Backend } from '#engine/backend/backend.ts';
import { measureBackend } from '#engine/backend/measured.ts';
import { createMemoryBackend, type MemoryBackend } from '#engine/backend/memory.ts';
import { type Clock, systemClock } from '#engine/base/clock.ts';
import { AppError } from '#engine/base/errors.ts';
import { tenantId } from '#engine/base/units.ts';
import type { PollEvent } from '#engine/blocklist/events.ts';
import { createPoller, type Poller } from '#engine/blocklist/poller.ts';
import { defaultPollSettings, type PollSettings } from '#engine/blocklist/settings.ts';
import { message, metaJson, metaMessage, packJson, packProtobuf, timestamp } from './index-files.ts';

/** The time of the bench. */
export const nowMs = Date.parse('2026-01-10T13:00:00Z');
/** A block id with that number at its end. */
export const idOf = (number: number): string => `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`;
/** The one tenant. */
export const tenant = tenantId('tenant');

/** A poller over a bucket in memory, whose calls can fail. */
export interface Bench {
  readonly memory: MemoryBackend;
  readonly poller: Poller;
  readonly events: PollEvent[];
  /** Keys read since the last call. */
  readonly reads: () => string[];
  readonly kinds: () => string[];
  /** Keys written (`+key`) and deleted (`-key`) since the last call. */
  readonly writes: () => string[];
  /** Makes reads, listings (`list:prefix`) and writes (`write:key`) that match fail with that code. */
  readonly failures: { match: RegExp; code: 'unavailable' | 'internal' | 'config'; times: number }[];
  readonly waits: number[];
}

/** A bench with an empty bucket. */
export function setUp(settings: Partial<PollSettings> = {}, maxBlocksPerTenant?: number): Bench {
  const memory = createMemoryBackend();
  const events: PollEvent[] = [];
  const failures: Bench['failures'] = [];
  const waits: number[] = [];
  let read: string[] = [];
  const written: string[] = [];
  const check = (key: string): void => {
    const failure = failures.find(({ match, times }) => times > 0 && match.test(key));
    if (failure === undefined) return;
    failure.times--;
    throw new AppError(failure.code, `${key} fails`);
  };
  const failing: Backend = {
    ...memory,
    read: async (key, signal) => {
      check(key);
      return memory.read(key, signal);
    },
    listFolders: async (prefix, signal) => {
      check(`list:${prefix}`);
      return memory.listFolders(prefix, signal);
    },
    writer: {
      write: async (key, content, signal) => {
        check(`write:${key}`);
        await memory.writer.write(key, content, signal);
      },
      delete: memory.writer.delete,
    },
  };
  const backend = measureBackend(failing, systemClock, (call) => {
    if (call.operation === 'read') read.push(call.key);
    if (call.operation === 'write') written.push(`+${call.key}`);
    if (call.operation === 'delete') written.push(`-${call.key}`);
  });
  const clock: Clock = {
    nowMs: () => nowMs,
    monotonicMs: () => 0,
    sleep: async (durationMs, signal) => {
      waits.push(durationMs);
      await new Promise((resolve) => setImmediate(resolve));
      if (signal?.aborted) throw new AppError('cancelled', 'context canceled');
    },
  };
  const poller = createPoller({
    backend,
    settings: { ...defaultPollSettings, ...settings },
    clock,
    random: () => 0.5,
    onEvent: (event) => events.push(event),
    ...(maxBlocksPerTenant === undefined ? {} : { maxBlocksPerTenant }),
  });
  const reads = (): string[] => {
    const seen = read.sort();
    read = [];
    return seen;
  };
  return {
    memory,
    poller,
    events,
    reads,
    writes: () => written.splice(0),
    kinds: () => events.splice(0).map((event) => event.kind),
    failures,
    waits,
  };
}

/** Puts a block's meta. */
export function putMeta(
  memory: MemoryBackend,
  number: number,
  name = 'meta.json',
  changes: object = {},
  folder = 'tenant',
  modifiedMs = 0,
): void {
  memory.put(`${folder}/${idOf(number)}/${name}`, Buffer.from(JSON.stringify(metaJson(idOf(number), changes))), modifiedMs);
}

/** Puts a tenant index that names the blocks of these numbers. */
export function putIndex(memory: MemoryBackend, form: 'protobuf' | 'json', numbers: readonly number[], createdMs = nowMs): void {
  if (form === 'json') {
    const meta = numbers.map((number) => metaJson(idOf(number)));
    memory.put('tenant/index.json.gz', packJson({ created_at: new Date(createdMs).toISOString(), meta, compacted: null }));
    return;
  }
  const index = message().bytes(1, timestamp(createdMs / 1000));
  for (const number of numbers) index.bytes(2, metaMessage(idOf(number), 100, 200).varint(9, 1000).build());
  memory.put('tenant/index.pb.zst', packProtobuf(index.build()));
}

/** Numbers of the tenant's live blocks. */
export const live = (poller: Poller, of = tenant): number[] =>
  poller
    .blocklist(of)
    .metas.map((meta) => Number(meta.blockId.slice(-12)))
    .sort();
