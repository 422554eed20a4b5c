import { type Prices, priceCall } from '../cost/prices.ts';
import type { DispatchEvent } from '../dispatch/state.ts';
import type { ExternalMetrics } from './external-metrics.ts';

/** Makes metrics of what the dispatcher tells: every call has one end (docs/spill-and-hedge.md). */
export function listenToCalls(metrics: ExternalMetrics, prices: Prices): (event: DispatchEvent) => void {
  return (event) => {
    switch (event.kind) {
      case 'call_started':
        if (event.hedged) metrics.externalHedged.inc();
        break;
      case 'hedge_won':
        metrics.externalHedgeWon.inc();
        break;
      case 'hedge_denied':
        metrics.hedgesDenied.inc();
        break;
      case 'breaker':
        metrics.endpointOpen.set({ endpoint: event.endpoint }, event.open ? 1 : 0);
        break;
      case 'call_ended': {
        const { record } = event;
        const { endpoint } = record;
        if (record.end === 'answered') metrics.callDuration.observe({ end: 'answered' }, record.durationMs / 1000);
        else if (record.end !== 'failed') metrics.callDuration.observe({ end: 'given_up' }, record.durationMs / 1000);
        metrics.calls.inc({ endpoint, result: record.end });
        if (record.reason !== undefined) metrics.callFailures.inc({ endpoint, reason: record.reason });
        if (record.cost?.coldStart) metrics.coldStarts.inc({ endpoint });
        const { gbSeconds, billedMs, gets, dollars } = priceCall(record, prices);
        const { tenant } = record;
        metrics.tenantCalls.inc({ tenant });
        metrics.tenantBilled.inc({ tenant }, billedMs / 1000);
        metrics.tenantGbSeconds.inc({ tenant }, gbSeconds);
        metrics.tenantGets.inc({ tenant }, gets);
        metrics.tenantCost.inc({ tenant }, dollars);
        if (record.wastedMs > 0) metrics.billedAfterAnswer.inc({ endpoint }, record.wastedMs / 1000);
        break;
      }
    }
  };
}
