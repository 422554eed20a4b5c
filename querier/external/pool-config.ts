import { AppError } from '#engine/base/errors.ts';
import { parseEndpoint } from './endpoints.ts';
import { parseLambdaEndpoint } from './lambda-invoke.ts';
import type { Platform } from './pool.ts';

/** How requests of a pool prove who calls. */
export type PoolAuth = 'none' | 'google_id_token' | 'aws_sigv4';

/** A pool as configured. */
export interface PoolConfig {
  readonly name: string;
  /** URLs, or `lambda:FUNCTION[:ALIAS]`. */
  readonly endpoints: readonly string[];
  readonly platform: Platform;
  readonly auth: PoolAuth;
  /** '' is that of the endpoint, else of the environment. */
  readonly region: string;
  readonly memoryMb: number | undefined;
  /** Address of the Lambda API, for private endpoints and tests; '' is AWS's own. */
  readonly lambdaApi: string;
}

/** What `querier.search` says of functions, as Tempo has it. */
export interface TempoExternalConfig {
  readonly backend: string;
  readonly endpoints: readonly string[];
  readonly cloudRunEndpoints: readonly string[];
  readonly cloudRunNoAuth: boolean;
}

const platforms: readonly Platform[] = ['lambda-arm64', 'lambda-x86', 'cloudrun', 'none'];
const auths: readonly PoolAuth[] = ['none', 'google_id_token', 'aws_sigv4'];
const members = ['name', 'endpoints', 'platform', 'auth', 'region', 'memory_mb', 'lambda_api'];
const where = 'querier.external.pools';

/** What an endpoint's address gives away; everything else has to be said. */
function platformOf(endpoints: readonly string[]): Platform {
  const all = (test: RegExp) => endpoints.length > 0 && endpoints.every((url) => test.test(url));
  if (all(/^lambda:|\.lambda-url\.[a-z0-9-]+\.on\.aws(\/|$)/)) return 'lambda-arm64';
  return all(/^https:\/\/[^/]+\.run\.app(\/|$)/) ? 'cloudrun' : 'none';
}

/** The pool of `external_endpoints` (spec read-path §6.1). Undefined without any. */
function tempoPool({ backend, endpoints, cloudRunEndpoints, cloudRunNoAuth }: TempoExternalConfig): PoolConfig | undefined {
  const used = backend === 'google_cloud_run' ? cloudRunEndpoints : endpoints;
  if (used.length === 0) return undefined;
  const auth = backend === 'google_cloud_run' && !cloudRunNoAuth ? 'google_id_token' : backend === 'aws_lambda' ? 'aws_sigv4' : 'none';
  const platform = backend === 'google_cloud_run' ? 'cloudrun' : backend === 'aws_lambda' ? 'lambda-arm64' : platformOf(used);
  return { name: 'default', endpoints: used, platform, auth, region: '', memoryMb: undefined, lambdaApi: '' };
}

function bad(problem: string): AppError {
  return new AppError('config', `${where}: ${problem}`);
}

function oneOf<Choice extends string>(value: unknown, choices: readonly Choice[], fallback: Choice, what: string): Choice {
  if (value === undefined) return fallback;
  const found = choices.find((choice) => choice === value);
  if (found === undefined) throw bad(`${what} is one of ${choices.join(', ')}, not ${JSON.stringify(value)}`);
  return found;
}

function poolOf(value: unknown, index: number): PoolConfig {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw bad(`entry ${index + 1} is no section`);
  const fields = value as Readonly<Record<string, unknown>>;
  const unknown = Object.keys(fields).find((name) => !members.includes(name));
  if (unknown !== undefined) throw bad(`unknown key ${unknown}; there are ${members.join(', ')}`);
  const { name, endpoints, platform, auth, region = '', memory_mb: memoryMb, lambda_api: lambdaApi = '' } = fields;
  if (typeof name !== 'string' || name === '') throw bad(`entry ${index + 1} needs a name`);
  if (!Array.isArray(endpoints) || endpoints.length === 0 || !endpoints.every((one) => typeof one === 'string')) {
    throw bad(`pool ${name} needs endpoints, a list of URLs or lambda:FUNCTION[:ALIAS]`);
  }
  if (typeof region !== 'string' || typeof lambdaApi !== 'string') throw bad(`region and lambda_api of pool ${name} are texts`);
  if (memoryMb !== undefined && !(typeof memoryMb === 'number' && memoryMb > 0)) throw bad(`memory_mb of pool ${name} is a number above 0`);
  return {
    name,
    endpoints: endpoints as readonly string[],
    platform: oneOf(platform, platforms, platformOf(endpoints), `platform of pool ${name}`),
    auth: oneOf(auth, auths, 'none', `auth of pool ${name}`),
    region,
    memoryMb: memoryMb as number | undefined,
    lambdaApi,
  };
}

/** Reads and checks all pools, that of `external_endpoints` first. Throws `config`, and says which pool and why. */
export function readPools(tempo: TempoExternalConfig, pools: unknown): readonly PoolConfig[] {
  if (tempo.backend === 'google_cloud_run' && tempo.cloudRunEndpoints.length === 0) {
    throw new AppError(
      'config',
      'querier.search.external_backend google_cloud_run needs querier.search.google_cloud_run.external_endpoints',
    );
  }
  if (pools !== undefined && pools !== null && !Array.isArray(pools)) throw bad('a list of pools');
  const first = tempoPool(tempo);
  const all = [...(first === undefined ? [] : [first]), ...((pools ?? []) as readonly unknown[]).map(poolOf)];
  const poolOfUrl = new Map<string, string>();
  const names = new Set<string>();
  for (const { name, endpoints } of all) {
    if (names.has(name)) throw bad(`two pools are called ${name}`);
    names.add(name);
    for (const url of endpoints) {
      if (parseLambdaEndpoint(url) === undefined) parseEndpoint(url);
      const other = poolOfUrl.get(url) ?? name;
      if (other !== name) throw bad(`endpoint ${url} is in the pools ${other} and ${name}`);
      poolOfUrl.set(url, name);
    }
  }
  return all;
}
