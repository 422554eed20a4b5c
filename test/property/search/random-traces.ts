import type { DedicatedColumn } from '#engine/api/dedicated-columns.ts';
import type {
  OtlpAttribute,
  OtlpEvent,
  OtlpLink,
  OtlpResource,
  OtlpSpan,
  OtlpTrace,
  OtlpValue,
} from '#engine/vparquet/write/trace-model.ts';
import type { SeededRandom } from '../corruption/random.ts';

/** Vocabularies are small, so that queries over them match often. Queries are made of the same words: `random-queries.ts`. */
export const words = {
  names: ['root', 'GET /', 'POST /', 'db.query', 'né', ''],
  texts: ['x', 'y', 'z', '', 'GET', 'prod', '1', 'é😀', 'x\ny', 'ｚ'],
  ints: [0n, 1n, 2n, 3n, -1n, 200n, 500n, 9007199254740993n],
  doubles: [0.5, 1, 2, -1.5, 0, 200],
  services: ['api', 'db', 'web', ''],
  /** Attributes that never hold arrays. */
  scalarKeys: {
    span: ['a', 'n', 'flag', 's'],
    resource: ['a', 'env', 'n'],
    instrumentation: ['a', 'lib'],
    event: ['a', 'k'],
    link: ['a', 'k'],
  },
  /** Attributes that may hold arrays, or have columns of their own. */
  wideKeys: {
    span: ['arr', 'odd', 'http.method', 'http.url', 'http.status_code'],
    resource: ['arr', 'service.name', 'cluster', 'k8s.pod.name'],
    instrumentation: ['arr'],
    event: ['arr'],
    link: ['arr'],
  },
  events: ['exception', 'retry', ''],
  scopes: ['otel', 'zipkin', ''],
  messages: ['', 'boom', 'timeout'],
} as const;

const baseNanos = 1_700_000_000_000_000_000n;

/** A few traces with distinct ids: trees, several roots, none, cycles, lost parents, ids that occur twice or thrice, lists that are empty. */
export function randomTraces(random: SeededRandom, count: number): readonly OtlpTrace[] {
  const ids = new Set<string>();
  while (ids.size < count) ids.add(traceIdHex(random));
  return [...ids].map((id) => randomTrace(random, Buffer.from(id, 'hex')));
}

function traceIdHex(random: SeededRandom): string {
  const digits = random.pick([32, 32, 32, 30, 16, 2]);
  const text = Array.from({ length: digits }, () => random.below(16).toString(16)).join('');
  // A first byte of 0 now and then, and never an id of nothing but zeros.
  return `${random.below(4) === 0 && digits > 2 ? `00${text.slice(2)}` : text}${(1 + random.below(15)).toString(16).padStart(2, '0')}`
    .slice(-32)
    .padStart(32, '0');
}

function randomTrace(random: SeededRandom, traceId: Uint8Array): OtlpTrace {
  const spanCount = random.pick([1, 2, 3, 5, 8, 12]);
  const ids = spanIds(random, spanCount);
  const spans = ids.map((id, i) => withEnd(random, i, randomSpan(random, traceId, id, parentId(random, ids, i))));
  const resources: OtlpResource[] = [];
  for (let next = 0; next < spans.length; ) {
    const scopes: OtlpResource['scopes'][number][] = [];
    do {
      const taken = random.below(8) === 0 ? 0 : 1 + random.below(4);
      scopes.push({ ...randomScope(random), spans: spans.slice(next, next + taken) });
      next += taken;
    } while (random.below(3) === 0 && next < spans.length);
    resources.push({ attributes: resourceAttributes(random), scopes });
    if (random.below(20) === 0) resources.push({ attributes: resourceAttributes(random), scopes: [] });
  }
  return { traceId, resources };
}

/** Now and then a span ends before it starts; never the first, so that the trace as a whole does not. */
function withEnd(random: SeededRandom, index: number, span: OtlpSpan): OtlpSpan {
  return index > 0 && random.below(15) === 0 ? { ...span, endNanos: span.startNanos - 1_000_000n } : span;
}

function spanIds(random: SeededRandom, count: number): readonly Uint8Array[] {
  const ids = Array.from({ length: count }, (_, i) => Uint8Array.of(random.pick([0, 0xab]), 0, 0, 0, 0, 0, random.below(3), i + 1));
  for (let copies = random.pick([0, 0, 0, 0, 0, 1, 1, 2]); copies > 0 && count > 1; copies--) ids[random.below(count)] = ids[0]!;
  return ids;
}

function parentId(random: SeededRandom, ids: readonly Uint8Array[], index: number): Uint8Array {
  const dice = random.below(20);
  if (index === 0 ? dice > 2 : dice < 2) return new Uint8Array(0);
  if (dice === 3) return Uint8Array.of(9, 9, 9, 9, 9, 9, 9, 9);
  if (dice === 4) return ids[random.below(ids.length)]!;
  return ids[Math.max(0, random.below(index))]!;
}

function randomSpan(random: SeededRandom, traceId: Uint8Array, spanId: Uint8Array, parentSpanId: Uint8Array): OtlpSpan {
  const startNanos = baseNanos + BigInt(random.below(5)) * 500_000_000n + BigInt(random.below(3));
  return {
    spanId,
    parentSpanId,
    name: random.pick(words.names),
    kind: random.below(6),
    startNanos,
    endNanos: startNanos + random.pick([0n, 1n, 1_000_000n, 500_000_000n, 1_500_000_000n, 1_000_000_500n]),
    statusCode: random.below(3),
    statusMessage: random.pick(words.messages),
    traceState: random.pick(['', 'k=v']),
    attributes: [...attributes(random, words.scalarKeys.span, false), ...attributes(random, words.wideKeys.span, true)],
    events: listOf(random, () => randomEvent(random, startNanos)),
    links: listOf(random, () => randomLink(random, traceId)),
  };
}

function listOf<Member>(random: SeededRandom, make: () => Member): readonly Member[] {
  return Array.from({ length: random.pick([0, 0, 0, 1, 2, 3]) }, make);
}

function randomEvent(random: SeededRandom, startNanos: bigint): OtlpEvent {
  return {
    timeNanos: startNanos + random.pick([0n, 1n, 1_000_000n, -1_000_000n]),
    name: random.pick(words.events),
    attributes: [...attributes(random, words.scalarKeys.event, false), ...attributes(random, words.wideKeys.event, true)],
  };
}

function randomLink(random: SeededRandom, traceId: Uint8Array): OtlpLink {
  const childOf = random.below(6) === 0 ? [{ key: 'opentracing.ref_type', value: { kind: 'string', value: 'child_of' } as const }] : [];
  return {
    traceId:
      random.below(3) === 0
        ? traceId
        : Buffer.from(random.pick(['000000000000000000000000000000ab', 'ffeeddccbbaa99887766554433221100']), 'hex'),
    spanId: Uint8Array.of(random.pick([0, 0xab]), 0, 0, 0, 0, 0, 0, random.below(3)),
    traceState: '',
    attributes: [...childOf, ...attributes(random, words.scalarKeys.link, false), ...attributes(random, words.wideKeys.link, true)],
  };
}

function randomScope(random: SeededRandom) {
  return {
    name: random.pick(words.scopes),
    version: random.pick(['', '1.0', '2']),
    attributes: [
      ...attributes(random, words.scalarKeys.instrumentation, false),
      ...attributes(random, words.wideKeys.instrumentation, true),
    ],
  };
}

function resourceAttributes(random: SeededRandom): readonly OtlpAttribute[] {
  const wide = attributes(random, words.wideKeys.resource, true).filter(({ key }) => key !== 'service.name');
  const service: OtlpValue = random.below(12) === 0 ? opaque(random) : { kind: 'string', value: random.pick(words.services) };
  const named = random.below(8) === 0 ? [] : [{ key: 'service.name', value: service }];
  return [...attributes(random, words.scalarKeys.resource, false), ...wide, ...named];
}

function attributes(random: SeededRandom, keys: readonly string[], wide: boolean): readonly OtlpAttribute[] {
  return keys.filter(() => random.below(2) === 0).map((key) => ({ key, value: randomValue(random, wide, key) }));
}

function randomValue(random: SeededRandom, wide: boolean, key = ''): OtlpValue {
  if (key === 'flag') return { kind: 'boolean', value: random.below(2) === 0 };
  if (key.startsWith('http.status') && random.below(4) > 0) return { kind: 'int', value: random.pick(words.ints) };
  if (/^http|cluster|pod/.test(key) && random.below(4) > 0) return { kind: 'string', value: random.pick(words.texts) };
  if (key === 'odd' || (wide && random.below(8) === 0)) return opaque(random);
  if (!wide || random.below(2) === 0) return scalar(random, random.below(key === 'n' ? 2 : 4));
  const type = random.below(4);
  return { kind: 'array', values: Array.from({ length: 1 + random.below(3) }, () => scalar(random, type)) };
}

function scalar(random: SeededRandom, type: number): OtlpValue {
  if (type === 0) return { kind: 'int', value: random.pick(words.ints) };
  if (type === 1) return { kind: 'double', value: random.below(40) === 0 ? Number.NaN : random.pick(words.doubles) };
  if (type === 2) return { kind: 'string', value: random.pick(words.texts) };
  return { kind: 'boolean', value: random.below(2) === 0 };
}

function opaque(random: SeededRandom): OtlpValue {
  const inner: OtlpValue = { kind: 'string', value: 'x' };
  return random.pick<OtlpValue>([
    { kind: 'array', values: [] },
    { kind: 'array', values: [inner, { kind: 'int', value: 1n }] },
    { kind: 'kvlist', values: [{ key: 'a', value: inner }] },
    { kind: 'bytes', value: Uint8Array.of(1, 2, 3) },
    { kind: 'empty' },
  ]);
}

/** Dedicated columns for some attributes of the vocabulary, some with options that only vParquet5 knows. */
export function randomDedicatedColumns(random: SeededRandom): readonly DedicatedColumn[] {
  const scopes = ['span', 'resource', 'event'] as const;
  const all = scopes.flatMap((scope) =>
    [...words.scalarKeys[scope], ...words.wideKeys[scope]]
      .filter((name) => name !== 'service.name')
      .map(
        (name): DedicatedColumn => ({
          scope,
          name,
          type: random.pick(['string', 'string', 'int']),
          options: random.pick([[], [], ['array'], ['blob']]),
        }),
      ),
  );
  const share = random.pick([0, 2, 4]);
  return all.filter(() => random.below(4) < share);
}
