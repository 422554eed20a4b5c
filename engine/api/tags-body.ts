import { bytesField, numberField } from './protobuf-wire.ts';
import { answeredScopes, type ByteText, fromByteText, type TagNamesAnswer, type TagValue, type TagValuesAnswer } from './tags-answer.ts';
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

function protobuf(members: readonly Uint8Array[], inspectedBytes: number): TagsBody {
  const metrics = bytesField(2, numberField(1, inspectedBytes));
  return { contentType: 'application/protobuf', body: Buffer.concat([...members, metrics]) };
}

/** Text fields hold the bytes as they are; empty ones are left out, elements of lists are not. */
function textField(number: number, text: ByteText): Uint8Array {
  return text === '' ? new Uint8Array(0) : bytesField(number, Buffer.from(text, 'latin1'));
}

/** Names of tags: one sorted list in v1, by scope in v2 (spec http-api §5.1). */
export function encodeTagNames({ names, inspectedBytes }: TagNamesAnswer, version: TagsVersion, format: TagsFormat): TagsBody {
  if (version === 1) {
    const all = [...new Set([...names.values()].flatMap((scope) => [...scope]))].sort(compareBytes);
    if (format === 'protobuf')
      return protobuf(
        all.map((name) => bytesField(1, Buffer.from(name, 'latin1'))),
        inspectedBytes,
      );
    return json({ tagNames: all.map(fromByteText), metrics: metricsJson(inspectedBytes) });
  }
  const scopes = answeredScopes.flatMap((name) => {
    const tags = [...(names.get(name) ?? [])].sort(compareBytes);
    return tags.length === 0 ? [] : [{ name, tags }];
  });
  if (format === 'protobuf') {
    const members = scopes.map(({ name, tags }) =>
      bytesField(1, Buffer.concat([textField(1, name), ...tags.map((tag) => bytesField(2, Buffer.from(tag, 'latin1')))])),
    );
    return protobuf(members, inspectedBytes);
  }
  return json({ scopes: scopes.map(({ name, tags }) => ({ name, tags: tags.map(fromByteText) })), metrics: metricsJson(inspectedBytes) });
}

/** Values of a tag: sorted texts in v1, with their types in v2 (spec http-api §5.2, §5.3). */
export function encodeTagValues({ values, inspectedBytes }: TagValuesAnswer, version: TagsVersion, format: TagsFormat): TagsBody {
  if (version === 1) {
    const all = [...new Set(values.map(({ value }) => value))].sort(compareBytes);
    if (format === 'protobuf')
      return protobuf(
        all.map((value) => bytesField(1, Buffer.from(value, 'latin1'))),
        inspectedBytes,
      );
    return json({ tagValues: all.map(fromByteText), metrics: metricsJson(inspectedBytes) });
  }
  if (format === 'protobuf') {
    const members = values.map(({ type, value }) => bytesField(1, Buffer.concat([textField(1, type), textField(2, value)])));
    return protobuf(members, inspectedBytes);
  }
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
