import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const blockId = '00000000-0000-4000-8000-000000000001';

/** A bucket with nothing but the metadata of one block a tenant, whose row groups are one job each: for whoever answers jobs without looking. */
export function writeWideBucket(tenants: readonly string[], jobs: number): { readonly path: string; readonly remove: () => void } {
  const path = mkdtempSync(join(tmpdir(), 'rubato-wide-'));
  for (const tenant of tenants) {
    const folder = join(path, tenant, blockId);
    mkdirSync(folder, { recursive: true });
    const meta = {
      format: 'vParquet4',
      blockID: blockId,
      tenantID: tenant,
      startTime: '2026-01-10T12:00:00Z',
      endTime: '2026-01-10T13:00:00Z',
      totalObjects: jobs,
      size: jobs * 100_000_000,
      totalRecords: jobs,
      footerSize: 1000,
      replicationFactor: 1,
    };
    writeFileSync(join(folder, 'meta.json'), JSON.stringify(meta));
  }
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}
