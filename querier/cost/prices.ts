import type { CallRecord } from '../dispatch/state.ts';

/** What platforms charge, US dollars. */
export interface Prices {
  readonly lambdaArm64GbSecond: number;
  readonly lambdaX86GbSecond: number;
  readonly lambdaRequest: number;
  readonly cloudRunVcpuSecond: number;
  readonly cloudRunGibSecond: number;
  readonly cloudRunRequest: number;
  /** vCPUs of an instance: a call does not say. */
  readonly cloudRunVcpus: number;
  /** A GET request to the object storage. */
  readonly get: number;
}

/** What calls took and cost. Sums of calls are sums of members. */
export interface CallTotals {
  readonly calls: number;
  /** Of them: repeated ones, and those of these that answered first. */
  readonly hedges: number;
  readonly hedgeWins: number;
  /** Given up: another call was quicker, or nobody wanted the answer. */
  readonly cancelled: number;
  readonly failed: number;
  readonly coldStarts: number;
  readonly billedMs: number;
  /** Of it: after nobody wanted the answer. Estimated. */
  readonly wastedMs: number;
  readonly gbSeconds: number;
  readonly gets: number;
  readonly bytesRead: number;
  readonly dollars: number;
}

/** No calls. */
export const noCalls: CallTotals = {
  ...{ calls: 0, hedges: 0, hedgeWins: 0, cancelled: 0, failed: 0, coldStarts: 0 },
  ...{ billedMs: 0, wastedMs: 0, gbSeconds: 0, gets: 0, bytesRead: 0, dollars: 0 },
};

/** The names of the members, in the order in which they are shown. */
export const totalNames = Object.keys(noCalls) as readonly (keyof CallTotals)[];

/** Adds two. */
export function addTotals(a: CallTotals, b: CallTotals): CallTotals {
  const sum: Record<string, number> = {};
  for (const name of totalNames) sum[name] = a[name] + b[name];
  return sum as unknown as CallTotals;
}

const bytesPerGb = 1 << 30;

function dollarsOf(
  record: CallRecord,
  prices: Prices,
  usage: { readonly gbSeconds: number; readonly seconds: number; readonly requests: number },
): number {
  switch (record.pool.platform) {
    case 'lambda-arm64':
      return usage.gbSeconds * prices.lambdaArm64GbSecond + usage.requests * prices.lambdaRequest;
    case 'lambda-x86':
      return usage.gbSeconds * prices.lambdaX86GbSecond + usage.requests * prices.lambdaRequest;
    case 'cloudrun':
      return (
        usage.gbSeconds * prices.cloudRunGibSecond +
        usage.seconds * prices.cloudRunVcpus * prices.cloudRunVcpuSecond +
        usage.requests * prices.cloudRunRequest
      );
    case 'none':
      return 0;
  }
}

/**
 * What a call took and cost. Where the function does not say what is billed, the time of the call counts; a call that was given up counts until its estimated end.
 * What never reached a function (a refused connection, throttling) bills no time.
 */
export function priceCall(record: CallRecord, prices: Prices): CallTotals {
  const { cost, durationMs, wastedMs, end } = record;
  const turnedAway = record.reason === 'transport' || record.reason === 'throttled';
  const billedMs = turnedAway ? 0 : (cost?.billedMs ?? durationMs + wastedMs);
  const memoryMb = cost?.memoryMb ?? record.pool.memoryMb ?? 0;
  const seconds = billedMs / 1000;
  const gbSeconds = seconds * ((memoryMb * (1 << 20)) / bytesPerGb);
  const requests = cost?.requests ?? 1;
  const ended = { cancelled: end === 'lost' || end === 'abandoned' ? 1 : 0, failed: end === 'failed' ? 1 : 0 };
  const hedged = { hedges: record.hedged ? 1 : 0, hedgeWins: record.hedged && end === 'answered' ? 1 : 0 };
  const dollars = dollarsOf(record, prices, { gbSeconds, seconds, requests }) + record.gets * prices.get;
  return {
    ...{ calls: 1, ...hedged, ...ended, coldStarts: cost?.coldStart ? 1 : 0 },
    ...{ billedMs, wastedMs, gbSeconds, gets: record.gets, bytesRead: record.bytesRead, dollars },
  };
}
