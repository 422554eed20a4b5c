import type { BlockPart } from '#engine/api/search-request.ts';
import { AppError, throwIfAborted } from '#engine/base/errors.ts';
import type { TenantId } from '#engine/base/units.ts';
import { rowGroupCount } from '#engine/parquet/file.ts';
import { openRowGroup, type RowGroup } from '#engine/scan/row-group.ts';
import type { Reference } from '#engine/traceql/ast.ts';
import type { TagFilter } from '#engine/traceql/tag-filter.ts';
import { type BlockSchema, levelOf } from '#engine/vparquet/sources.ts';
import { blockVersion } from '#engine/vparquet/versions.ts';
import type { JobEnvironment } from './environment.ts';
import { createBlockReader, openBlock } from './open-block.ts';

/** A pass over row groups of one block. */
export interface TagsScan {
  readonly environment: JobEnvironment;
  readonly tenant: TenantId;
  readonly block: BlockPart;
  readonly signal: AbortSignal | undefined;
}

/** Looks at one row group; true when no more are wanted. */
export type VisitRowGroup = (group: RowGroup) => Promise<boolean>;

/**
 * Visits the row groups of a block part one after the other and tells how many bytes were read. `start` is called once the block is open. Throws `internal` for
 * an unknown block version, `corrupt_block`, `not_found` when data.parquet is missing, and what the signal says.
 */
export async function visitRowGroups(scan: TagsScan, start: (schema: BlockSchema) => VisitRowGroup): Promise<number> {
  const { environment, tenant, block, signal } = scan;
  throwIfAborted(signal);
  if (block.version.includes('preview')) return 0;
  const version = blockVersion(block.version);
  return environment.kernels.use(async (kernels) => {
    const location = { tenant, blockId: block.blockId, sizeBytes: block.sizeBytes, footerBytes: block.footerBytes };
    const open = await openBlock(environment, kernels, location, signal);
    const { reader, bytesRead } = createBlockReader(environment, open, location, signal);
    const visit = start({ version, columns: open.file.columns, dedicatedColumns: block.dedicatedColumns });
    const groups = rowGroupCount(open.file);
    const end = Math.min(block.startPage + block.pagesToSearch, groups);
    for (let index = Math.min(block.startPage, groups); index < end; index++) {
      throwIfAborted(signal);
      const mark = kernels.mark();
      try {
        if (await visit(openRowGroup(kernels, reader, open.file, index))) break;
      } finally {
        kernels.release(mark);
      }
    }
    return bytesRead();
  }, signal);
}

/** Throws `internal` with Tempo's text where a filtered request names what the block's version does not keep by columns: an error is no short answer. */
export function checkFilterSupport(versionName: string, filter: TagFilter | undefined, tag: Reference | undefined): void {
  if (filter === undefined || versionName.includes('preview') || blockVersion(versionName).events) return;
  const conditions = filter.groups.flat().map(({ reference }) => reference);
  for (const reference of tag === undefined ? conditions : [...conditions, tag]) {
    if (!['event', 'link', 'scope'].includes(levelOf(reference))) continue;
    const what = reference.kind === 'intrinsic' ? `intrinsic '${reference.name}'` : `scope '${reference.scope}'`;
    throw new AppError('internal', `conditions invalid: ${what} not supported in ${versionName}: unsupported`);
  }
}
