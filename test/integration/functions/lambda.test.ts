// The Lambda entry point with events as Lambda gives them, over real blocks.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { before, test } from 'node:test';
import type { LambdaContext, handler as lambdaHandler } from '../../../functions/lambda.ts';
import type { DirectEvent, LambdaEvent } from '../../../functions/lambda-events.ts';
import { loadCases, recordedBlocks } from '../../conformance/cases.ts';
import { compareAnswer } from '../../conformance/compare.ts';

type HttpEvent = Exclude<LambdaEvent, DirectEvent>;

let invoke: typeof lambdaHandler;
/** Calls the function with an event that stands for an HTTP request. */
async function handler(event: HttpEvent, lambdaContext: LambdaContext, called = invoke) {
  const result = await called(event, lambdaContext);
  assert.ok('statusCode' in result);
  return result;
}
before(async () => {
  process.env.TEMPO_BACKEND = 'local';
  process.env.TEMPO_LOCAL_PATH = recordedBlocks;
  ({ handler: invoke } = await import('../../../functions/lambda.ts'));
});

const lambdaPath = '../../../functions/lambda.ts';
const context = { getRemainingTimeInMillis: () => 30_000 };
const recorded = loadCases('serverless').find(({ id }) => id === 'serverless-0001')!;
const query = recorded.path.slice(2);

/** Parameters as a load balancer gives them: names as they are, values still escaped. */
const escapedParameters = Object.fromEntries(query.split('&').map((pair) => pair.split('=') as [string, string]));
const albEvent = {
  requestContext: { elb: { targetGroupArn: 'arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/search/0123456789abcdef' } },
  httpMethod: 'GET',
  path: '/',
  queryStringParameters: escapedParameters,
  headers: { host: 'search.example', 'x-scope-orgid': 'vp4', 'accept-encoding': 'gzip', 'user-agent': 'Go-http-client/1.1' },
  body: '',
  isBase64Encoded: false,
};

function assertRecorded(result: { readonly statusCode: number; readonly body: string }): void {
  const answer = { status: result.statusCode, contentType: 'text/plain; charset=utf-8', body: Buffer.from(result.body) };
  assert.deepEqual(compareAnswer(recorded, answer), []);
}

test('answers a load balancer', async () => {
  const result = await handler(albEvent, context);
  assertRecorded(result);
  assert.deepEqual(
    { ...result, body: '' },
    {
      statusCode: 200,
      statusDescription: '',
      headers: {},
      multiValueHeaders: null,
      body: '',
      isBase64Encoded: false,
    },
  );
});

test('answers a load balancer with multi-value members', async () => {
  const { queryStringParameters: _, headers, ...rest } = albEvent;
  const lists = (values: Readonly<Record<string, string>>) =>
    Object.fromEntries(Object.entries(values).map(([name, value]) => [name, [value]]));
  const event = { ...rest, multiValueQueryStringParameters: lists(escapedParameters), multiValueHeaders: lists(headers) };
  assertRecorded(await handler(event, context));
});

test('answers a function URL', async () => {
  const event = {
    version: '2.0' as const,
    routeKey: '$default',
    rawPath: '/',
    rawQueryString: query,
    headers: albEvent.headers,
    requestContext: { http: { method: 'GET', path: '/', protocol: 'HTTP/1.1', sourceIp: '192.0.2.1', userAgent: 'Go-http-client/1.1' } },
    isBase64Encoded: false,
  };
  const result = await handler(event, context);
  assertRecorded(result);
  assert.deepEqual(Object.keys(result).sort(), ['body', 'headers', 'isBase64Encoded', 'statusCode']);
});

test('errors are answers', async () => {
  const bad = await handler({ ...albEvent, queryStringParameters: { ...escapedParameters, q: '%ZZ' } }, context);
  assert.equal(bad.statusCode, 500);
  assert.equal(bad.body, 'failed to unescape query string parameter q: %ZZ: invalid URL escape "%ZZ"');
  const anonymous = await handler({ ...albEvent, headers: {} }, context);
  assert.equal(anonymous.statusCode, 400);
  assert.equal(anonymous.body, 'serverless [extracting org id]: no org id');
  assert.deepEqual(anonymous.headers, {});
});

test('stops before the platform does', async () => {
  const result = await handler(albEvent, { getRemainingTimeInMillis: () => 100 });
  assert.equal(result.statusCode, 500);
  assert.equal(result.body, 'serverless [searching block]: context deadline exceeded');
});

test('an answer of more than 1 MiB is refused by name', async () => {
  process.env.TEMPO_LOCAL_PATH = join(import.meta.dirname, '../../fixtures/bench/blocks');
  // Another instance of the module, with a backend of its own.
  const { handler: other } = (await import(`${lambdaPath}?bench`)) as { readonly handler: typeof lambdaHandler };
  const everything = { ...escapedParameters, q: '%7B%7D', start: '1768040000', limit: '100000', spss: '100000' };
  const block = {
    blockID: '54000000-0000-4000-8000-202601101200',
    pagesToSearch: '3',
    totalRecords: '3',
    size: '1232319',
    footerSize: '50867',
  };
  const event = { ...albEvent, headers: { 'x-scope-orgid': 'smoke' }, queryStringParameters: { ...everything, ...block } };
  const result = await handler(event, context, other);
  assert.equal(result.statusCode, 413, result.body.slice(0, 200));
  assert.match(result.body, /^serverless \[sending response\]: the answer has \d{7} bytes/);
});
