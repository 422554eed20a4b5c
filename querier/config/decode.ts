import { isAlias, isMap, isScalar, isSeq, LineCounter, type Node, type Pair, parseDocument, Scalar, type YAMLMap } from 'yaml';
import { AppError, toAppError } from '#engine/base/errors.ts';
import { nearest } from './nearest.ts';
import type { ConfigKey, ConfigValue } from './schema/key.ts';
import type { SchemaNode } from './schema/schema.ts';
import { scalarValue, typeName } from './value.ts';

/** Something in the file that is no error, but that its writer should hear of. */
export interface ConfigNotice {
  readonly kind: 'ignored' | 'removed' | 'relocated';
  readonly path: string;
  readonly line: number;
  readonly to?: string;
}

/** What a file says: values by full path (relocated ones under their new path), and notices. */
export interface DecodedFile {
  readonly values: ReadonlyMap<string, ConfigValue>;
  readonly notices: readonly ConfigNotice[];
}

interface Walk {
  readonly values: Map<string, ConfigValue>;
  readonly notices: ConfigNotice[];
  readonly errors: { readonly line: number; readonly text: string }[];
  readonly line: (node: Node | null | undefined) => number;
  readonly resolve: (node: unknown) => Node | null;
}

/**
 * Decodes a configuration file strictly (spec config §1): unknown keys, duplicate keys and wrong types are errors, all told at once with their lines.
 * Throws AppError `config` with Tempo's framing: `failed to parse configFile F: yaml: unmarshal errors:\n  line N: …`.
 */
export function decodeConfig(text: string, fileName: string, tree: SchemaNode): DecodedFile {
  return decodeText(text, fileName, (walk, contents) => {
    decodeSection(walk, contents, tree, '');
    return walk;
  });
}

/**
 * Decodes a file whose one key `under` maps names to sections of the same keys, as strictly as {@link decodeConfig}: what each name has, by path within its
 * section. Throws as it does.
 */
export function decodeEntries(text: string, fileName: string, under: string, tree: SchemaNode): ReadonlyMap<string, DecodedFile> {
  return decodeText(text, fileName, (walk, contents) => {
    const entries = new Map<string, DecodedFile>();
    for (const pair of sectionPairs(walk, contents, '')) {
      const name = keyName(pair);
      if (name !== under) walk.errors.push({ line: walk.line(pair.key), text: `field ${name} not found in the top level` });
      else {
        for (const entry of sectionPairs(walk, pair.value, under)) {
          const own: Walk = { ...walk, values: new Map(), notices: [] };
          decodeSection(own, entry.value, tree, `${under}.${keyName(entry)}`);
          entries.set(keyName(entry), own);
        }
      }
    }
    return entries;
  });
}

function decodeText<Decoded>(text: string, fileName: string, decode: (walk: Walk, contents: Node | null) => Decoded): Decoded {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: true, merge: true });
  const lineAt = (offset: number | undefined) => (offset === undefined ? 0 : lines.linePos(offset).line);
  const walk: Walk = {
    values: new Map(),
    notices: [],
    errors: document.errors.map((error) => ({ line: lineAt(error.pos[0]), text: error.message })),
    line: (node) => lineAt(node?.range?.[0]),
    resolve: (node) => (isAlias(node) ? (node.resolve(document) ?? null) : (node as Node | null)),
  };
  const decoded = walk.errors.length === 0 ? decode(walk, document.contents as Node | null) : undefined;
  if (decoded === undefined || walk.errors.length > 0) {
    const list = walk.errors.toSorted((a, b) => a.line - b.line).map(({ line, text: problem }) => `  line ${line}: ${problem}`);
    throw new AppError('config', `failed to parse configFile ${fileName}: yaml: unmarshal errors:\n${list.join('\n')}`);
  }
  return decoded;
}

function keyName(pair: Pair<Node, Node | null>): string {
  return isScalar(pair.key) ? String(pair.key.value) : String(pair.key);
}

/** The pairs of a mapping, those of `<<` merges first; a merged key that the mapping itself has is left out. */
function pairsOf(walk: Walk, map: YAMLMap, depth = 0): readonly Pair<Node, Node | null>[] {
  const own = map.items as Pair<Node, Node | null>[];
  const isMerge = (pair: Pair<Node, Node | null>) => isScalar(pair.key) && pair.key.value !== null && String(pair.key.value) === '<<';
  const merges = own.filter((pair) => isMerge(pair) || (isScalar(pair.key) && typeof pair.key.value === 'symbol'));
  if (merges.length === 0 || depth > 10) return own;
  const names = new Set(own.map((pair) => String((pair.key as Scalar).value)));
  const merged = merges.flatMap((pair) => {
    const value = walk.resolve(pair.value);
    const sources = isSeq(value) ? value.items.map(walk.resolve) : [value];
    return sources.flatMap((source) => (isMap(source) ? pairsOf(walk, source, depth + 1) : []));
  });
  return [...merged.filter((pair) => !names.has(String((pair.key as Scalar).value))), ...own.filter((pair) => !merges.includes(pair))];
}

/** The pairs of a section; none where it is empty. What is no mapping is an error. */
function sectionPairs(walk: Walk, unresolved: unknown, path: string): readonly Pair<Node, Node | null>[] {
  const node = walk.resolve(unresolved);
  if (node === null || (isScalar(node) && node.value === null)) return [];
  if (isMap(node)) return pairsOf(walk, node);
  const place = path === '' ? '' : ` (${path})`;
  walk.errors.push({ line: walk.line(node), text: `cannot unmarshal ${describe(node)} into a section${place}` });
  return [];
}

function decodeSection(walk: Walk, unresolved: unknown, schema: SchemaNode, path: string): void {
  if (schema.kind === 'key') {
    decodeKey(walk, walk.resolve(unresolved), schema.key);
    return;
  }
  for (const pair of sectionPairs(walk, unresolved, path)) {
    const name = keyName(pair);
    const child = schema.children.get(name);
    const childPath = path === '' ? name : `${path}.${name}`;
    if (child === undefined) walk.errors.push({ line: walk.line(pair.key), text: unknownKey(name, path, schema.children) });
    else decodeSection(walk, pair.value, child, childPath);
  }
}

function unknownKey(name: string, path: string, known: ReadonlyMap<string, SchemaNode>): string {
  const suggestion = nearest(name, known.keys());
  const meant = suggestion === undefined ? '' : `, did you mean ${suggestion}?`;
  return `field ${name} not found in ${path === '' ? 'the top level' : path}${meant}`;
}

function describe(node: Node): string {
  if (isMap(node)) return '!!map';
  if (isSeq(node)) return '!!seq';
  const { source, value } = node as Scalar;
  const tag = typeof value === 'number' ? (Number.isInteger(value) ? '!!int' : '!!float') : typeof value === 'boolean' ? '!!bool' : '!!str';
  return `${tag} \`${source ?? String(value)}\``;
}

function decodeKey(walk: Walk, node: Node | null, key: ConfigKey): void {
  const line = walk.line(node);
  if (key.status === 'ignored' || key.status === 'removed' || key.status === 'relocated') {
    walk.notices.push({ kind: key.status, path: key.path, line, ...(key.to === undefined ? {} : { to: key.to }) });
  }
  if (node === null) return;
  const value = nodeValue(walk, node, key);
  if (value !== undefined && key.status !== 'removed') walk.values.set(key.to ?? key.path, value);
}

/** The value of a node, undefined where it has none (null) or where an error was told. */
function nodeValue(walk: Walk, node: Node, key: ConfigKey): ConfigValue | undefined {
  if (key.type === 'any') return node.toJSON() as ConfigValue;
  if (isScalar(node) && node.value === null) return undefined;
  try {
    const value = key.type === 'strings' ? listValue(walk, node) : isScalar(node) ? scalarValue(key.type, scalarText(node)) : undefined;
    if (value !== undefined) return value;
    walk.errors.push({ line: walk.line(node), text: `cannot unmarshal ${describe(node)} into ${typeName(key.type)} (${key.path})` });
  } catch (thrown) {
    walk.errors.push({ line: walk.line(node), text: `${toAppError(thrown).message} (${key.path})` });
  }
  return undefined;
}

function scalarText(node: Scalar): { readonly text: string; readonly quoted: boolean } {
  const quoted = node.type !== undefined && node.type !== Scalar.PLAIN;
  return { text: quoted ? String(node.value) : (node.source ?? String(node.value)), quoted };
}

function listValue(walk: Walk, node: Node): readonly string[] | undefined {
  if (!isSeq(node)) return undefined;
  const items = node.items.map(walk.resolve);
  return items.every((item) => isScalar(item)) ? items.map((item) => scalarText(item as Scalar).text) : undefined;
}
