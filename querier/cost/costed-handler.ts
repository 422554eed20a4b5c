import type { Handler } from '../server/exchange.ts';
import { costHeader, createLedger, printCost, withLedger } from './ledger.ts';

/**
 * Puts a ledger around a handler and its cost into a header of the answer. Bodies stay Tempo's. A query that called no function has no such header; an answer that
 * comes piece by piece has its headers before its cost is known, and says it at its end.
 */
export function withCost(handler: Handler): Handler {
  return async (request) => {
    const ledger = createLedger();
    const answer = await withLedger(ledger, () => handler(request));
    const totals = ledger.totals();
    if (totals.calls === 0) return answer;
    return { ...answer, headers: { ...answer.headers, [costHeader]: printCost(totals) } };
  };
}
