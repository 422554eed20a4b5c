// The function of the synthesised template: its archive, its settings, its environment and its role, run in the local Lambda, called by a querier with the
// AWS SDK, over blocks in S3 whose server asks the role's policy before each answer.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { localStorage, startServer } from '../../../infra/local/server.ts';
import { type Front, startInvokeApi } from '../../local-lambda/fronts.ts';
import { createLocalFunction, type LocalFunction } from '../../local-lambda/service.ts';
import { buildLambdaZip, caller } from '../../local-lambda/start.ts';
import { type S3Server, startS3Server } from '../backend/s3-server.ts';
import { type AccessRequest, isAllowed } from './iam.ts';
import { synthesise } from './synthesise.ts';
import { functionRoles, resourcesOf, statementsOf } from './template.ts';

const blocks = join(import.meta.dirname, '../../fixtures/blocks');
const [readable, other] = ['vp4', 'vp5'];
/** What Lambda puts into the environment of a function: its role's credentials. */
const role = { accessKey: 'ASIAROLE', secretKey: 'role-secret', sessionToken: 'role-token' };

interface FunctionProperties {
  readonly FunctionName: string;
  readonly Handler: string;
  readonly MemorySize: number;
  readonly Timeout: number;
  readonly Environment: { readonly Variables: Readonly<Record<string, string>> };
}

let s3: S3Server;
let fn: LocalFunction;
let api: Front;
let removeZip = () => {};
/** What was asked of the policy, and what it said. */
const asked: (AccessRequest & { readonly allowed: boolean })[] = [];

before(async () => {
  const { functions } = synthesise({ bucket: 'traces', tenants: readable, functions: 1 });
  const [[, properties]] = resourcesOf(functions, 'AWS::Lambda::Function') as unknown as readonly (readonly [string, FunctionProperties])[];
  const statements = statementsOf(functions, functionRoles(functions)[0]!);
  s3 = await startS3Server({
    root: blocks,
    bucket: 'traces',
    ...role,
    allows: (request) => {
      const allowed = isAllowed(statements, request);
      asked.push({ ...request, allowed });
      return allowed;
    },
  });
  const { zipPath, remove } = await buildLambdaZip();
  removeZip = remove;
  assert.equal(properties!.Handler, 'lambda.handler');
  fn = createLocalFunction({
    name: properties!.FunctionName,
    zipPath,
    memoryMb: properties!.MemorySize,
    timeoutMs: properties!.Timeout * 1000,
    concurrency: 4,
    variables: {
      ...properties!.Environment.Variables,
      // Loopback in the place of the region's S3: no name resolves here, and it has no certificate.
      TEMPO_S3_ENDPOINT: s3.endpoint,
      TEMPO_S3_INSECURE: 'true',
      TEMPO_S3_FORCEPATHSTYLE: 'true',
      AWS_ACCESS_KEY_ID: role.accessKey,
      AWS_SECRET_ACCESS_KEY: role.secretKey,
      AWS_SESSION_TOKEN: role.sessionToken,
    },
  });
  api = await startInvokeApi([fn], caller);
  Object.assign(process.env, {
    AWS_ACCESS_KEY_ID: caller.accessKeyId,
    AWS_SECRET_ACCESS_KEY: caller.secretAccessKey,
    AWS_REGION: 'us-east-1',
  });
});
after(async () => {
  api?.stop();
  await fn?.stop();
  await s3?.close();
  removeZip();
});

interface Answer {
  readonly status: number;
  readonly traceIds: readonly string[];
  readonly text: string;
}

async function search(url: string, tenant: string): Promise<Answer> {
  const parameters = new URLSearchParams({ q: '{ duration > 1ms }', start: '1768046400', end: '1768050000', limit: '500' });
  const response = await fetch(`${url}/api/search?${parameters}`, { headers: { 'X-Scope-OrgID': tenant } });
  const text = await response.text();
  if (response.status !== 200) return { status: response.status, traceIds: [], text };
  const { traces } = JSON.parse(text) as { readonly traces: readonly { readonly traceID: string }[] };
  return { status: response.status, traceIds: traces.map(({ traceID }) => traceID).sort(), text };
}

const common = { storage: localStorage(blocks), multitenancy: true, targetBytesPerJob: 1 };

describe('the deployed function', () => {
  test('answers searches with the permissions of its role and no more', async (t) => {
    const pool = { name: 'lambda', endpoints: ['lambda:rubato-search-1:live'], region: 'us-east-1', lambda_api: api.url };
    const external = { pools: [pool], fall_back_to_self: false };
    const [alone, spilling] = await Promise.all([startServer(common), startServer({ ...common, preferSelf: 0, external })]);
    t.after(() => Promise.all([alone.stop(), spilling.stop()]));

    const expected = await search(alone.url, readable!);
    assert.ok(expected.traceIds.length > 20, expected.text.slice(0, 300));
    asked.splice(0);
    const answer = await search(spilling.url, readable!);
    assert.equal(answer.status, 200, answer.text);
    assert.deepEqual(answer.traceIds, expected.traceIds);
    const jobs = (await (await fetch(`${spilling.url}/status/jobs`)).json()) as readonly { readonly where: string }[];
    assert.ok(jobs.length > 0 && jobs.every(({ where }) => where === 'external'), JSON.stringify(jobs.slice(0, 3)));
    assert.ok(asked.length > 0 && asked.every(({ allowed }) => allowed), JSON.stringify(asked.filter(({ allowed }) => !allowed)));
    assert.deepEqual([...new Set(asked.map(({ action }) => action))], ['s3:GetObject']);

    // The same function, asked for the blocks of a tenant that the deployment does not name.
    assert.ok((await search(alone.url, other!)).traceIds.length > 0);
    asked.splice(0);
    const refused = await search(spilling.url, other!);
    assert.equal(refused.status, 500, refused.text);
    assert.match(refused.text, /AccessDenied|denied|403/i);
    assert.ok(
      asked.some(({ allowed, resource }) => !allowed && resource.startsWith(`arn:aws:s3:::traces/${other}/`)),
      JSON.stringify(asked),
    );
  });
});
