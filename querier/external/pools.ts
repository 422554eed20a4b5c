import type { VersionProbe } from '#engine/api/function-version.ts';
import { createCredentialSource } from '#engine/backend/aws-credentials.ts';
import type { Environment } from '#engine/backend/s3-options.ts';
import type { Clock } from '#engine/base/clock.ts';
import type { LimitsOf } from '../config/limits.ts';
import type { FunctionsConfig } from '../config/pools.ts';
import { type CarryBatch, createBatchInvoke } from './batch-invoke.ts';
import { parseEndpoint } from './endpoints.ts';
import { createGetInvoke } from './get-invoke.ts';
import { authorizedSend, createHttpCarry, createHttpGreeting } from './http-batch.ts';
import { httpGetOf } from './http-get.ts';
import { createHttpSend, type HttpSend } from './http-send.ts';
import { createIdTokens } from './id-tokens.ts';
import { createLambdaInvoke, maxLambdaRequestBytes, parseLambdaEndpoint } from './lambda-invoke.ts';
import { createGreetedEndpoint, type GreetedEndpoint } from './negotiated.ts';
import type { Pool } from './pool.ts';
import type { PoolConfig } from './pool-config.ts';
import { signRequests } from './sigv4-requests.ts';

/** What {@link openPools} needs of the process. */
export interface OpenPoolsOptions {
  readonly config: FunctionsConfig;
  readonly limits: LimitsOf;
  readonly clock: Clock;
  /** Variables of the environment: credentials and region of AWS. */
  readonly env: Environment;
  /** Told of each round trip, until the headers of the answer. */
  readonly onRoundTrip: (endpoint: string, durationMs: number) => void;
  /** Told of what an operator should know of an endpoint. */
  readonly onComplaint: (endpoint: string, complaint: string) => void;
}

/** Functions that can be called. */
export interface OpenPools {
  readonly pools: readonly Pool[];
  /** Asks all endpoints what they are, and whether they can read that block. Never rejects: what does not answer is asked again with its first call. */
  readonly greet: (probe: VersionProbe | undefined, signal: AbortSignal) => Promise<void>;
}

/** The longest answer of a function: platforms allow less. */
const maxBodyBytes = 256 << 20;
/** A load balancer takes 1 MiB, and hands it on to Lambda as base64. */
const maxHttpRequestBytes = 700 * 1024;

/** How requests of a pool prove who calls. Rejects with `config` where a proof cannot be had. */
async function sendOf(pool: PoolConfig, send: HttpSend, { env, clock }: OpenPoolsOptions): Promise<HttpSend> {
  const urls = pool.endpoints.filter((url) => parseLambdaEndpoint(url) === undefined);
  if (pool.auth === 'none' || urls.length === 0) return send;
  if (pool.auth === 'google_id_token') return authorizedSend(send, await createIdTokens(urls));
  const credentials = createCredentialSource({ accessKey: '', secretKey: '', sessionToken: '', env, clock });
  const region = pool.region || env.AWS_REGION || env.AWS_DEFAULT_REGION || '';
  return authorizedSend(send, signRequests(credentials, clock, region));
}

function lambdaEndpoint(url: string, pool: PoolConfig, options: OpenPoolsOptions): GreetedEndpoint | undefined {
  const target = parseLambdaEndpoint(url);
  if (target === undefined) return undefined;
  const { clock, onRoundTrip } = options;
  const lambda = createLambdaInvoke({ ...target, region: target.region || pool.region }, { endpoint: pool.lambdaApi });
  const carry: CarryBatch = async (request, signal) => {
    const startedMs = clock.monotonicMs();
    try {
      return await lambda.carry(request, signal);
    } finally {
      onRoundTrip(url, clock.monotonicMs() - startedMs);
    }
  };
  return createGreetedEndpoint({
    url,
    calls: (onEngine) =>
      createBatchInvoke({ carry, maxRequestBytes: maxLambdaRequestBytes, clock, onAnswer: ({ engine }) => onEngine(engine) }),
    tempo: undefined,
    ask: lambda.greet,
    check: options.config.versionCheck,
    clock,
    onComplaint: (complaint) => options.onComplaint(url, complaint),
  });
}

function httpEndpoint(url: string, send: HttpSend, options: OpenPoolsOptions): GreetedEndpoint {
  const { clock, limits } = options;
  const endpoint = parseEndpoint(url);
  const http = { endpoint, send, clock };
  const carry = createHttpCarry(http);
  return createGreetedEndpoint({
    url,
    calls: (onEngine) =>
      createBatchInvoke({ carry, maxRequestBytes: maxHttpRequestBytes, clock, onAnswer: ({ engine }) => onEngine(engine) }),
    tempo: createGetInvoke({ endpoint, httpGet: httpGetOf(send), limits, clock }),
    ask: createHttpGreeting(http),
    check: options.config.versionCheck,
    clock,
    onComplaint: (complaint) => options.onComplaint(url, complaint),
  });
}

/** Opens the configured pools; none where no endpoints are configured. Rejects with `config` where an endpoint cannot be called, and why. */
export async function openPools(options: OpenPoolsOptions): Promise<OpenPools> {
  const { clock, onRoundTrip } = options;
  const onHttpRoundTrip = ({ url }: { readonly url: string }, durationMs: number) => onRoundTrip(url, durationMs);
  const send = createHttpSend({ maxBodyBytes, monotonicMs: clock.monotonicMs, onRoundTrip: onHttpRoundTrip });
  const greeted: GreetedEndpoint[] = [];
  const pools: Pool[] = [];
  for (const pool of options.config.pools) {
    const proven = await sendOf(pool, send, options);
    const endpoints = [...new Set(pool.endpoints)].map((url) => lambdaEndpoint(url, pool, options) ?? httpEndpoint(url, proven, options));
    greeted.push(...endpoints);
    const { name, platform, memoryMb } = pool;
    pools.push({ name, endpoints, platform, memoryMb, stopsOnAbort: !platform.startsWith('lambda') });
  }
  const greet = async (probe: VersionProbe | undefined, signal: AbortSignal) => {
    await Promise.all(greeted.map((endpoint) => endpoint.greet(probe, signal)));
  };
  return { pools, greet };
}
