import { AsyncLocalStorage } from 'node:async_hooks';
import { addTotals, type CallTotals, noCalls, totalNames } from './prices.ts';

/** Adds up what the calls of one query cost. */
export interface Ledger {
  readonly add: (totals: CallTotals) => void;
  readonly totals: () => CallTotals;
}

/** Creates an empty ledger; what is added counts for `parent` too. */
export function createLedger(parent?: Ledger): Ledger {
  let sum = noCalls;
  return {
    add: (totals) => {
      sum = addTotals(sum, totals);
      parent?.add(totals);
    },
    totals: () => sum,
  };
}

const current = new AsyncLocalStorage<Ledger>();

/** Runs `work`; calls that are made for it, however deep, are written into the ledger. */
export function withLedger<Result>(ledger: Ledger, work: () => Result): Result {
  return current.run(ledger, work);
}

/** The ledger of the query that is being worked for, if any. */
export function currentLedger(): Ledger | undefined {
  return current.getStore();
}

/** The header that says what a query, or a job, cost. */
export const costHeader = 'X-Rubato-Cost';

const headerNames: Readonly<Record<keyof CallTotals, string>> = {
  ...{ calls: 'calls', hedges: 'hedges', hedgeWins: 'hedge_wins', cancelled: 'cancelled', failed: 'failed', coldStarts: 'cold_starts' },
  ...{ billedMs: 'billed_ms', wastedMs: 'wasted_ms', gbSeconds: 'gb_s', gets: 'gets', bytesRead: 'bytes', dollars: 'usd' },
};

/** Numbers without exponents and without digits that mean nothing. */
function shown(value: number): string {
  if (Number.isInteger(value)) return String(value);
  return value.toFixed(9).replace(/\.?0+$/, '');
}

/** Fields for the log and for JSON, by the names of the header. */
export function costFields(totals: CallTotals): Readonly<Record<string, number>> {
  return Object.fromEntries(totalNames.map((name) => [headerNames[name], Number(shown(totals[name]))]));
}

/** What a query's calls of functions cost as fields of a log line, `external_calls`, …, `external_usd`; none where it made no call. */
export function loggedCost(totals: CallTotals | undefined): Readonly<Record<string, number>> {
  if (totals === undefined || totals.calls === 0) return {};
  return Object.fromEntries(Object.entries(costFields(totals)).map(([name, value]) => [`external_${name}`, value]));
}

/** The header's value: `calls=3; hedges=1; …; usd=0.0000123`. */
export function printCost(totals: CallTotals): string {
  return totalNames.map((name) => `${headerNames[name]}=${shown(totals[name])}`).join('; ');
}

/** Reads {@link printCost}'s text. What is not there, or no number, is 0: it comes from another process. */
export function parseCost(text: string): CallTotals {
  const values = new Map<string, number>();
  for (const part of text.split(';')) {
    const [name = '', value = ''] = part.trim().split('=');
    const number = Number(value);
    if (Number.isFinite(number) && number > 0) values.set(name, number);
  }
  return Object.fromEntries(totalNames.map((name) => [name, values.get(headerNames[name]) ?? 0])) as unknown as CallTotals;
}
