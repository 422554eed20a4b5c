import assert from 'node:assert/strict';
import { test } from 'node:test';
import { unsupportedIn } from '#engine/jobs/unsupported.ts';

test('old formats have no events, links and instrumentation scopes', () => {
  const refused = [
    ['{ name = "x" && event:name = "y" }', "intrinsic 'event:name'"],
    ['{ link.a = 1 } || { event.b = 2 }', "scope 'link'"],
    ['{ } | by(instrumentation:version)', "intrinsic 'instrumentation:version'"],
    ['({ } | max(event.size) > 1) && ({ })', "scope 'event'"],
  ] as const;
  for (const [query, what] of refused) {
    assert.equal(unsupportedIn('vParquet2', query), `conditions invalid: ${what} not supported in vParquet2: unsupported`);
    assert.equal(unsupportedIn('vParquet3', query), `conditions invalid: ${what} not supported in vParquet3: unsupported`);
    assert.equal(unsupportedIn('vParquet4', query), undefined);
  }
});

test('selecting them is refused with another text, behind conditions', () => {
  const text = (what: string) => `creating fetch iter: error creating second pass iterator: unsupported traceql scope: ${what}`;
  assert.equal(unsupportedIn('vParquet3', '{ } | select(name, event.x, link:spanID)'), text('event.x'));
  assert.equal(unsupportedIn('vParquet3', '{ } | rate() by (instrumentation:name)'), text('instrumentation:name'));
  assert.match(unsupportedIn('vParquet3', '{ link.a = 1 } | select(event.x)') ?? '', /^conditions invalid: scope 'link'/);
  assert.equal(unsupportedIn('vParquet2', '{ span.event = 1 } | select(resource.link)'), undefined);
});
