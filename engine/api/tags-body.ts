import { bytesField, numberField } from './protobuf-wire.ts';
import type { StreamedAnswer } from './stream-packets.ts';
import {
  type AnsweredScope,
  answeredScopes,
  type ByteText,
  fromByteText,
  type TagNamesAnswer,
  type TagValue,
  type TagValuesAnswer,
} from './tags-answer.ts';
import type { TagsVersion } from './tags-params.ts';

/** A body and its content type. */
export interface TagsBody {
  readonly contentType: string;
  readonly body: Uint8Array | string;
}

/** How an answer is written; `llm` differs for values of v2 only (spec http-api §2). */
export type TagsFormat = 'json' | 'protobuf' | 'llm';

function compareBytes(a: ByteText, b: ByteText): number {
  return a < b ? -1 : Number(a > b);
}

function json(value: object): TagsBody {
  return { contentType: 'application/json', body: JSON.stringify(value) };
}

function metricsJson(inspectedBytes: number): object {
  return inspectedBytes === 0 ? {} : { inspectedBytes: String(inspectedBytes) };
}

function protobuf({ items, metrics }: StreamedAnswer): TagsBody {
  const body = Buffer.concat([...items.map((item) => bytesField(1, item)), bytesField(2, metrics)]);
  return { contentType: 'application/protobuf', body };
}

/** Text fields hold the bytes as they are; empty ones are left out, elements of lists are not. */
function textField(number: number, text: ByteText): Uint8Array {
  return text === '' ? new Uint8Array(0) : bytesField(number, Buffer.from(text, 'latin1'));
}

const asBytes = (texts: readonly ByteText[]): readonly Uint8Array[] => texts.map((text) => Buffer.from(text, 'latin1'));

function namesV1({ names }: TagNamesAnswer): readonly ByteText[] {
  return [...new Set([...names.values()].flatMap((scope) => [...scope]))].sort(compareBytes);
}

function namesByScope({ names }: TagNamesAnswer): readonly { readonly name: AnsweredScope; readonly tags: readonly ByteText[] }[] {
  return answeredScopes.flatMap((name) => {
    const tags = [...(names.get(name) ?? [])].sort(compareBytes);
    return tags.length === 0 ? [] : [{ name, tags }];
  });
}

function valuesV1({ values }: TagValuesAnswer): readonly ByteText[] {
  return [...new Set(values.map(({ value }) => value))].sort(compareBytes);
}

/** Names of tags in protobuf, as a frontend streams them (spec http-api §9.1): an item is a name in v1, a scope in v2. */
export function streamedTagNames(answer: TagNamesAnswer, version: TagsVersion): StreamedAnswer {
  const scopes = () =>
    namesByScope(answer).map(({ name, tags }) => Buffer.concat([textField(1, name), ...asBytes(tags).map((tag) => bytesField(2, tag))]));
  return { items: version === 1 ? asBytes(namesV1(answer)) : scopes(), metrics: numberField(1, answer.inspectedBytes) };
}

/** As {@link streamedTagNames}, for values. */
export function streamedTagValues(answer: TagValuesAnswer, version: TagsVersion): StreamedAnswer {
  const typed = () => answer.values.map(({ type, value }) => Buffer.concat([textField(1, type), textField(2, value)]));
  return { items: version === 1 ? asBytes(valuesV1(answer)) : typed(), metrics: numberField(1, answer.inspectedBytes) };
}

/** Names of tags: one sorted list in v1, by scope in v2 (spec http-api §5.1). */
export function encodeTagNames(answer: TagNamesAnswer, version: TagsVersion, format: TagsFormat): TagsBody {
  if (format === 'protobuf') return protobuf(streamedTagNames(answer, version));
  const metrics = metricsJson(answer.inspectedBytes);
  if (version === 1) return json({ tagNames: namesV1(answer).map(fromByteText), metrics });
  return json({ scopes: namesByScope(answer).map(({ name, tags }) => ({ name, tags: tags.map(fromByteText) })), metrics });
}

/** Values of a tag: sorted texts in v1, with their types in v2 (spec http-api §5.2, §5.3). */
export function encodeTagValues(answer: TagValuesAnswer, version: TagsVersion, format: TagsFormat): TagsBody {
  if (format === 'protobuf') return protobuf(streamedTagValues(answer, version));
  const { values, inspectedBytes } = answer;
  if (version === 1) return json({ tagValues: valuesV1(answer).map(fromByteText), metrics: metricsJson(inspectedBytes) });
  if (format === 'llm') {
    const byType = Map.groupBy(values, ({ type }) => type);
    const tagValues = Object.fromEntries([...byType].map(([type, list]) => [type, list.map(({ value }) => fromByteText(value))]));
    const metrics = inspectedBytes === 0 ? {} : { inspectedBytes };
    return { contentType: 'application/vnd.grafana.llm+json', body: JSON.stringify({ tagValues, metrics }) };
  }
  const body = `{"tagValues":[${values.map(valueJson).join(',')}],"metrics":${JSON.stringify(metricsJson(inspectedBytes))}}`;
  return { contentType: 'application/json', body };
}

/** Members that are empty are left out, as proto3 JSON has it. There may be many values. */
function valueJson({ type, value }: TagValue): string {
  if (type === '' && value === '') return '{}';
  const text = value === '' ? '' : `"value":${JSON.stringify(fromByteText(value))}`;
  return type === '' ? `{${text}}` : `{"type":"${type}"${text === '' ? '' : `,${text}`}}`;
}
