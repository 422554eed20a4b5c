import { ownSection } from './key.ts';

/** Keys of `querier.external`: how jobs go out. None of them is Tempo's, and none has to be set. */
export const spillKeys = ownSection('querier.external', [
  [
    'pools',
    'any',
    undefined,
    'used',
    'More functions, used in this order after `external_endpoints`: a list of `name`, `endpoints` (URLs, `lambda:FUNCTION[:ALIAS]`), `auth`, `region`, `platform`, `memory_mb`.',
  ],
  ['version_check', 'string', 'warn', 'used', 'What to do about a function of another version: `refuse` it, `warn`, or `off`.'],
  [
    'spill_by',
    'string',
    'slots',
    'used',
    'When jobs go out: `slots` counts them (`prefer_self`), `predicted_wait` compares what both places would need.',
  ],
  ['fall_back_to_self', 'bool', true, 'used', 'Run here what no function answers; false fails it, as Tempo does.'],
  [
    'hedging',
    'string',
    'auto',
    'used',
    '`adaptive` learns when a call is slow, `static` takes `external_hedge_requests_at`, `off` never repeats; `auto` is static where that or `_up_to` is set.',
  ],
  ['hedge_up_to', 'int', 4, 'used', 'Calls of one job in all, with adaptive hedging.'],
  ['hedge_budget', 'float', 0.085, 'used', 'Most repeated calls, as a share of calls, whatever the day is like.'],
  ['hedge_burst', 'int', 10, 'used', 'Repeated calls before others have earned them.'],
  ['max_concurrent_calls', 'int', 1000, 'used', 'Calls of one endpoint at once; more wait.'],
  ['max_jobs_per_call', 'int', 10, 'used', 'Small jobs share a call, up to that many.'],
  ['target_bytes_per_call', 'int', 104857600, 'used', 'Jobs share a call until they cover about that many bytes of block.'],
  // List prices of us-east-1 and us-central1, November 2026: Lambda and S3 standard from aws.amazon.com, Cloud Run request-based from cloud.google.com.
  ['prices.lambda_arm64_gb_second', 'float', 0.0000133334, 'used', 'US dollars; for costs in headers, logs and metrics, and for caps.'],
  ['prices.lambda_x86_gb_second', 'float', 0.0000166667, 'used', 'US dollars.'],
  ['prices.lambda_request', 'float', 0.0000002, 'used', 'US dollars a call.'],
  ['prices.cloudrun_vcpu_second', 'float', 0.000024, 'used', 'US dollars.'],
  ['prices.cloudrun_gib_second', 'float', 0.0000025, 'used', 'US dollars.'],
  ['prices.cloudrun_request', 'float', 0.0000004, 'used', 'US dollars a call.'],
  ['prices.cloudrun_vcpus', 'float', 1, 'used', 'vCPUs of an instance.'],
  ['prices.get_request', 'float', 0.0000004, 'used', 'US dollars a GET request to the object storage.'],
  ['throttle_wait', 'duration', '500ms', 'used', 'How long a job waits where all endpoints throttle, before it runs here.'],
]);
