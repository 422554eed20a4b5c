import { AppError } from '#engine/base/errors.ts';
import { tenantId, tenantIdProblem } from '#engine/base/units.ts';
import { callLimits, callProtocol, type FunctionCall } from './function-call.ts';
import type { JobKind, WireJob } from './job-wire.ts';

const kinds: readonly JobKind[] = ['search', 'metrics', 'tag-names', 'tag-values', 'trace'];
const accepts: readonly WireJob['accept'][] = ['application/json', 'application/protobuf'];

type Fields = Readonly<Record<string, unknown>>;

/** The JSON of a call, the jobs as `[kind, accept, url]`, the tenant once. All jobs of a call have one tenant; throws RangeError otherwise. */
export function encodeCall({ jobs, engine, sentMs, deadlineMs, hedged, traceparent }: FunctionCall): Uint8Array {
  const tenant = jobs[0]?.tenant;
  if (tenant === undefined || jobs.some((job) => job.tenant !== tenant)) throw new RangeError('the jobs of a call have one tenant');
  const list = jobs.map(({ kind, accept, url }) => [kinds.indexOf(kind), accepts.indexOf(accept), url]);
  return Buffer.from(
    JSON.stringify({ protocol: callProtocol, engine, sentMs, deadlineMs, hedged, ...(traceparent && { traceparent }), tenant, jobs: list }),
  );
}

function bad(problem: string): AppError {
  return new AppError('bad_request', `not a call of protocol ${callProtocol}: ${problem}`);
}

function parseFields(bytes: Uint8Array): Fields {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString());
  } catch (thrown) {
    throw new AppError('bad_request', `not a call of protocol ${callProtocol}: ${(thrown as Error).message}`, { cause: thrown });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw bad('it is no JSON object');
  return value as Fields;
}

/** Reads a call. Throws `bad_request` that says what is wrong; a call of another protocol version is `unimplemented`. */
export function decodeCall(bytes: Uint8Array): FunctionCall {
  const fields = parseFields(bytes);
  if (fields.protocol !== callProtocol) {
    throw new AppError('unimplemented', `calls of protocol ${JSON.stringify(fields.protocol)} are not understood, only of ${callProtocol}`);
  }
  const time = (name: string): number => {
    const value = fields[name];
    if (typeof value !== 'number' || !Number.isFinite(value) || value < 0) throw bad(`${name} is no time`);
    return value;
  };
  const { tenant, jobs, engine, hedged, traceparent } = fields;
  const problem = typeof tenant === 'string' ? tenantIdProblem(tenant) : 'no tenant';
  if (problem !== undefined) throw bad(problem);
  if (!Array.isArray(jobs) || jobs.length === 0) throw bad('no jobs');
  if (jobs.length > callLimits.maxJobs) throw bad(`${jobs.length} jobs, at most ${callLimits.maxJobs}`);
  return {
    engine: typeof engine === 'string' ? engine : '',
    sentMs: time('sentMs'),
    deadlineMs: time('deadlineMs'),
    hedged: hedged === true,
    ...(typeof traceparent === 'string' && { traceparent }),
    jobs: jobs.map((job, index) => decodeJob(job, index, tenant as string)),
  };
}

function decodeJob(job: unknown, index: number, tenant: string): WireJob {
  const [kindNumber, acceptNumber, url] = Array.isArray(job) ? job : [];
  const [kind, accept] = [kinds[kindNumber], accepts[acceptNumber]];
  if (kind === undefined || accept === undefined || typeof url !== 'string') throw bad(`job ${index} is not understood`);
  if (url.length > callLimits.maxUrlBytes) throw bad(`job ${index} has an URL of more than ${callLimits.maxUrlBytes} bytes`);
  return { kind, tenant: tenantId(tenant), url, accept };
}
