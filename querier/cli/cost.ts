import type { CountedRequest } from '#engine/backend/counted.ts';
import { counted, printBytes, printMs } from './quantities.ts';

/** What was asked of the store so far. */
export interface StoreCost {
  readonly bytes: number;
  readonly gets: number;
  readonly lists: number;
}

/** Counts what is asked of the store. */
export function createCostCounter(): { readonly add: (request: CountedRequest) => void; readonly cost: () => StoreCost } {
  let bytes = 0;
  let gets = 0;
  let lists = 0;
  const add = (request: CountedRequest): void => {
    if (request.kind === 'list') lists++;
    else if (request.kind === 'read' || request.kind === 'readWhole') {
      gets++;
      bytes += request.kind === 'read' ? request.end - request.start : request.sizeBytes;
    }
  };
  return { add, cost: () => ({ bytes, gets, lists }) };
}

/** List prices of S3 Standard in us-east-1, in dollars; docs/explain.md says what they leave out. */
export const listPrices = { perGet: 0.4e-6, perList: 5e-6, perInternetGigabyte: 0.09 };

/** With at least two digits that say something: `$0.0000052`, `$1.20`. */
function dollars(amount: number): string {
  if (amount === 0) return '$0';
  const digits = Math.min(12, Math.max(2, 1 - Math.floor(Math.log10(amount))));
  return `$${amount.toFixed(digits)}`;
}

/** The lines that end a search. */
export function printCost(cost: StoreCost, jobs: { readonly done: number; readonly total: number }, durationMs: number): string {
  const { bytes, gets, lists } = cost;
  const requests = gets * listPrices.perGet + lists * listPrices.perList;
  const internet = (bytes / 1e9) * listPrices.perInternetGigabyte;
  return (
    `${jobs.done} of ${counted(jobs.total, 'job')}, read ${printBytes(bytes)} with ${counted(gets, 'GET')} and ${counted(lists, 'LIST')}, ${printMs(durationMs)}\n` +
    `estimate at S3 list prices (Standard, us-east-1): requests ${dollars(requests)}; transfer $0 within the region, ${dollars(internet)} to the internet\n`
  );
}
