import { decodeTrace, traceBytes } from '#engine/api/encoded-traces.ts';
import { decodeSearchAnswer } from '#engine/api/search-body-decode.ts';
import type { RecordedCase } from './cases.ts';
import type { Answer } from './send.ts';

/**
 * When do two answers mean the same? Errors: same status and text. Searches: traces, spans and attributes are sets, known by their ids; `metrics`
 * is left out, because it depends on how the work was cut; floats may differ by 1e-9 of their value. Where the real server's own answers
 * varied, only what was stable counts. Structural operators leave the order of spans open, so with them any spans may be the ones that are shown.
 */
export function compareAnswer(recorded: RecordedCase, answer: Answer): readonly string[] {
  if (recorded.status === 0) {
    return answer.status === 0 || answer.status >= 400 ? [] : [`status: expected an error, got ${answer.status}`];
  }
  const text = answer.body.toString();
  if (answer.status !== recorded.status) {
    return [`status: expected ${recorded.status} ${brief(recorded.body)}, got ${answer.status} ${brief(text)}`];
  }
  if (recorded.status >= 300) {
    if (recorded.nondeterministic !== undefined) return [];
    return firstLine(String(recorded.body)) === firstLine(text) ? [] : [`text: expected ${brief(recorded.body)}, got ${brief(text)}`];
  }
  const [wanted, offered] = [mediaType(recorded.contentType), mediaType(answer.contentType)];
  if (wanted !== offered) return [`content type: expected ${wanted}, got ${offered}`];
  const found: string[] = [];
  const reduce = reduction(recorded);
  diff(reduce(recorded.body), reduce(bodyOf(answer)), '', found);
  return found;
}

/** The part of an answer that must be equal. */
function reduction({ path, kind, nondeterministic }: RecordedCase): (body: unknown) => unknown {
  const isSearch = kind !== undefined || path.split('?')[0] === '/api/search';
  if (!isSearch) return nondeterministic === undefined ? (body) => body : (body) => Object.keys(body as object).sort();
  if (nondeterministic === undefined) {
    const anySpans = isStructural(path);
    return (body) => canonicalSearch(searchBody(body), anySpans);
  }
  if (/low limit/.test(nondeterministic)) return (body) => searchBody(body).traces?.length ?? 0;
  return (body) => matchedCounts(searchBody(body));
}

/** Protobuf is turned into the JSON form. */
function searchBody(body: unknown): SearchBody {
  const { base64 } = body as { readonly base64?: string };
  if (base64 === undefined) return body as SearchBody;
  const { traces } = decodeSearchAnswer(Buffer.from(base64, 'base64'), 'protobuf');
  return {
    traces: Array.from({ length: traces.count }, (_, i) => decodeTrace(traceBytes(traces, i), 'protobuf') as unknown as TraceSummary),
  };
}

function bodyOf({ contentType, body }: Answer): unknown {
  if (/protobuf/.test(contentType)) return { base64: body.toString('base64') };
  const text = body.toString();
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

interface Attribute {
  readonly key: string;
  readonly value: unknown;
}
interface SpanSummary {
  readonly spanID: string;
  readonly attributes?: readonly Attribute[];
}
interface SpanSet {
  readonly spans?: readonly SpanSummary[];
  readonly matched: number;
  readonly attributes?: readonly Attribute[];
}
interface TraceSummary {
  readonly traceID: string;
  readonly startTimeUnixNano?: string;
  readonly spanSet?: SpanSet;
  readonly spanSets?: readonly SpanSet[];
}
interface SearchBody {
  readonly traces?: readonly TraceSummary[];
  readonly metrics?: unknown;
}

/** True where an operator stands between two spansets that is neither `&&`, `||` nor a pipe. */
function isStructural(path: string): boolean {
  const query = new URLSearchParams(path.slice(path.indexOf('?') + 1)).get('q') ?? '';
  const withoutTexts = query.replace(/"(\\.|[^"\\])*"|`[^`]*`/g, 'text');
  return /[})]\s*[!&]?(>>|<<|[<>~])\s*[({]/.test(withoutTexts);
}

function canonicalSearch({ traces, metrics: _, ...rest }: SearchBody, anySpans: boolean): unknown {
  const list = traces ?? [];
  return {
    ...rest,
    traces: byKey(
      list,
      (trace) => trace.traceID,
      (trace) => canonicalTrace(trace, anySpans),
    ),
    newestFirst: list.every((trace, i) => i === 0 || BigInt(trace.startTimeUnixNano ?? 0) <= BigInt(list[i - 1]!.startTimeUnixNano ?? 0)),
  };
}

function canonicalTrace({ spanSet, spanSets, ...rest }: TraceSummary, anySpans: boolean): unknown {
  const sets = (spanSets ?? []).map((set) => canonicalSpanSet(set, anySpans));
  return {
    ...rest,
    spanSets: byKey(
      sets,
      (set) => JSON.stringify(set.attributes),
      (set) => set,
    ),
    // A copy of one of the spansets for old readers.
    ...(spanSet === undefined
      ? {}
      : { spanSet: sets.some((set) => sameJson(set, canonicalSpanSet(spanSet, anySpans))) ? 'one of spanSets' : spanSet }),
  };
}

function canonicalSpanSet({ spans = [], attributes, ...rest }: SpanSet, anySpans: boolean) {
  const shared = { ...rest, attributes: canonicalAttributes(attributes) };
  if (anySpans && rest.matched > spans.length) return { ...shared, spans: `any ${spans.length} of those that match` };
  return {
    ...shared,
    spans: byKey(
      spans,
      (span) => span.spanID,
      ({ attributes: own, ...span }) => ({ ...span, attributes: canonicalAttributes(own) }),
    ),
  };
}

function canonicalAttributes(attributes: readonly Attribute[] | undefined): Readonly<Record<string, unknown>> {
  return byKey(
    attributes ?? [],
    (attribute) => attribute.key,
    (attribute) => attribute.value,
  );
}

function matchedCounts({ traces }: SearchBody): unknown {
  return byKey(
    traces ?? [],
    (trace) => trace.traceID,
    (trace) => (trace.spanSets ?? []).map((set) => set.matched).sort((a, b) => a - b),
  );
}

/** A list without order as an object with sorted keys; several members with one key are told apart by their sorted content. */
function byKey<Member>(
  list: readonly Member[],
  key: (member: Member) => string,
  form: (member: Member) => unknown,
): Readonly<Record<string, unknown>> {
  const members = list.map((member) => [key(member), form(member)] as const);
  const sorted = members.sort(([a, x], [b, y]) => compareText(a, b) || compareText(JSON.stringify(x), JSON.stringify(y)));
  const result: Record<string, unknown> = Object.create(null);
  for (const [name, value] of sorted) {
    let unique = name;
    for (let copy = 2; unique in result; copy++) unique = `${name} #${copy}`;
    result[unique] = value;
  }
  return result;
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function sameJson(a: unknown, b: unknown): boolean {
  const found: string[] = [];
  diff(a, b, '', found);
  return found.length === 0;
}

function diff(expected: unknown, got: unknown, path: string, found: string[]): void {
  if (expected === got || isClose(expected, got)) return;
  if (isObject(expected) && isObject(got) && Array.isArray(expected) === Array.isArray(got)) {
    for (const key of new Set([...Object.keys(expected), ...Object.keys(got)]))
      diff(expected[key], got[key], path === '' ? key : `${path}.${key}`, found);
  } else {
    found.push(`${path || 'body'}: expected ${brief(expected)}, got ${brief(got)}`);
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

function isClose(a: unknown, b: unknown): boolean {
  return typeof a === 'number' && typeof b === 'number' && Math.abs(a - b) <= Math.max(1e-9 * Math.max(Math.abs(a), Math.abs(b)), 1e-12);
}

function mediaType(contentType: string): string {
  return contentType.split(';')[0]!.trim();
}

/** A function of Tempo 2.7 writes a second line of noise behind each error. */
function firstLine(text: string): string {
  return text.trimEnd().split('\nMarshal called with nil')[0]!;
}

function brief(value: unknown): string {
  const text = value === undefined ? 'nothing' : typeof value === 'string' ? JSON.stringify(value) : JSON.stringify(value);
  return text.length > 160 ? `${text.slice(0, 160)}…` : text;
}
