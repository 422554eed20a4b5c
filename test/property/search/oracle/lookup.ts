import type { Intrinsic, Reference, Scope } from '#engine/traceql/ast.ts';
import type { OtlpAttribute } from '#engine/vparquet/write/trace-model.ts';
import { hexOf, type SpanView } from './traces.ts';
import { bool, text, type Value, visible, whole } from './values.ts';

/** Where a value was looked for. */
export type Place = 'trace' | 'resource' | 'scope' | 'span' | 'event' | 'link';

/** What one place has of a reference: one value or none, or one of each event or link. */
export interface Found {
  readonly place: Place;
  readonly values: readonly (Value | undefined)[];
  /** The block keeps this attribute in a column of its own. */
  readonly ownColumn: boolean;
  /** `resource.service.name` is a text always; an empty one stands for none. */
  readonly emptyIsAbsent: boolean;
}

const places: Readonly<Record<Exclude<Scope, 'none'>, Place>> = {
  span: 'span',
  resource: 'resource',
  event: 'event',
  link: 'link',
  instrumentation: 'scope',
};

export function isChildPlace(place: Place): boolean {
  return place === 'event' || place === 'link';
}

/** The places of a reference in the order in which they count: the first with a value hides the others (spec traceql §4.2). */
export function lookUp(view: SpanView, reference: Reference): readonly Found[] {
  if (reference.kind === 'intrinsic') return intrinsic(view, reference.name);
  if (reference.scope !== 'none') return [attribute(view, places[reference.scope], reference.name)];
  return [attribute(view, 'span', reference.name), attribute(view, 'resource', reference.name)];
}

export function isPresent({ emptyIsAbsent }: Found, value: Value | undefined): value is Value {
  return value !== undefined && !(emptyIsAbsent && value.kind === 'string' && value.value === '');
}

/** The one value that stands for a reference in arithmetic, groups and aggregates; of several events the last one that has any. */
export function singleValue(view: SpanView, reference: Reference): Value {
  for (const { values } of lookUp(view, reference)) {
    const value = values.findLast((one) => one !== undefined);
    if (value !== undefined) return value;
  }
  return { kind: 'nil' };
}

function attribute(view: SpanView, place: Place, name: string): Found {
  const { span, resource, scope } = view;
  const find = (attributes: readonly OtlpAttribute[]) => {
    const found = attributes.find(({ key }) => key === name)?.value;
    return found && visible(found);
  };
  const isService = place === 'resource' && name === 'service.name';
  const lists: Readonly<Record<Place, readonly (readonly OtlpAttribute[])[]>> = {
    trace: [],
    resource: [resource.attributes],
    scope: [scope.attributes],
    span: [span.attributes],
    event: span.events.map(({ attributes }) => attributes),
    link: span.links.map(({ attributes }) => attributes),
  };
  const values = lists[place].map((attributes) => find(attributes) ?? (isService ? text('') : undefined));
  return { place, values, ownColumn: isService || hasOwnColumn(view, place, name), emptyIsAbsent: isService };
}

const wellKnown: Partial<Readonly<Record<Place, RegExp>>> = {
  resource: /^(cluster|namespace|pod|container|k8s\.(cluster|namespace|pod|container)\.name)$/,
  span: /^http\.(method|url|status_code)$/,
};

function hasOwnColumn({ settings: { version, dedicatedColumns } }: SpanView, place: Place, name: string): boolean {
  const isOld = version === 'vParquet4';
  if (isOld && wellKnown[place]?.test(name)) return true;
  const usable = dedicatedColumns.filter(
    (column) => column.scope === place && !(isOld && (column.type === 'int' || column.options.length > 0 || column.scope === 'event')),
  );
  const found = usable.find((column) => column.name === name);
  if (found === undefined) return false;
  const ofType = usable.filter(({ type }) => type === found.type);
  return ofType.indexOf(found) < (found.type === 'int' ? 5 : isOld ? 10 : 20);
}

function intrinsic(view: SpanView, name: Intrinsic): readonly Found[] {
  const { span, trace, scope } = view;
  const found = (place: Place, ...values: readonly Value[]): readonly Found[] => [
    { place, values, ownColumn: false, emptyIsAbsent: false },
  ];
  const duration = (nanos: bigint): Value => ({ kind: 'duration', nanos: BigInt.asIntN(64, nanos) });
  switch (name) {
    case 'duration':
      return found('span', duration(span.endNanos - span.startNanos));
    case 'name':
      return found('span', text(span.name));
    case 'status':
      return found('span', { kind: 'status', code: span.statusCode });
    case 'statusMessage':
      return found('span', text(span.statusMessage));
    case 'kind':
      return found('span', { kind: 'kind', code: span.kind });
    case 'span:childCount':
      return view.settings.version === 'vParquet4' ? [] : found('span', whole(view.childCount));
    case 'span:id':
      return found('span', text(hexOf(span.spanId).padStart(16, '0')));
    case 'span:parentID':
      return found('span', text(hexOf(span.parentSpanId).padStart(16, '0')));
    case 'rootName':
      return found('trace', text(trace.rootName));
    case 'rootServiceName':
      return found('trace', text(trace.rootService));
    case 'traceDuration':
      return found('trace', duration(trace.endNanos - trace.startNanos));
    case 'trace:id':
      return found('trace', text(trimId(trace.id)));
    case 'event:name':
      return found('event', ...span.events.map((event) => text(event.name)));
    case 'event:timeSinceStart':
      return found('event', ...span.events.map((event) => duration(event.timeNanos - span.startNanos)));
    case 'link:traceID':
      return found('link', ...span.links.map((link) => text(trimId(hexOf(link.traceId)))));
    case 'link:spanID':
      return found('link', ...span.links.map((link) => text(hexOf(link.spanId).padStart(16, '0'))));
    case 'instrumentation:name':
      return found('scope', text(scope.name));
    case 'instrumentation:version':
      return found('scope', text(scope.version));
    case 'nestedSetLeft':
      return found('span', whole(view.left));
    case 'nestedSetRight':
      return found('span', whole(view.right));
    case 'nestedSetParent':
      return found('span', whole(view.parentLeft));
    case 'parent':
      return found('span', bool(false));
  }
}

/** Without the zeros in front. */
export function trimId(id: string): string {
  return id.replace(/^0+(?=.)/, '');
}
