import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { OtlpAttribute, OtlpTrace } from '#engine/vparquet/write/trace-model.ts';
import { writeBlock } from '#engine/vparquet/write/write-block.ts';

/** When the traces of heavy blocks start, in whole seconds. */
export const heavyStartSeconds = 1_768_047_000;

/** Text that does not compress: a hash chain in base64. */
function noise(seed: string, length: number): string {
  let text = '';
  for (let i = 0; text.length < length; i++) text += createHash('sha512').update(`${seed} ${i}`).digest('base64').slice(0, 85);
  return text.slice(0, length);
}

/** Besides its blob a span may have an attribute whose name is heavy. */
function spanAttributes(id: number, { blobBytes, nameBytes = 0 }: HeavyBlock): readonly OtlpAttribute[] {
  const blob = { key: 'blob', value: { kind: 'string', value: noise(`${id}`, blobBytes) } } as const;
  if (nameBytes === 0) return [blob];
  return [blob, { key: noise(`name ${id}`, nameBytes), value: { kind: 'string', value: 'x' } }];
}

function trace(id: number, block: HeavyBlock): OtlpTrace {
  const startNanos = BigInt(heavyStartSeconds + id) * 1_000_000_000n;
  const span = {
    spanId: Buffer.from(`000000000000${(1000 + id).toString(16).padStart(4, '0')}`, 'hex'),
    parentSpanId: new Uint8Array(0),
    name: `heavy ${id}`,
    kind: 1,
    startNanos,
    endNanos: startNanos + 1_000_000n,
    statusCode: 0,
    statusMessage: '',
    traceState: '',
    attributes: spanAttributes(id, block),
    events: [],
    links: [],
  };
  const attributes = [{ key: 'service.name', value: { kind: 'string', value: 'heavy' } } as const];
  return {
    traceId: Buffer.from((0x1000 + id).toString(16).padStart(32, '0'), 'hex'),
    resources: [{ attributes, scopes: [{ name: '', version: '', attributes: [], spans: [span] }] }],
  };
}

/** A block of a tenant of the same name: `rowGroups` row groups of one trace each, whose answer has about `blobBytes` that do not compress below three quarters. */
export interface HeavyBlock {
  readonly tenant: string;
  readonly blockId: string;
  readonly rowGroups: number;
  readonly blobBytes: number;
  /** Bytes of the name of an attribute of each span; absent: there is none. */
  readonly nameBytes?: number;
}

/** Blocks in a new temporary folder, in the layout of the local backend, beside the given tenants of the fixtures. */
export function writeHeavyBlocks(blocks: readonly HeavyBlock[], fixtures: string, tenants: readonly string[]): string {
  const root = mkdtempSync(join(tmpdir(), 'rubato-heavy-'));
  for (const tenant of tenants) cpSync(join(fixtures, tenant), join(root, tenant), { recursive: true });
  for (const block of blocks) {
    const { tenant, blockId } = block;
    const traces = Array.from({ length: block.rowGroups }, (_, id) => trace(id, block));
    const { dataParquet, meta } = writeBlock(traces, { version: 'vParquet4', dedicatedColumns: [], rowGroupTraces: 1 });
    const folder = join(root, tenant, blockId);
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'data.parquet'), dataParquet);
    const seconds = (value: number) => new Date(value * 1000).toISOString();
    const { version: format, sizeBytes: size, footerBytes: footerSize, totalRecords, totalTraces: totalObjects } = meta;
    const times = { startTime: seconds(meta.startSeconds), endTime: seconds(meta.endSeconds + 1) };
    const rest = { compactionLevel: 0, indexPageSize: 0, bloomShards: 1, replicationFactor: 1 };
    const content = { format, blockID: blockId, tenantID: tenant, ...times, totalObjects, size, footerSize, totalRecords, ...rest };
    writeFileSync(join(folder, 'meta.json'), JSON.stringify(content));
  }
  return root;
}
