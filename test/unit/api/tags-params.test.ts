import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { parseTagNamesParams, parseTagValuesParams, type TagsRules } from '#engine/api/tags-params.ts';

interface RecordedRequest {
  readonly id: string;
  readonly path: string;
  readonly error?: string;
}

const recordings = JSON.parse(
  readFileSync(new URL('../../fixtures/api/metrics-and-tags-requests.json', import.meta.url), 'utf8'),
) as readonly RecordedRequest[];
const rules: TagsRules = { nowSeconds: 1_790_000_000, queryEndCutoffSeconds: 0, queryBackendAfterSeconds: 0, maxDurationSeconds: 0 };
const range = { startSeconds: 1_768_046_400, endSeconds: 1_768_050_000 };

function parseRecorded(target: string) {
  const [path = '', query = ''] = target.split('?');
  const version = path.startsWith('/api/v2/') ? 2 : 1;
  return path.endsWith('/values') ? parseTagValuesParams(path, query, version, rules) : parseTagNamesParams(query, version, rules);
}

test('Tempo 3.0.3 accepts and refuses the same tag parameters, with the same texts', () => {
  const tags = recordings.filter(({ path }) => path.includes('/search/tag'));
  let refused = 0;
  for (const { id, path, error } of tags) {
    if (error === undefined || error.startsWith('please provide a valid tagName')) {
      parseRecorded(path);
    } else {
      assert.throws(() => parseRecorded(path), { code: 'bad_request', message: error }, id);
      refused++;
    }
  }
  assert.ok(refused >= 3 && tags.length - refused >= 40, `${refused} of ${tags.length}`);
});

test('names: scope, filter of v2 only, limits that are no numbers are none', () => {
  const query = 'start=1768046400&end=1768050000&q=%7B+.a&limit=5&maxStaleValues=x';
  const common = { ...range, scope: 'none', limit: 5, maxStaleValues: 0 };
  assert.deepEqual(parseTagNamesParams(query, 2, rules), { ...common, filter: '{ .a' });
  assert.deepEqual(parseTagNamesParams(query, 1, rules), { ...common, filter: '' });
  assert.equal(parseTagNamesParams('scope=trace', 2, rules).scope, 'trace');
  assert.equal(parseTagNamesParams('limit=-1', 2, rules).limit, 0);
});

test('the name of a tag is what stands between tag and values, unescaped', () => {
  const nameIn = (path: string) => parseTagValuesParams(path, '', 2, rules).tagName;
  assert.equal(nameIn('/api/v2/search/tag/span.foo/values'), 'span.foo');
  assert.equal(nameIn('/prefix/api/v2/search/tag/span%3Aname/values'), 'span:name');
  assert.equal(nameIn('/api/v2/search/tag/span.a%2Fb/c/values'), 'span.a/b/c');
  assert.equal(nameIn('/api/v2/search/tag/.%22%D0%BA+%22/values'), '."к+"');
  assert.equal(nameIn('/api/v2/search/tag/values/values'), 'values');
  assert.throws(() => nameIn('/api/v2/search/tag/a%zz/values'), { code: 'bad_request', message: /"a%zz" has a broken escape$/ });
});

test('a bad time range comes before a bad scope, that before too long a range', () => {
  const limited = { ...rules, maxDurationSeconds: 3600 };
  const names = (query: string) => () => parseTagNamesParams(query, 2, limited);
  assert.throws(names('since=x&scope=y'), {
    message: 'error parsing date range: could not parse \'since\' parameter: not a valid duration string: "x"',
  });
  assert.throws(names('start=100&end=7000&scope=y'), { code: 'bad_request', message: 'invalid scope: y' });
  const tooLong = { code: 'bad_request', message: 'range specified by start and end exceeds 1h0m0s. received start=100 end=7000' };
  assert.throws(names('start=100&end=7000'), tooLong);
  assert.throws(() => parseTagValuesParams('/api/search/tag/a/values', 'start=100&end=7000', 1, limited), tooLong);
  assert.doesNotThrow(names('start=100&end=3700'));
});
