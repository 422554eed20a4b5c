import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { JobKind, WireJob } from '#engine/api/job-wire.ts';
import { printMetricsBlockParams } from '#engine/api/metrics-block-params.ts';
import { printSearchBlockParams } from '#engine/api/search-block-params.ts';
import type { BlockPart } from '#engine/api/search-request.ts';
import type { TagsVersion } from '#engine/api/tags-params.ts';
import { printTraceBlockParams } from '#engine/api/trace-block-params.ts';
import { type BlockMeta, parseBlockMeta } from '#engine/blocklist/meta.ts';
import { parseIdentifier } from '#engine/traceql/parse.ts';
import { parseTagFilter } from '#engine/traceql/tag-filter.ts';
import { tagNamesJobUrl, tagValuesJobUrl } from '../../../querier/worker/job-urls.ts';

/** Blocks of the fixtures. */
export const blocksPath = join(import.meta.dirname, '../../fixtures/blocks');
/** When their traces are. */
export const fixtureRange = { startSeconds: 1_768_046_400, endSeconds: 1_768_050_000 };

/** Tenants with a block or more of every version, dedicated columns, odd values, and several row groups. */
const tenants = ['vp2', 'vp3', 'vp4', 'vp5', 'dedicated', 'dedicated27', 'dedicated5', 'edge', 'edge5', 'rowgroups'];

/** A block of each tenant. */
export function sampleBlocks(): readonly BlockMeta[] {
  return tenants.map((tenant) => {
    const [id] = readdirSync(join(blocksPath, tenant)).filter((name) => existsSync(join(blocksPath, tenant, name, 'meta.json')));
    return parseBlockMeta(readFileSync(join(blocksPath, tenant, id!, 'meta.json')));
  });
}

/** The whole of a block as a job's part. */
export function wholeBlock({ blockId, version, sizeBytes, footerBytes, totalRecords, dedicatedColumns }: BlockMeta): BlockPart {
  return { blockId, version, sizeBytes, footerBytes, totalRecords, startPage: 0, pagesToSearch: totalRecords, dedicatedColumns };
}

const searches = [
  '{ }',
  '{ resource.service.name != nil && duration > 20ms } | by(resource.service.name) | count() > 0',
  '{ status = error }',
];
const metrics = ['{ } | rate() by (resource.service.name)', '{ } | quantile_over_time(duration, .5, .9)', '{ } | avg_over_time(duration)'];
const noLimits = { maxBytes: 0, maxCount: 0, maxStaleValues: 0 };
const { startSeconds, endSeconds } = fixtureRange;

/** The same job on the old endpoint or the new one. */
function ofVersion(version: TagsVersion, url: string): string {
  return version === 2 ? url : url.replace('/api/v2/', '/api/');
}

/** Jobs of every kind over a block, as `[kind, URL]`. */
export function jobsOf(meta: BlockMeta): readonly (readonly [JobKind, string])[] {
  const block = wholeBlock(meta);
  const search = (query: string): readonly [JobKind, string] => [
    'search',
    `/querier/api/search?${printSearchBlockParams({ query, tags: new Map(), ...fixtureRange, limit: 1000, spansPerSpanset: 3, block })}`,
  ];
  const metric = (query: string, instant: boolean): readonly [JobKind, string] => {
    const [startNanos, endNanos] = [BigInt(startSeconds) * 1_000_000_000n, BigInt(endSeconds) * 1_000_000_000n];
    const range = { query, startNanos, endNanos, stepNanos: instant ? endNanos - startNanos : 60_000_000_000n, instant };
    return ['metrics', `/querier/api/metrics/query_range?${printMetricsBlockParams({ ...range, exemplars: 10, maxSeries: 0, block })}`];
  };
  const tags = (filter: string) => ({ block, ...fixtureRange, limits: noLimits, filter: parseTagFilter(filter, 0) });
  const names = (version: TagsVersion, filter: string): readonly [JobKind, string] => [
    'tag-names',
    ofVersion(version, tagNamesJobUrl({ ...tags(filter), scope: 'none' }, '')),
  ];
  const values = (tag: string, filter: string): readonly [JobKind, string] => [
    'tag-values',
    tagValuesJobUrl({ ...tags(filter), tag: parseIdentifier(tag) }, ''),
  ];
  return [
    ...searches.map(search),
    ...metrics.flatMap((query) => [metric(query, false), metric(query, true)]),
    names(1, ''),
    names(2, ''),
    names(2, '{ duration > 20ms }'),
    ['tag-values', ofVersion(1, values('resource.service.name', '')[1]).replace('resource.service.name', 'service.name')],
    values('resource.service.name', ''),
    values('name', '{ duration > 20ms }'),
  ];
}

/** Lookups of a trace in a block. */
export function lookupsOf(meta: BlockMeta, traceId: string): readonly (readonly [JobKind, string])[] {
  const query = printTraceBlockParams({ block: meta, maxBytes: 5_000_000 });
  return ['/api/traces', '/api/v2/traces'].map((path) => ['trace', `/querier${path}/${traceId}?${query}`]);
}

/** Jobs as they travel, in both formats. */
export function wireJobs(meta: BlockMeta, jobs: readonly (readonly [JobKind, string])[]): readonly WireJob[] {
  return (['application/json', 'application/protobuf'] as const).flatMap((accept) =>
    jobs.map(([kind, url]) => ({ kind, tenant: meta.tenant, url, accept })),
  );
}
