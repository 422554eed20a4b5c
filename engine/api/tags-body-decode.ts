import { AppError } from '#engine/base/errors.ts';
import { type WireField, wireFields } from './protobuf-wire.ts';
import {
  type AnsweredScope,
  answeredScopes,
  type ByteText,
  type TagNamesAnswer,
  type TagValue,
  type TagValuesAnswer,
  toByteText,
} from './tags-answer.ts';
import type { TagsVersion } from './tags-params.ts';

function textOf(field: WireField): ByteText {
  return field.type === 'bytes' ? Buffer.from(field.bytes).toString('latin1') : '';
}

/** MetadataMetrics: of a job only the bytes say something. */
function inspectedBytesOf(field: WireField): number {
  if (field.type !== 'bytes') return 0;
  for (const { number, ...rest } of wireFields(field.bytes)) if (number === 1 && rest.type === 'varint') return Number(rest.value);
  return 0;
}

/** What both kinds of answer have: items in field 1, metrics in field 2. */
function readProtobuf(body: Uint8Array): { readonly items: readonly WireField[]; readonly inspectedBytes: number } {
  const items: WireField[] = [];
  let inspectedBytes = 0;
  for (const field of wireFields(body)) {
    if (field.number === 1) items.push(field);
    else if (field.number === 2) inspectedBytes = inspectedBytesOf(field);
  }
  return { items, inspectedBytes };
}

type Json = Readonly<Record<string, unknown>>;

function readJson(body: Uint8Array): Json {
  try {
    const value: unknown = JSON.parse(Buffer.from(body).toString());
    return typeof value === 'object' && value !== null ? (value as Json) : {};
  } catch (thrown) {
    throw new AppError('internal', 'malformed answer with tags: no JSON', { cause: thrown });
  }
}

function inspectedInJson({ metrics }: Json): number {
  return Number(((metrics ?? {}) as Json).inspectedBytes ?? 0);
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

const byteText = (value: unknown): ByteText => (typeof value === 'string' ? toByteText(value) : '');

/** Scopes that nobody knows here are passed over. */
function namesByScope(scopes: readonly (readonly [scope: string, names: readonly ByteText[]])[]): TagNamesAnswer['names'] {
  const names = new Map<AnsweredScope, Set<ByteText>>();
  for (const [name, tags] of scopes) {
    const scope = answeredScopes.find((known) => known === name);
    if (scope !== undefined && tags.length > 0) names.set(scope, new Set([...(names.get(scope) ?? []), ...tags]));
  }
  return names;
}

function scopeFromProtobuf(field: WireField): readonly [string, readonly ByteText[]] {
  let name = '';
  const tags: ByteText[] = [];
  for (const member of wireFields(field.type === 'bytes' ? field.bytes : new Uint8Array(0))) {
    if (member.number === 1) name = textOf(member);
    else if (member.number === 2) tags.push(textOf(member));
  }
  return [name, tags];
}

/**
 * Reads a job's answer with names of tags: of our own or a real Tempo's querier. v1 does not tell scopes apart: its names count as those of spans. Throws `internal`
 * where it is damaged.
 */
export function decodeTagNames(body: Uint8Array, version: TagsVersion, format: 'json' | 'protobuf'): TagNamesAnswer {
  if (format === 'protobuf') {
    const { items, inspectedBytes } = readProtobuf(body);
    return { names: namesByScope(version === 1 ? [['span', items.map(textOf)]] : items.map(scopeFromProtobuf)), inspectedBytes };
  }
  const json = readJson(body);
  const scopes = list(json.scopes).map((scope): readonly [string, readonly ByteText[]] => {
    const { name, tags } = (scope ?? {}) as Json;
    return [String(name ?? ''), list(tags).map(byteText)];
  });
  return {
    names: namesByScope(version === 1 ? [['span', list(json.tagNames).map(byteText)]] : scopes),
    inspectedBytes: inspectedInJson(json),
  };
}

const valueTypes: ReadonlySet<string> = new Set<TagValue['type']>(['string', 'int', 'float', 'bool', 'duration', 'keyword', '']);

function tagValueOf(type: string, value: ByteText): TagValue {
  return { type: valueTypes.has(type) ? (type as TagValue['type']) : 'string', value };
}

function valueFromProtobuf(field: WireField): TagValue {
  let type = '';
  let value = '';
  for (const member of wireFields(field.type === 'bytes' ? field.bytes : new Uint8Array(0))) {
    if (member.number === 1) type = textOf(member);
    else if (member.number === 2) value = textOf(member);
  }
  return tagValueOf(type, value);
}

/** As {@link decodeTagNames} for the values of a tag; v1 does not tell types: all are strings. */
export function decodeTagValues(body: Uint8Array, version: TagsVersion, format: 'json' | 'protobuf'): TagValuesAnswer {
  if (format === 'protobuf') {
    const { items, inspectedBytes } = readProtobuf(body);
    return { values: items.map((item) => (version === 1 ? tagValueOf('string', textOf(item)) : valueFromProtobuf(item))), inspectedBytes };
  }
  const json = readJson(body);
  const values = list(json.tagValues).map((item) => {
    if (version === 1) return tagValueOf('string', byteText(item));
    const { type, value } = (item ?? {}) as Json;
    return tagValueOf(typeof type === 'string' ? type : '', byteText(value));
  });
  return { values, inspectedBytes: inspectedInJson(json) };
}
