import type { JobKind, SendJob } from '#engine/api/job-wire.ts';
import type { BlockPart } from '#engine/api/search-request.ts';
import { decodeTraceAnswer } from '#engine/api/trace-answer-decode.ts';
import { printTraceBlockParams } from '#engine/api/trace-block-params.ts';
import type { Clock } from '#engine/base/clock.ts';
import { AppError, toAppError } from '#engine/base/errors.ts';
import type { TenantId } from '#engine/base/units.ts';
import type { BlockMeta } from '#engine/blocklist/meta.ts';
import type { TraceLookup } from '#engine/jobs/find-trace-block.ts';
import type { LimitsOf } from '../config/limits.ts';
import { withDeadline } from '../deadline.ts';
import type { JobReport } from '../telemetry/recent-jobs.ts';
import { type Tracer, traceContext, traced } from '../telemetry/tracing.ts';
import { type Forms, type Found, metricsForms, searchForms, tagNamesForms, tagValuesForms } from './job-forms.ts';
import type { Runners } from './runners.ts';
import type { Placed, Spill, SpillWork } from './spill.ts';

/** Looks for a trace in one block. Rejects with an AppError; an abort of the signal ends it. */
export type FindTrace = (tenant: TenantId, block: BlockMeta, traceId: Uint8Array, signal: AbortSignal) => Promise<TraceLookup>;

/** What runs jobs of every kind over one block. */
export interface BlockRunners extends Omit<Runners, 'trace'> {
  readonly findTrace: FindTrace;
}

/** What {@link createExecutor} needs. */
export interface ExecutorOptions {
  /** Runs jobs in this process. */
  readonly self: BlockRunners;
  /** Runs jobs by sending them on. */
  readonly wireRunners: (send: SendJob) => Runners;
  readonly spill: Spill;
  readonly httpApiPrefix: string;
  readonly queryTimeoutMs: number;
  /** The time that a lookup of a trace has. */
  readonly traceTimeoutMs: number;
  readonly limits: LimitsOf;
  readonly clock: Clock;
  readonly onJob: (report: JobReport) => void;
  /** Absent where nobody traces. */
  readonly tracer?: Tracer | undefined;
}

interface Subject {
  readonly kind: JobKind;
  readonly tenant: string;
  readonly query: string;
  readonly block: Pick<BlockPart, 'blockId' | 'startPage' | 'pagesToSearch'>;
}

const nothingFound: Found = { bytesRead: 0, matched: 0 };

function reportOf({ kind, tenant, query, block }: Subject, endedMs: number, durationMs: number) {
  const { blockId, startPage, pagesToSearch } = block;
  const rounded = { atMs: Math.round(endedMs), durationMs: Math.round(durationMs * 1000) / 1000 };
  return { kind, tenant, query, blockId, startPage, pagesToSearch, ...rounded };
}

function placeOf(placed: Placed<unknown>): Pick<JobReport, 'where' | 'endpoint' | 'hedges'> {
  if (placed.where === 'self') return { where: 'self', hedges: 0 };
  return { where: 'external', endpoint: placed.endpoint, hedges: placed.hedges };
}

/** A job as the spill takes it. */
function workOf<Answer>(
  { here, away, cut }: Forms<Answer>,
  common: Pick<SpillWork<Answer>, 'kind' | 'deadlineMs'>,
  wireRunners: ExecutorOptions['wireRunners'],
): SpillWork<Answer> {
  return {
    ...common,
    here,
    away: (send, signal) => away(wireRunners(send), signal),
    cut: () => {
      const halves = cut();
      return halves && { parts: halves.parts.map((part) => workOf(part, common, wireRunners)), combiner: halves.combiner };
    },
  };
}

/** Runs one job here or outside, reports it, and gives it a span where somebody traces. */
function createRun(options: ExecutorOptions) {
  const { spill, clock, wireRunners, queryTimeoutMs, tracer } = options;

  const runJob = async <Answer>(subject: Subject, forms: Forms<Answer>, signal: AbortSignal): Promise<Answer> => {
    const startedMs = clock.monotonicMs();
    const deadlineMs = clock.nowMs() + queryTimeoutMs;
    let where: 'self' | 'external' = 'self';
    const onPlaced = (place: 'self' | 'external') => {
      where = place;
    };
    const work = workOf(forms, { kind: subject.kind, deadlineMs }, wireRunners);
    try {
      const placed = await withDeadline(clock, queryTimeoutMs, signal, (inner) => spill.run(work, inner, onPlaced));
      const report = reportOf(subject, clock.nowMs(), clock.monotonicMs() - startedMs);
      options.onJob({ ...report, ...placeOf(placed), ...forms.found(placed.answer) });
      return placed.answer;
    } catch (thrown) {
      const error = toAppError(thrown);
      const report = reportOf(subject, clock.nowMs(), clock.monotonicMs() - startedMs);
      options.onJob({ ...report, where, ...nothingFound, hedges: 0, error: error.message, errorCode: error.code });
      throw error;
    }
  };

  return <Answer>(subject: Subject, forms: Forms<Answer>, signal: AbortSignal): Promise<Answer> => {
    if (tracer === undefined) return runJob(subject, forms, signal);
    const { kind, tenant, block } = subject;
    const attributes = {
      tenant,
      'rubato.block': block.blockId,
      'rubato.row_group': block.startPage,
      'rubato.row_groups': block.pagesToSearch,
    };
    return traced(tracer, { name: `${kind} job`, kind: 'internal', attributes }, () => runJob(subject, forms, signal));
  };
}

/**
 * Runs jobs of every kind here or in functions (spec read-path §6.1); the answers are the same. Every job has `queryTimeoutMs`; lookups of traces go out block by
 * block, because functions know no block list.
 */
export function createExecutor(options: ExecutorOptions): BlockRunners {
  const { self } = options;
  const run = createRun(options);
  return {
    search: (job, signal) =>
      run({ kind: 'search', tenant: job.tenant, query: job.request.query ?? '', block: job.request.block }, searchForms(self, job), signal),
    metrics: (job, signal) =>
      run({ kind: 'metrics', tenant: job.tenant, query: job.request.query, block: job.request.block }, metricsForms(self, job), signal),
    tags: {
      names: (tenant, job, signal) =>
        run({ kind: 'tag-names', tenant, query: '', block: job.block }, tagNamesForms(self, tenant, job), signal),
      values: (tenant, job, signal) =>
        run({ kind: 'tag-values', tenant, query: '', block: job.block }, tagValuesForms(self, tenant, job), signal),
    },
    findTrace: createFindTrace(options),
  };
}

/** A lookup in one block, here or outside. It has the deadline of the whole lookup, which its caller keeps. */
function createFindTrace({ self, spill, clock, httpApiPrefix, traceTimeoutMs, limits }: ExecutorOptions): FindTrace {
  return async (tenant, block, traceId, signal) => {
    const id = Buffer.from(traceId).toString('hex');
    const url = `/querier${httpApiPrefix}/api/v2/traces/${id}?${printTraceBlockParams({ block, maxBytes: limits(tenant).maxBytesPerTrace })}`;
    const placed = await spill.run<TraceLookup>(
      {
        kind: 'trace',
        deadlineMs: clock.nowMs() + traceTimeoutMs,
        here: (inner) => self.findTrace(tenant, block, traceId, inner),
        away: async (send, inner) => {
          const { status, contentType, body } = await send(
            { kind: 'trace', tenant, url, accept: 'application/protobuf', ...traceContext() },
            inner,
          );
          if (status < 200 || status >= 300) throw new AppError('internal', Buffer.from(body).toString().trimEnd());
          const format = contentType.startsWith('application/protobuf') ? 'protobuf' : 'json';
          return decodeTraceAnswer(body, 2, format);
        },
      },
      signal,
    );
    return placed.answer;
  };
}
