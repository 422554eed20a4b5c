import { resourceSpansJson } from '#engine/api/otlp-json.ts';
import { decodeTraceProtobuf } from '#engine/api/otlp-protobuf-decode.ts';
import { wireFields } from '#engine/api/protobuf-wire.ts';
import type { RecordedCase } from './cases.ts';
import type { Answer } from './send.ts';

/**
 * When do two answers about traces by id, names or values of tags mean the same? Errors: same status and text. Traces are sets of spans, each with its resource and
 * scope, attributes are sets; names and values are sets; `metrics` is left out. Where the recorded answer has a defect of the real server, its alternate counts, or
 * any answer that holds more.
 */
export function compareLookup(recorded: RecordedCase, answer: Answer): readonly string[] {
  const text = answer.body.toString();
  if (answer.status !== recorded.status) return [`status: expected ${recorded.status}, got ${answer.status} ${text.slice(0, 160)}`];
  if (recorded.status >= 300) {
    return String(recorded.body).trim() === text.trim() ? [] : [`text: expected ${String(recorded.body)}, got ${text}`];
  }
  const [wanted, offered] = [recorded.contentType, answer.contentType].map((type) => type.split(';')[0]);
  if (wanted !== offered) return [`content type: expected ${wanted}, got ${offered}`];
  const form = formOf(recorded.path);
  const got = form(answer.contentType.includes('protobuf') ? { base64: answer.body.toString('base64') } : JSON.parse(text));
  const { missing, extra } = difference(form(recorded.body), got);
  if (recorded.upstreamBug === undefined || missing.length + extra.length === 0) return listed(missing, extra);
  if (recorded.alternateBody === undefined) return listed(missing, []);
  const alternate = difference(form(recorded.alternateBody), got);
  return listed(alternate.missing, alternate.extra);
}

type Body = Readonly<Record<string, unknown>>;
type Form = (body: unknown) => readonly string[];

function formOf(path: string): Form {
  const [route = ''] = path.split('?');
  if (/^\/api\/(v2\/)?traces\//.test(route)) return (body) => traceForm(body as Body, route.startsWith('/api/v2/'));
  return (body) => tagsForm(body as Body);
}

function difference(expected: readonly string[], got: readonly string[]) {
  return { missing: without(expected, got), extra: without(got, expected) };
}

/** Members of a list that another lacks, each as often as it does. */
function without(list: readonly string[], others: readonly string[]): readonly string[] {
  const left = Map.groupBy(others, (member) => member);
  return list.filter((member) => left.get(member)?.pop() === undefined);
}

function listed(missing: readonly string[], extra: readonly string[]): readonly string[] {
  const brief = (member: string) => (member.length > 200 ? `${member.slice(0, 200)}…` : member);
  return [...missing.map((member) => `missing: ${brief(member)}`), ...extra.map((member) => `unexpected: ${brief(member)}`)];
}

function tagsForm({ tagNames, tagValues, scopes }: Body): readonly string[] {
  if (scopes !== undefined) {
    return (scopes as readonly { name: string; tags: readonly string[] }[]).flatMap(({ name, tags }) =>
      tags.map((tag) => `${name} ${tag}`),
    );
  }
  return ((tagNames ?? tagValues) as readonly unknown[]).map(sorted);
}

interface ScopeSpansJson {
  readonly scope?: Body;
  readonly spans?: readonly Body[];
}
interface ResourceSpansJson {
  readonly resource?: Body;
  readonly scopeSpans?: readonly ScopeSpansJson[];
}

/** What stands around the trace, and a text for each span. */
function traceForm(body: Body, enveloped: boolean): readonly string[] {
  const { metrics: _, ...whole } = typeof body.base64 === 'string' ? traceOfProtobuf(Buffer.from(body.base64, 'base64'), enveloped) : body;
  const { trace, batches, ...rest } = whole as Body & { readonly trace?: Body };
  const list = (batches ?? trace?.resourceSpans ?? []) as readonly ResourceSpansJson[];
  const { resourceSpans: __, ...summary } = trace ?? {};
  const spans = list.flatMap(({ resource, scopeSpans = [] }) =>
    scopeSpans.flatMap(({ scope, spans: inScope = [] }) => inScope.map((span) => sorted({ ...span, resource, scope }))),
  );
  return [sorted({ ...rest, summary }), ...spans];
}

function traceOfProtobuf(bytes: Uint8Array, enveloped: boolean): Body {
  if (!enveloped) return { batches: JSON.parse(resourceSpansJson(decodeTraceProtobuf(bytes).resourceSpans)) };
  const fields = new Map([...wireFields(bytes)].map((field) => [field.number, field]));
  const trace = fields.get(1);
  if (trace?.type !== 'bytes' || fields.get(2)?.type !== 'bytes') throw new Error('a TraceByIDResponse must have trace and metrics');
  return { trace: { resourceSpans: JSON.parse(resourceSpansJson(decodeTraceProtobuf(trace.bytes).resourceSpans)) } };
}

/** JSON with sorted members; attributes are sorted by key, values of arrays are not. */
function sorted(value: unknown): string {
  return JSON.stringify(value, (name, member: unknown) => {
    if (name === 'attributes' && Array.isArray(member)) return member.toSorted(byKey);
    if (name === 'kvlistValue') return { values: ((member as { values?: readonly { key: string }[] }).values ?? []).toSorted(byKey) };
    if (typeof member !== 'object' || member === null || Array.isArray(member)) return member;
    return Object.fromEntries(Object.entries(member).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}

function byKey(a: { readonly key?: string }, b: { readonly key?: string }): number {
  return (a.key ?? '') < (b.key ?? '') ? -1 : 1;
}
