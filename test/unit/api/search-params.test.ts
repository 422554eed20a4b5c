import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { parseMaxBytes, parseSearchBlockParams, printSearchBlockParams } from '#engine/api/search-block-params.ts';
import { parseSearchParams, printSearchParams, type SearchParamLimits } from '#engine/api/search-params.ts';

function fixture<Content>(name: string): Content {
  return JSON.parse(readFileSync(new URL(`../../fixtures/api/${name}`, import.meta.url), 'utf8')) as Content;
}

const limits: SearchParamLimits = { defaultLimit: 20, maxLimit: 262144, defaultSpss: 3, maxSpss: 100, maxDurationSeconds: 0 };
const rules = { nowSeconds: 1768050123, queryEndCutoffSeconds: 0, queryBackendAfterSeconds: 0 };
const production = { nowSeconds: 1_000_000, queryEndCutoffSeconds: 30, queryBackendAfterSeconds: 900 };

interface RecordedRequest {
  readonly id: string;
  readonly query: string;
  readonly status: number;
  readonly error?: string;
}

test('Tempo 3.0.3 accepts and refuses the same parameters, with the same texts', () => {
  const cases = fixture<readonly RecordedRequest[]>('search-params.json');
  assert.ok(cases.some((recorded) => recorded.status === 200) && cases.some((recorded) => recorded.status === 400));
  for (const { id, query, error } of cases) {
    if (error === undefined) {
      parseSearchParams(query, limits, rules);
    } else {
      const message = error.replace(/received start=(\d{10}) end=\1/, (text) =>
        query.includes('start=') ? text : 'received start=1768050123 end=1768050123',
      );
      assert.throws(() => parseSearchParams(query, limits, rules), { code: 'bad_request', message }, id);
    }
  }
});

test('what a real 2.7.2 querier sends to functions is read, and printed again byte for byte', () => {
  const { requests } = fixture<{ requests: readonly { id: string; query: string }[] }>('function-requests.json');
  for (const { id, query } of requests) {
    const request = parseSearchBlockParams(query, 'serverless');
    const printed = printSearchBlockParams(request, parseMaxBytes(query));
    const sortedTags = (text: string) => text.replace(/&tags=([^&]*)/, (_, tags: string) => `&tags=${tags.split('+').sort().join('+')}`);
    assert.equal(sortedTags(printed), sortedTags(query), id);
    assert.deepEqual(parseSearchBlockParams(printed, 'tempo'), request, id);
  }
});

test('a function refuses with the texts of tempo-serverless', () => {
  const { errors } = fixture<{ errors: readonly { id: string; query: string; error: string }[] }>('function-requests.json');
  for (const { id, query, error } of errors) {
    const [, action, message] = /^serverless \[(.*?)\]: (.*)$/.exec(error)!;
    const parse = action === 'extracting serverless params' ? parseMaxBytes : (text: string) => parseSearchBlockParams(text, 'serverless');
    assert.throws(() => parse(query), { code: 'bad_request', message }, id);
  }
});

test('a job of a 3.0.3 frontend needs no dataEncoding, one of 2.7.2 no limit and spss', () => {
  const block =
    'blockID=e2000000-f000-4000-8000-00000000000d&pagesToSearch=3692&size=102563&startPage=0&encoding=none&indexPageSize=0&totalRecords=1';
  const newer = parseSearchBlockParams(`start=1&end=5&limit=7&spss=2&q=%7B+%7D&${block}&version=vParquet4&footerSize=18135`, 'tempo');
  assert.deepEqual([newer.limit, newer.spansPerSpanset, newer.query, newer.block.pagesToSearch], [7, 2, '{ }', 3692]);
  const older = parseSearchBlockParams(`q=%7B%20%7D&end=5&start=1&${block}&dataEncoding=&version=vParquet4&footerSize=18135`, 'tempo');
  assert.deepEqual([older.limit, older.spansPerSpanset, older.query], [20, 3, '{ }']);
});

test('a block job says what is missing', () => {
  const parts = {
    blockID: 'e2000000-f000-4000-8000-00000000000d',
    pagesToSearch: '1',
    size: '9',
    startPage: '0',
    encoding: 'none',
    indexPageSize: '0',
    totalRecords: '1',
    version: 'vParquet4',
    footerSize: '1',
    start: '1',
    end: '2',
  };
  const query = (change: Record<string, string>) => `${new URLSearchParams({ ...parts, ...change })}`;
  const cases: [Record<string, string>, string][] = [
    [{ blockID: 'x' }, 'invalid blockID: invalid UUID length: 1'],
    [{ blockID: 'x2000000-f000-4000-8000-00000000000d' }, 'invalid blockID: invalid UUID format'],
    [{ encoding: '' }, 'invalid encoding: , supported: none, gzip, lz4-64k, lz4-256k, lz4-1M, lz4, snappy, zstd, s2'],
    [{ indexPageSize: '' }, 'invalid indexPageSize : strconv.ParseInt: parsing "": invalid syntax'],
    [{ start: 'x' }, 'invalid start: strconv.ParseInt: parsing "x": invalid syntax'],
    [{ limit: 'x' }, 'invalid limit: strconv.Atoi: parsing "x": invalid syntax'],
    [{ limit: '-1' }, 'invalid limit: must be a positive number'],
    [{ spss: '0' }, 'invalid spss: must be a positive number'],
    [{ start: '2' }, 'http parameter start must be before end. received start=2 end=2'],
    [{ footerSize: '4294967296' }, 'invalid footerSize 4294967296: strconv.ParseUint: parsing "4294967296": value out of range'],
    [{ dc: '{}' }, "invalid dedicatedColumns '{}': a list is needed"],
    [{ dc: '[{"scope":7,"name":"x"}]' }, 'invalid dedicatedColumns \'[{"scope":7,"name":"x"}]\': unknown scope 7'],
  ];
  for (const [change, message] of cases) {
    assert.throws(() => parseSearchBlockParams(query(change), 'serverless'), { code: 'bad_request', message });
  }
  assert.equal(parseSearchBlockParams(query({ encoding: '', indexPageSize: '', spss: '0' }), 'tempo').spansPerSpanset, 3);
});

test('a time range is completed as spec http-api §2.2 says', () => {
  const range = (query: string) => {
    const { startSeconds, endSeconds } = parseSearchParams(query, limits, production);
    return [startSeconds, endSeconds];
  };
  assert.deepEqual(range(''), [999_100, 999_970]);
  assert.deepEqual(range('start=0&end=0'), [999_100, 999_970]);
  assert.deepEqual(range('since=1h30m'), [994_570, 999_970]);
  assert.deepEqual(range('since=1h&start=5&end=9'), [996_370, 999_970]);
  assert.deepEqual(range('start=10&end=20'), [10, 20]);
  assert.deepEqual(range('start=10&end=1000000'), [10, 999_970]);
  assert.deepEqual(range('start=999980&end=1000000'), [999_100, 999_970]);
  assert.throws(() => range('since=abc'), {
    message: 'error parsing date range: could not parse \'since\' parameter: not a valid duration string: "abc"',
  });
  const week = { ...limits, maxDurationSeconds: 7 * 86_400 };
  assert.throws(() => parseSearchParams('start=1&end=700000', week, production), {
    message: 'range specified by start and end exceeds 168h0m0s. received start=1 end=700000',
  });
  assert.throws(() => parseSearchParams('spss=101', limits, production), { message: 'spans per span set exceeds 100. received 101' });
});

test('defaults are filled in, and the first of several values counts', () => {
  const request = parseSearchParams('q=%7B+%7D&q=x&limit=5&limit=6&unknown=1&bad=%zz&start=1;2', limits, production);
  assert.deepEqual([request.query, request.limit, request.spansPerSpanset, request.tags.size], ['{ }', 5, 3, 0]);
  assert.equal(parseSearchParams('spss=0', limits, production).spansPerSpanset, 3);
  assert.throws(() => parseSearchParams('q=%7B%7D&tags=a%3Db', limits, production), {
    message: "invalid request: can't specify tags and q in the same query",
  });
});

test('a search over recent data is printed in order', () => {
  const request = parseSearchParams('tags=a%3D%22b+c%22+d%3De&minDuration=1.5s&maxDuration=2s&start=1&end=2', limits, production);
  assert.equal(printSearchParams(request), 'start=1&end=2&limit=20&maxDuration=2000ms&minDuration=1500ms&spss=3&tags=a%3D%22b+c%22+d%3De');
  assert.match(printSearchParams({ ...request, spansPerSpanset: 0 }), /&spss=2147483647&/);
});
