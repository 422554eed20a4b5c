import { callProtocol, callTypes } from '#engine/api/function-call.ts';
import { decodeVersionRequest, type FunctionVersion, type VersionProbe } from '#engine/api/function-version.ts';
import { blockObjectKey } from '#engine/backend/keys.ts';
import type { Clock } from '#engine/base/clock.ts';
import { AppError, toAppError } from '#engine/base/errors.ts';
import { blockId, tenantId, tenantIdProblem } from '#engine/base/units.ts';
import { engineVersion } from '#engine/base/version.ts';
import type { JobEnvironment } from '#engine/jobs/environment.ts';
import { readableVersions } from '#engine/vparquet/versions.ts';
import type { FunctionRequest, FunctionResponse } from './exchange.ts';

const magicBytes = 4;

/** Answers what this function is. With a block to probe it reads the last bytes of that block, which needs no right beyond those of a search. */
export async function answerVersion(
  request: FunctionRequest,
  {
    loadEnvironment,
    memoryMb,
    clock,
  }: { readonly loadEnvironment: () => Promise<JobEnvironment>; readonly memoryMb: number; readonly clock: Clock },
  signal: AbortSignal,
): Promise<FunctionResponse> {
  const probe = decodeVersionRequest(await request.body());
  const version: FunctionVersion = {
    protocol: callProtocol,
    engine: engineVersion,
    formats: readableVersions,
    kinds: ['search', 'metrics', 'tag-names', 'tag-values', 'trace'],
    memoryMb,
    nowMs: clock.nowMs(),
    backend: await tryBackend(loadEnvironment, probe, signal),
  };
  return { status: 200, headers: { 'content-type': callTypes.version }, body: Buffer.from(JSON.stringify(version)) };
}

async function tryBackend(
  loadEnvironment: () => Promise<JobEnvironment>,
  probe: VersionProbe | undefined,
  signal: AbortSignal,
): Promise<string> {
  try {
    const { backend } = await loadEnvironment();
    if (probe === undefined) return 'ok';
    const id = blockId(probe.blockId);
    const problem = tenantIdProblem(probe.tenant) ?? (id === undefined ? 'invalid blockID' : undefined);
    if (problem !== undefined || id === undefined) throw new AppError('bad_request', `cannot probe: ${problem}`);
    const key = blockObjectKey(tenantId(probe.tenant), id, 'data.parquet');
    const end = await backend.readRange(key, Math.max(0, probe.sizeBytes - magicBytes), probe.sizeBytes, signal);
    return Buffer.from(end).toString('latin1') === 'PAR1' ? 'ok' : `${key} is no Parquet file of ${probe.sizeBytes} bytes`;
  } catch (thrown) {
    return toAppError(thrown).message;
  }
}
