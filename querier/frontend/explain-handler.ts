import { parseForm } from '#engine/api/form.ts';
import { wireStatuses } from '#engine/api/status.ts';
import { AppError, toAppError } from '#engine/base/errors.ts';
import type { JobEnvironment } from '#engine/jobs/environment.ts';
import { withDeadline } from '../deadline.ts';
import { errorAnswer, type Handler, jsonAnswer, textAnswer } from '../server/exchange.ts';
import { readTenants } from '../server/tenancy.ts';
import { type ExplainOptions, explainSearch, type SearchExplanation } from './explain.ts';
import type { SearchEnvironment } from './search.ts';

/** What {@link createExplainHandler} needs. */
export interface ExplainHandlerOptions {
  readonly environment: SearchEnvironment;
  /** Blocks are opened, and with `run` scanned, in this process. */
  readonly jobs: JobEnvironment;
  /** Why searches cannot be run here; undefined where they can. */
  readonly cannotRun: string | undefined;
  readonly multitenancyEnabled: boolean;
  /** What the plan would cost in functions; undefined where there are none. */
  readonly previewCost: (plan: Pick<SearchExplanation, 'totalJobs' | 'totalBlockBytes'>) => object | undefined;
  /** 0: never. */
  readonly timeoutMs: number;
}

const defaultBlocks = 10;
const maxBlocks = 100;

/** Reads `run` and `blocks`. Throws `bad_request`. */
export function parseExplainOptions(query: string): ExplainOptions {
  const form = parseForm(query);
  const run = form.get('run') ?? '';
  if (run !== '' && run !== 'true' && run !== 'false') throw new AppError('bad_request', 'invalid run: must be true or false');
  const blocks = form.get('blocks') ?? '';
  if (blocks !== '' && !(/^[0-9]{1,3}$/.test(blocks) && Number(blocks) >= 1 && Number(blocks) <= maxBlocks)) {
    throw new AppError('bad_request', `invalid blocks: must be a number from 1 to ${maxBlocks}`);
  }
  return { run: run === 'true', maxBlocks: blocks === '' ? defaultBlocks : Number(blocks) };
}

/**
 * Makes the handler of `GET /api/explain`: takes what `/api/search` takes, plus `run=true` and `blocks=N`, and answers the plan of that search as JSON
 * (docs/explain.md). Tempo has no such endpoint.
 */
export function createExplainHandler(options: ExplainHandlerOptions): Handler {
  const { environment, jobs, timeoutMs } = options;
  const tenancy = {
    multitenancyEnabled: options.multitenancyEnabled,
    multiTenantQueriesEnabled: environment.config.multiTenantQueriesEnabled,
  };
  const denied = environment.config.urlDenyList.map((pattern) => new RegExp(pattern));
  return async (request) => {
    const { label, ids } = readTenants(request.headers['x-scope-orgid'] as string | undefined, tenancy);
    try {
      if (denied.some((pattern) => pattern.test(request.target))) throw new AppError('bad_request', `Invalid request ${request.target}`);
      const explain = parseExplainOptions(request.query);
      if (explain.run && options.cannotRun !== undefined) throw new AppError('unavailable', options.cannotRun);
      const call = { tenantLabel: label, tenants: ids, query: request.query, format: 'json' } as const;
      const work = (signal: AbortSignal) => explainSearch(environment, jobs, call, explain, signal);
      const { explanation, outcome } = await withDeadline(environment.clock, timeoutMs, request.signal, work);
      if (outcome?.kind === 'jobFailed') return errorAnswer(outcome.status, outcome.message);
      const functions = options.previewCost(explanation);
      return { ...jsonAnswer(functions === undefined ? explanation : { ...explanation, functions }), compressible: true };
    } catch (thrown) {
      const error = toAppError(thrown);
      return { ...textAnswer(wireStatuses[error.code].http, error.message), compressible: true };
    }
  };
}
