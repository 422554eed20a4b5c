import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseForm } from '#engine/api/form.ts';
import {
  type AlbEvent,
  albResult,
  httpApiResult,
  isHttpApiEvent,
  readAlbEvent,
  readHttpApiEvent,
} from '../../../functions/lambda-events.ts';

/** As a load balancer sends it: values still escaped. */
const albEvent = {
  requestContext: { elb: { targetGroupArn: 'arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/search/1' } },
  httpMethod: 'GET',
  path: '/some%20path',
  queryStringParameters: { q: '%7B+name+%3D+%22a%26b%3Bc%22+%7D', start: '1', tags: 'a%20b' },
  headers: { host: 'search.example', 'X-Scope-OrgID': 'one', 'user-agent': 'Go-http-client/1.1' },
  body: '',
  isBase64Encoded: false,
};

function formOf(url: string): ReadonlyMap<string, string> {
  return parseForm(url.slice(url.indexOf('?') + 1));
}

function response(body: string, status = 200) {
  return { status, headers: { 'content-type': 'text/plain; charset=utf-8' }, body: Buffer.from(body) };
}

test('unescapes each value of a load balancer once', () => {
  const request = readAlbEvent(albEvent);
  assert.equal(request.method, 'GET');
  assert.deepEqual(
    [...formOf(request.url)],
    [
      ['q', '{ name = "a&b;c" }'],
      ['start', '1'],
      ['tags', 'a b'],
    ],
  );
  assert.equal(request.headers['x-scope-orgid'], 'one');
});

test('multi-value members replace single ones', () => {
  const event: AlbEvent = {
    queryStringParameters: { a: '1', b: '%32' },
    multiValueQueryStringParameters: { a: ['%33', '4'], c: ['%C3%A9'] },
    headers: { 'X-Scope-OrgID': 'one' },
    multiValueHeaders: { 'x-scope-orgid': ['two', 'three'] },
  };
  const request = readAlbEvent(event);
  assert.equal(request.method, 'GET', 'an empty method is GET');
  assert.equal(request.url, '/?a=3&a=4&b=2&c=%C3%A9');
  assert.equal(request.headers['x-scope-orgid'], 'two');
});

test('keys are taken as they are', () => {
  assert.deepEqual([...formOf(readAlbEvent({ queryStringParameters: { 'a%20b': '1' } }).url).keys()], ['a%20b']);
});

test('a bad escape is an error in the words of Tempo', () => {
  assert.throws(() => readAlbEvent({ queryStringParameters: { q: 'a%ZZb' } }), {
    message: 'failed to unescape query string parameter q: a%ZZb: invalid URL escape "%ZZ"',
  });
  assert.throws(() => readAlbEvent({ multiValueQueryStringParameters: { q: ['a', '%4'] } }), {
    message: 'failed to unescape multi val query string parameter q: %4: invalid URL escape "%4"',
  });
});

test('empty members are no members', () => {
  const nothing = { queryStringParameters: null, multiValueQueryStringParameters: null, headers: null, multiValueHeaders: null };
  const { method, url, headers } = readAlbEvent(nothing);
  assert.deepEqual({ method, url, headers }, { method: 'GET', url: '/?', headers: {} });
});

test('a function URL gives the query string as it is', () => {
  const event = {
    version: '2.0' as const,
    rawPath: '/search',
    rawQueryString: 'q=%7B+%7D&start=1',
    headers: { 'x-scope-orgid': 'one' },
    requestContext: { http: { method: 'POST' } },
  };
  assert.ok(isHttpApiEvent(event));
  assert.ok(!isHttpApiEvent(albEvent));
  const { method, url, headers } = readHttpApiEvent(event);
  assert.deepEqual({ method, url, headers }, { method: 'POST', url: '/search?q=%7B+%7D&start=1', headers: { 'x-scope-orgid': 'one' } });
});

test('a result for a load balancer has every member', () => {
  assert.deepEqual(albResult(response('{"metrics":{}}')), {
    statusCode: 200,
    statusDescription: '',
    headers: {},
    multiValueHeaders: null,
    body: '{"metrics":{}}',
    isBase64Encoded: false,
  });
});

test('a result for a function URL has its content type', () => {
  assert.deepEqual(httpApiResult(response('é', 400)), {
    statusCode: 400,
    headers: { 'content-type': 'text/plain; charset=utf-8' },
    body: 'é',
    isBase64Encoded: false,
  });
});

test('what is too large for the platform is refused, not cut', () => {
  const fits = albResult(response('x'.repeat(1_000_000)));
  assert.equal(fits.statusCode, 200);
  assert.equal(fits.body.length, 1_000_000);
  const quotes = albResult(response('"'.repeat(600_000)));
  assert.equal(quotes.statusCode, 413, 'quotes take two bytes in the result');
  assert.match(
    quotes.body,
    /^serverless \[sending response\]: the answer has 1200\d{3} bytes, more than the 1048576 .*Load Balancer.*limit/,
  );
  assert.equal(httpApiResult(response('x'.repeat(6_000_000))).statusCode, 200);
  const large = httpApiResult(response('x'.repeat(6_300_000)));
  assert.equal(large.statusCode, 413);
  assert.match(large.body, /more than the 6291456 that a Lambda function may answer/);
});
