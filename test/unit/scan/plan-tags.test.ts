import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { planTagSearch } from '#engine/traceql/plan-tags.ts';

const attribute = (scope: string, name: string) => ({ kind: 'attribute', scope, name, parent: false });
const intrinsic = (name: string) => ({ kind: 'intrinsic', name });
const filter = (condition: unknown) => ({ kind: 'filter', condition });
const one = (name: string, value: string) => planTagSearch({ tags: new Map([[name, value]]) });

describe('tag searches', () => {
  test('without tags find every trace', () => {
    assert.deepEqual(planTagSearch({ tags: new Map() }), {
      result: 'traces',
      spansets: filter({ kind: 'constant', value: true }),
      stages: [],
      tests: [],
      shown: [],
    });
  });

  test('want every tag and the duration somewhere in the trace', () => {
    const tags = new Map([
      ['service.name', 'a.b'],
      ['status.code', 'error'],
    ]);
    assert.deepEqual(planTagSearch({ tags, minDurationMs: 5, maxDurationMs: 70 }), {
      result: 'traces',
      spansets: {
        kind: 'both',
        left: {
          kind: 'both',
          left: { kind: 'both', left: filter({ kind: 'test', test: 0 }), right: filter({ kind: 'test', test: 1 }) },
          right: filter({ kind: 'test', test: 2 }),
        },
        right: filter({ kind: 'test', test: 3 }),
      },
      stages: [],
      tests: [
        { reference: intrinsic('traceDuration'), predicate: { kind: 'int', operator: '>=', value: 5_000_000n } },
        { reference: intrinsic('traceDuration'), predicate: { kind: 'int', operator: '<=', value: 70_000_000n } },
        { reference: attribute('resource', 'service.name'), predicate: { kind: 'regex', negated: false, pattern: '.*a\\.b.*' } },
        { reference: intrinsic('status'), predicate: { kind: 'int', operator: '=', value: 2n } },
      ],
      shown: [],
    });
  });

  test('compare names and well-known attributes by a part of the value', () => {
    const cases = [
      ['name', intrinsic('name')],
      ['root.name', intrinsic('rootName')],
      ['root.service.name', intrinsic('rootServiceName')],
      ['k8s.pod.name', attribute('resource', 'k8s.pod.name')],
      ['http.url', attribute('span', 'http.url')],
    ] as const;
    for (const [name, reference] of cases) {
      assert.deepEqual(one(name, 'x'), {
        result: 'traces',
        spansets: filter({ kind: 'test', test: 0 }),
        stages: [],
        tests: [{ reference, predicate: { kind: 'regex', negated: false, pattern: '.*x.*' } }],
        shown: [],
      });
    }
  });

  test('compare other attributes of resources and spans as whole strings', () => {
    const { spansets, tests } = one('error', 'true');
    assert.deepEqual(
      spansets,
      filter({
        kind: 'or',
        operands: [
          { kind: 'test', test: 0 },
          { kind: 'test', test: 1 },
        ],
      }),
    );
    assert.deepEqual(tests, [
      { reference: attribute('resource', 'error'), predicate: { kind: 'string', operator: '=', value: 'true' } },
      { reference: attribute('span', 'error'), predicate: { kind: 'string', operator: '=', value: 'true' } },
    ]);
  });

  test('find nothing by a status that does not exist or a status code that is no number', () => {
    const nothing = filter({ kind: 'constant', value: false });
    assert.deepEqual(one('status.code', 'bad').spansets, nothing);
    assert.deepEqual(one('http.status_code', '4xx').spansets, nothing);
    assert.deepEqual(one('http.status_code', '404').tests, [
      { reference: attribute('span', 'http.status_code'), predicate: { kind: 'int', operator: '=', value: 404n } },
    ]);
  });
});
