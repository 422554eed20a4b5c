// Recorded calls of tempopb.StreamingQuerier against one process, by a gRPC client that is not ours, while HTTP/1.1 requests use the same port.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { fromJson, toJson } from '@bufbuild/protobuf';
import { StreamingQuerier } from '#engine/api/gen/streaming_pb.js';
import { printLogfmt } from '#engine/api/logfmt.ts';
import { localStorage, startServer } from '../../infra/local/server.ts';
import { type GrpcClient, grpcClient, type StreamingMethod } from '../integration/querier/grpc-client.ts';
import { type RecordedCase, recordedBlocks, type Verdict } from './cases.ts';
import { compareAnswer } from './compare.ts';
import { compareLookup } from './compare-lookups.ts';
import { compareMetrics } from './compare-metrics.ts';
import { assertConformance } from './report.ts';
import { type Answer, send } from './send.ts';

/** A call that a real Tempo answered. */
interface StreamCase {
  readonly id: string;
  readonly rpc: keyof typeof rpcs;
  readonly tenant: string;
  /** proto3 JSON. */
  readonly request: Readonly<Record<string, string | number | Readonly<Record<string, string>>>>;
  /** As Go prints it; '' for success. */
  readonly error: string;
  /** All messages in one. */
  readonly merged: Readonly<Record<string, unknown>> | null;
  readonly nondeterministic?: string;
}

type Compare = (recorded: RecordedCase, answer: Answer) => readonly string[];

/** How a method is called and compared. `path` is that of the HTTP endpoint with the same answers, `items` the list of its answers. */
interface Rpc {
  readonly method: StreamingMethod<never, never>;
  readonly path: (request: StreamCase['request']) => string;
  readonly items: string;
  readonly compare: Compare;
}

const { method } = StreamingQuerier;

function rpc(called: unknown, items: string, compare: Compare, path: Rpc['path']): Rpc {
  return { method: called as StreamingMethod<never, never>, items, compare, path };
}

const valuesPath = (version: string) => (request: StreamCase['request']) =>
  `/api${version}/search/tag/${encodeURIComponent(String(request.tagName))}/values`;
const rpcs = {
  Search: rpc(method.search, 'traces', compareAnswer, () => '/api/search'),
  SearchTags: rpc(method.searchTags, 'tagNames', compareLookup, () => '/api/search/tags'),
  SearchTagsV2: rpc(method.searchTagsV2, 'scopes', compareLookup, () => '/api/v2/search/tags'),
  SearchTagValues: rpc(method.searchTagValues, 'tagValues', compareLookup, valuesPath('')),
  SearchTagValuesV2: rpc(method.searchTagValuesV2, 'tagValues', compareLookup, valuesPath('/v2')),
  MetricsQueryRange: rpc(method.metricsQueryRange, 'series', compareMetrics, () => '/api/metrics/query_range'),
  MetricsQueryInstant: rpc(method.metricsQueryInstant, 'series', compareMetrics, () => '/api/metrics/query'),
};

/** The HTTP endpoint's names of the fields of requests. */
const parameters: Readonly<Record<string, string>> = { Query: 'q', query: 'q', Limit: 'limit', SpansPerSpanSet: 'spss' };

function targetOf({ rpc: name, request }: StreamCase): string {
  const form = new URLSearchParams();
  for (const [field, value] of Object.entries(request)) {
    if (field === 'tagName') continue;
    if (typeof value === 'object') form.set('tags', printLogfmt(new Map(Object.entries(value))));
    else form.set(parameters[field] ?? field, field === 'step' ? `${value}ns` : String(value));
  }
  return `${rpcs[name].path(request)}?${form}`;
}

const cases = JSON.parse(
  gunzipSync(readFileSync(join(import.meta.dirname, '../fixtures/cases/streaming.json.gz'))).toString(),
) as readonly StreamCase[];

const names: Readonly<Record<string, number>> = { InvalidArgument: 3, Unknown: 2 };

interface Trace {
  readonly startTimeUnixNano: string;
}

/** The recorded union of messages is sorted by trace id; searches are compared newest first. */
function newestFirst(merged: StreamCase['merged']): StreamCase['merged'] {
  if (merged?.traces === undefined) return merged;
  const traces = (merged.traces as readonly Trace[]).toSorted((a, b) => Number(BigInt(b.startTimeUnixNano) - BigInt(a.startTimeUnixNano)));
  return { ...merged, traces };
}

/** The case as one of HTTP, so that its answer is compared by the same rules; errors are told by code and text. */
function recordedOf(recorded: StreamCase): RecordedCase {
  const { id, tenant, error, merged, rpc: name, nondeterministic } = recorded;
  const [, code = '', text = ''] = /^rpc error: code = (\w+) desc = (.*)$/.exec(error) ?? [];
  return {
    id,
    tenant,
    method: 'GET',
    path: targetOf(recorded),
    tempo: '3.0.3',
    status: error === '' ? 200 : 400,
    contentType: 'application/json',
    body: error === '' ? { [rpcs[name].items]: [], ...newestFirst(merged) } : `${names[code]} ${text}`,
    ...(nondeterministic === undefined ? {} : { nondeterministic }),
    // Real Tempo misses dedicated columns of blocks in tags and values.
    ...(tenant === 'dedicated5' && name.startsWith('SearchTag') ? { upstreamBug: 'dedicated columns' } : {}),
  };
}

async function streamed(client: GrpcClient, { rpc: name, request, tenant }: StreamCase): Promise<Answer> {
  const called = rpcs[name].method;
  const { messages, error } = await client.call(called, fromJson(called.input, request), tenant);
  if (error !== undefined) return { status: 400, contentType: '', body: Buffer.from(`${error.code} ${error.details}`) };
  assert.ok(messages.length >= 1);
  const final = toJson(called.output, messages.at(-1)!) as Readonly<Record<string, unknown>>;
  return { status: 200, contentType: 'application/json', body: Buffer.from(JSON.stringify({ [rpcs[name].items]: [], ...final })) };
}

async function startStreaming(t: TestContext): Promise<{ readonly url: string; readonly client: GrpcClient }> {
  const server = await startServer({ storage: localStorage(recordedBlocks), multitenancy: true });
  t.after(() => server.stop());
  return { url: server.url, client: grpcClient(t, Number(new URL(server.url).port)) };
}

test('recorded streams, and the same answers over HTTP/1.1 on the same port at the same time', async (t) => {
  const { url, client } = await startStreaming(t);
  const verdicts = await Promise.all(
    cases.map(async (one): Promise<Verdict> => {
      const recorded = recordedOf(one);
      const [answer, plain] = await Promise.all([streamed(client, one), send(url, recorded)]);
      const { compare, items } = rpcs[one.rpc];
      if (plain.status === 200) {
        const body = { [items]: [], ...(JSON.parse(plain.body.toString()) as object) };
        const { upstreamBug: _, ...exactly } = recorded;
        const differences = compare({ ...exactly, status: 200, body }, answer);
        assert.deepEqual(differences, [], `${one.id}: gRPC and HTTP differ`);
      } else assert.equal(answer.body.toString().replace(/^\d+ /, ''), plain.body.toString(), one.id);
      return { recorded, answer, differences: compare(recorded, answer) };
    }),
  );
  assertConformance('streaming', verdicts, 33);
});
