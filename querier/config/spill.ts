import type { Prices } from '../cost/prices.ts';
import type { ConfigValue } from './schema/key.ts';

/** `querier.external.*`: what decides about jobs that go out (docs/spill-and-hedge.md). */
export interface SpillConfig {
  readonly spillBy: 'slots' | 'predicted_wait';
  /** false: what no function answers has failed. */
  readonly fallBackToSelf: boolean;
  /** `auto`: static where `external_hedge_requests_at` or `_up_to` are not at their defaults, adaptive otherwise. */
  readonly hedging: 'auto' | 'adaptive' | 'static' | 'off';
  /** Calls of one job in all, of adaptive hedging. */
  readonly hedgeUpTo: number;
  /** Hedges per call. */
  readonly hedgeBudget: number;
  readonly hedgeBurst: number;
  readonly maxConcurrentCalls: number;
  readonly maxJobsPerCall: number;
  readonly targetBytesPerCall: number;
  readonly throttleWaitMs: number;
  readonly prices: Prices;
}

/** Reads the keys of `querier.external`; the decoder has checked their types. */
export function spillConfig(values: ReadonlyMap<string, ConfigValue>): SpillConfig {
  const value = (name: string) => values.get(`querier.external.${name}`);
  return {
    spillBy: value('spill_by') as SpillConfig['spillBy'],
    fallBackToSelf: value('fall_back_to_self') as boolean,
    hedging: value('hedging') as SpillConfig['hedging'],
    hedgeUpTo: value('hedge_up_to') as number,
    hedgeBudget: value('hedge_budget') as number,
    hedgeBurst: value('hedge_burst') as number,
    maxConcurrentCalls: value('max_concurrent_calls') as number,
    maxJobsPerCall: value('max_jobs_per_call') as number,
    targetBytesPerCall: value('target_bytes_per_call') as number,
    throttleWaitMs: value('throttle_wait') as number,
    prices: {
      lambdaArm64GbSecond: value('prices.lambda_arm64_gb_second') as number,
      lambdaX86GbSecond: value('prices.lambda_x86_gb_second') as number,
      lambdaRequest: value('prices.lambda_request') as number,
      cloudRunVcpuSecond: value('prices.cloudrun_vcpu_second') as number,
      cloudRunGibSecond: value('prices.cloudrun_gib_second') as number,
      cloudRunRequest: value('prices.cloudrun_request') as number,
      cloudRunVcpus: value('prices.cloudrun_vcpus') as number,
      get: value('prices.get_request') as number,
    },
  };
}
