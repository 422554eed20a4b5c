// Lookups of traces and tags in damaged blocks: an error or an answer, never anything else.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { resourceSpansJson } from '#engine/api/otlp-json.ts';
import { encodeTraceProtobuf } from '#engine/api/otlp-protobuf.ts';
import { createMemoryBackend } from '#engine/backend/memory.ts';
import { AppError } from '#engine/base/errors.ts';
import { tenantId } from '#engine/base/units.ts';
import { type BlockMeta, parseBlockMeta } from '#engine/blocklist/meta.ts';
import { createJobEnvironment, type JobEnvironment } from '#engine/jobs/environment.ts';
import { findTraceInBlock } from '#engine/jobs/find-trace-block.ts';
import { tagNamesInBlock } from '#engine/jobs/tag-names-block.ts';
import { tagValuesInBlock } from '#engine/jobs/tag-values-block.ts';
import { parseIdentifier } from '#engine/traceql/parse.ts';
import { parseTagFilter } from '#engine/traceql/tag-filter.ts';
import { damage } from './mutate.ts';
import { type SeededRandom, seededRandom } from './random.ts';
import { loadSamples, type SampleBlock } from './sample-block.ts';

const cases = 700;
const slowestMs = 2_000;
const tenant = tenantId('fuzz');
const limits = { maxBytes: 0, maxCount: 0, maxStaleValues: 0 };
const tags = ['name', '.http.method', 'span.http.status_code', 'resource.service.name', 'event.exception.type', 'link:spanID', 'duration'];
const filters = ['', '{ status = error }', '{ resource.service.name != "x" && kind = server }', '{ span.retry = true || name =~ "G.*" }'];

/** Last id of each row group: traces that are there. */
function knownIds({ name }: SampleBlock): readonly Buffer[] {
  const index = readFileSync(join(import.meta.dirname, '../../fixtures/blocks', name, 'index'), 'utf8');
  return (JSON.parse(index) as { rowGroups: readonly string[] }).rowGroups.map((id) => Buffer.from(id, 'base64'));
}

async function look(environment: JobEnvironment, meta: BlockMeta, ids: readonly Buffer[], random: SeededRandom): Promise<string> {
  const { blockId, version, sizeBytes, footerBytes, totalRecords, dedicatedColumns } = meta;
  const block = { blockId, version, sizeBytes, footerBytes, totalRecords, dedicatedColumns, startPage: 0, pagesToSearch: 1000 };
  const filter = parseTagFilter(random.pick(filters), 0);
  switch (random.below(3)) {
    case 0: {
      const { trace } = await findTraceInBlock(environment, tenant, meta, random.pick(ids));
      if (trace === undefined) return 'absent';
      encodeTraceProtobuf(trace);
      JSON.parse(resourceSpansJson(trace.resourceSpans));
      return 'found';
    }
    case 1:
      await tagNamesInBlock(environment, tenant, { block, scope: random.pick(['none', 'span', 'event']), filter, limits });
      return 'names';
    default:
      await tagValuesInBlock(environment, tenant, { block, tag: parseIdentifier(random.pick(tags)), filter, limits });
      return 'values';
  }
}

test('lookups in damaged blocks end in an answer or a known error', async () => {
  const samples = await loadSamples();
  const outcomes: Record<string, number> = {};
  for (let seed = 0; seed < cases; seed++) {
    const random = seededRandom(seed);
    const sample = random.pick(samples);
    const { data, meta: text, what } = damage(sample, [], random);
    const memory = createMemoryBackend();
    const backend = { ...memory, coalesceGapBytes: random.below(2) * 65_536 };
    const environment = createJobEnvironment({ backend, maxMemoryBytes: 64 << 20, cacheBytes: 1 << 20, maxConcurrentJobs: 1 });
    const startedMs = performance.now();
    let outcome: string;
    try {
      const meta = parseBlockMeta(Buffer.from(text, 'latin1'));
      memory.put(`${tenant}/${meta.blockId}/data.parquet`, data);
      for (let shard = 0; shard < 10; shard++) {
        const bloom = Buffer.from(readFileSync(join(import.meta.dirname, '../../fixtures/blocks', sample.name, 'bloom-0')));
        memory.put(`${tenant}/${meta.blockId}/bloom-${shard}`, bloom);
      }
      outcome = await look(environment, meta, knownIds(sample), random);
    } catch (thrown) {
      assert.ok(thrown instanceof AppError, `seed ${seed}, ${sample.name}, ${what}: ${(thrown as Error).stack}`);
      outcome = thrown.code;
    }
    const tookMs = performance.now() - startedMs;
    assert.ok(tookMs < slowestMs, `seed ${seed}, ${sample.name}, ${what}: took ${Math.round(tookMs)} ms`);
    outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
  }
  console.log(`${cases} damaged blocks: ${JSON.stringify(outcomes)}`);
  assert.ok((outcomes.corrupt_block ?? 0) > cases / 5, 'damage is found');
  assert.ok((outcomes.found ?? 0) > 0 && (outcomes.names ?? 0) > 0 && (outcomes.values ?? 0) > 0, 'some damage is not met');
});
