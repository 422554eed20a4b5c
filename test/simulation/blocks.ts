import type { WireJob } from '#engine/api/job-wire.ts';
import { encodeSearchAnswer } from '#engine/api/search-body.ts';
import { decodeSearchAnswer, noMetrics } from '#engine/api/search-body-decode.ts';
import { blockId, bytes, type TenantId, tenantId, unixSeconds } from '#engine/base/units.ts';
import { createBlocklist, type TenantBlocklist } from '#engine/blocklist/list.ts';
import type { JobOutcome } from '../../querier/external/invoke.ts';
import { worldStartSeconds } from './clock.ts';

/** Whose blocks they are. */
export const simulatedTenant: TenantId = tenantId('simulated');

/** Everything that a query of simulated blocks has to ask for. */
export const simulatedRange = { start: worldStartSeconds - 7200, end: worldStartSeconds - 3600 } as const;

/** That many blocks of just below the size of a job: one job each. */
export function simulatedBlocks(count: number, sizeBytes = 100_000_000): TenantBlocklist {
  const metas = Array.from({ length: count }, (_, index) => ({
    tenant: simulatedTenant,
    blockId: blockId(`00000000-0000-4000-8000-${index.toString(16).padStart(12, '0')}`)!,
    version: 'vParquet4',
    startSeconds: unixSeconds(simulatedRange.start),
    endSeconds: unixSeconds(simulatedRange.end),
    totalTraces: 1000,
    sizeBytes: bytes(sizeBytes),
    footerBytes: bytes(1000),
    totalRecords: 10,
    dedicatedColumns: [],
    compactionLevel: 0,
    replicationFactor: 1,
    bloomShards: 1,
  }));
  return createBlocklist(metas, []);
}

/** Index of the block that a job is about. */
export function blockOfJob({ url }: Pick<WireJob, 'url'>): number {
  const id = /[?&]blockID=([0-9a-f-]{36})/.exec(url)?.[1];
  if (id === undefined) throw new Error(`no block in ${url}`);
  return Number.parseInt(id.slice(-12), 16);
}

/** The trace that a block holds: one each, and no other has it. */
export function traceOfBlock(index: number): string {
  return (0xabc000000 + index).toString(16);
}

const bodies = new Map<string, Uint8Array>();

/** The right answer of a block: its trace, where it has one. */
function bodyOf(index: number, found: boolean): Uint8Array {
  const key = `${index}/${found}`;
  const known = bodies.get(key);
  if (known !== undefined) return known;
  const traces = found
    ? [{ traceID: traceOfBlock(index), rootServiceName: 's', startTimeUnixNano: `${simulatedRange.start + 1}000000000` }]
    : [];
  const { traces: encoded } = decodeSearchAnswer(Buffer.from(JSON.stringify({ traces })), 'json');
  const metrics = { ...noMetrics, inspectedTraces: 1, inspectedBytes: 1 << 20 };
  const { body } = encodeSearchAnswer({ traces: encoded, metrics }, { emptyTraces: true, rootPlaceholder: false });
  const made = typeof body === 'string' ? Buffer.from(body) : body;
  bodies.set(key, made);
  return made;
}

/** What a function that does its work answers; `foundEvery` blocks have a trace each. */
export function answerOfBlock(job: WireJob, foundEvery: number): JobOutcome {
  const index = blockOfJob(job);
  const answer = { status: 200, contentType: 'application/json', body: bodyOf(index, index % foundEvery === 0) };
  return { kind: 'answered', answer, cost: { bytesRead: 1 << 20, gets: 3, durationMs: 5 } };
}

/** The same as a search in this process finds it. */
export function foundInBlock(index: number, foundEvery: number) {
  return decodeSearchAnswer(bodyOf(index, index % foundEvery === 0), 'json');
}
