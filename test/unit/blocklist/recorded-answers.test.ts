import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { asyncBufferFromFile, parquetReadObjects } from 'hyparquet';
import { createLocalBackend } from '#engine/backend/local.ts';
import { systemClock } from '#engine/base/clock.ts';
import { tenantId } from '#engine/base/units.ts';
import type { PollEvent } from '#engine/blocklist/events.ts';
import type { BlockMeta } from '#engine/blocklist/meta.ts';
import { createPoller, type Poller } from '#engine/blocklist/poller.ts';
import { selectBlocks } from '#engine/blocklist/select.ts';
import { defaultPollSettings } from '#engine/blocklist/settings.ts';

/*
 * Searches and tag lookups that a real 3.0.3 answered over tenants with good, stale, damaged and missing indexes. What it found tells which blocks it knew: a
 * poller over the same index and meta files must come to the same blocks. Their content is read with an independent Parquet reader.
 */
const fixtures = path.join(import.meta.dirname, '../../fixtures');
const bucket = path.join(fixtures, 'blocks');

interface RecordedCase {
  readonly id: string;
  readonly tenant: string;
  readonly path: string;
  readonly config: {
    readonly blocklist_poll_stale_tenant_index: '0s' | '10m';
    readonly blocklist_poll_fallback: boolean;
    readonly blocklist_poll_tolerate_tenant_failures?: number;
  };
  readonly body: {
    readonly traces?: readonly { readonly traceID: string }[];
    readonly tagValues?: readonly { readonly value?: string }[];
    readonly metrics: { readonly totalBlocks?: number; readonly totalBlockBytes?: string };
  };
}

const cases = JSON.parse(gunzipSync(readFileSync(path.join(fixtures, 'cases/index.json.gz'))).toString()) as readonly RecordedCase[];

/** When the answers were recorded: a few minutes after the one index that a real poller wrote. */
const recordedMs = Date.parse('2026-11-20T11:00:00Z');

async function poll(config: RecordedCase['config']): Promise<Poller> {
  const poller = createPoller({
    backend: await createLocalBackend({ path: bucket }),
    settings: {
      ...defaultPollSettings,
      fallback: config.blocklist_poll_fallback,
      staleTenantIndexMs: { '0s': 0, '10m': 600_000 }[config.blocklist_poll_stale_tenant_index],
      tolerateTenantFailures: config.blocklist_poll_tolerate_tenant_failures ?? defaultPollSettings.tolerateTenantFailures,
    },
    clock: { ...systemClock, nowMs: () => recordedMs },
    random: () => 0.5,
    onEvent: (event: PollEvent) => assert.notEqual(event.kind, 'meta_skipped'),
  });
  await poller.pollOnce();
  return poller;
}

interface BlockContent {
  readonly producerTraces: ReadonlySet<string>;
  readonly services: ReadonlySet<string>;
}

type Row = Readonly<Record<string, unknown>>;
const producer = 4n;

async function readContent({ tenant, blockId }: BlockMeta): Promise<BlockContent> {
  const file = await asyncBufferFromFile(path.join(bucket, tenant, blockId, 'data.parquet'));
  const rows = (await parquetReadObjects({ file, columns: ['TraceID', 'rs'], utf8: false })) as readonly Row[];
  const producerTraces = new Set<string>();
  const services = new Set<string>();
  for (const row of rows) {
    for (const resourceSpans of listOf(row.rs)) {
      const { ServiceName } = resourceSpans.Resource as { readonly ServiceName: string | Uint8Array };
      services.add(Buffer.from(ServiceName as string).toString());
      const spans = listOf(resourceSpans.ss).flatMap((scope) => listOf(scope.Spans));
      if (spans.some((span) => span.Kind === producer))
        producerTraces.add(
          Buffer.from(row.TraceID as Uint8Array)
            .toString('hex')
            .replace(/^0+/, ''),
        );
    }
  }
  return { producerTraces, services };
}

/** hyparquet gives a LIST as an array, or as the groups it is made of. */
function listOf(value: unknown): readonly Row[] {
  if (Array.isArray(value)) return value;
  const { list } = (value ?? {}) as { readonly list?: readonly { readonly element: Row }[] };
  return (list ?? []).map(({ element }) => element);
}

function union(contents: readonly BlockContent[], pick: (content: BlockContent) => ReadonlySet<string>): string[] {
  return [...new Set(contents.flatMap((content) => [...pick(content)]))].sort();
}

const polled = new Map<string, Promise<Poller>>();
for (const recorded of cases) {
  const { id, tenant, config, body } = recorded;
  const settings = `${config.blocklist_poll_stale_tenant_index} ${config.blocklist_poll_fallback ? 'fallback' : 'no fallback'}`;
  test(`${id}: ${tenant}, stale ${settings}`, async () => {
    if (!polled.has(settings)) polled.set(settings, poll(config));
    const poller = await polled.get(settings)!;
    const query = new URL(recorded.path, 'http://tempo').searchParams;
    const blocks = selectBlocks(poller.blocklist(tenantId(tenant)), Number(query.get('start')), Number(query.get('end')));
    const contents = await Promise.all(blocks.map(readContent));
    if (body.tagValues !== undefined) {
      const expected = body.tagValues.map(({ value = '' }) => value).sort();
      assert.deepEqual(
        union(contents, (content) => content.services),
        expected,
      );
      return;
    }
    assert.equal(query.get('q'), '{ kind = producer }');
    assert.deepEqual(
      union(contents, (content) => content.producerTraces),
      (body.traces ?? []).map(({ traceID }) => traceID).sort(),
    );
    assert.equal(blocks.length, body.metrics.totalBlocks ?? 0);
    assert.equal(
      blocks.reduce((sum, block) => sum + block.sizeBytes, 0),
      Number(body.metrics.totalBlockBytes ?? 0),
    );
  });
}

test('all recorded cases ran', () => assert.equal(cases.length, 34));
