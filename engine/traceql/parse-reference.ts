import type { Intrinsic, Reference, Scope } from './ast.ts';
import { advance, expect, expectSilently, type Parser } from './parser.ts';
import { unexpected } from './syntax-error.ts';
import type { TokenKind } from './tokens.ts';

const bareIntrinsics: Partial<Record<TokenKind, Intrinsic>> = {
  duration: 'duration',
  name: 'name',
  status: 'status',
  statusMessage: 'statusMessage',
  kind: 'kind',
  rootName: 'rootName',
  rootServiceName: 'rootServiceName',
  traceDuration: 'traceDuration',
  nestedSetLeft: 'nestedSetLeft',
  nestedSetRight: 'nestedSetRight',
  nestedSetParent: 'nestedSetParent',
  parent: 'parent',
};

/** What may follow each scope word with a colon, in the order in which messages list it (spec traceql §1.7, §3.4). */
const scopedIntrinsics: Partial<Record<TokenKind, Partial<Record<TokenKind, Intrinsic>>>> = {
  'trace:': { duration: 'traceDuration', rootName: 'rootName', rootService: 'rootServiceName', id: 'trace:id' },
  'span:': {
    duration: 'duration',
    name: 'name',
    status: 'status',
    statusMessage: 'statusMessage',
    kind: 'kind',
    childCount: 'span:childCount',
    id: 'span:id',
    parentID: 'span:parentID',
  },
  'event:': { name: 'event:name', timeSinceStart: 'event:timeSinceStart' },
  'link:': { traceID: 'link:traceID', spanID: 'link:spanID' },
  'instrumentation:': { name: 'instrumentation:name', version: 'instrumentation:version' },
};

const scopes: Partial<Record<TokenKind, Scope>> = {
  '.': 'none',
  'span.': 'span',
  'resource.': 'resource',
  'event.': 'event',
  'link.': 'link',
  'instrumentation.': 'instrumentation',
};

function parseScopedIntrinsic(parser: Parser, names: Partial<Record<TokenKind, Intrinsic>>): Reference {
  const name = names[parser.token.kind];
  if (name === undefined) {
    const expected = Object.keys(names) as TokenKind[];
    throw unexpected(parser.token, ...(expected.length > 4 ? [] : expected));
  }
  advance(parser);
  return { kind: 'intrinsic', name };
}

function parseName(parser: Parser, scope: Scope, parent: boolean): Reference {
  const { text: name } = expect(parser, 'IDENTIFIER');
  expectSilently(parser, 'END_ATTRIBUTE');
  return { kind: 'attribute', scope, name, parent };
}

/** After `parent.`: a name, or `span.` or `resource.` and a name. */
function parseParentScope(parser: Parser): Reference {
  const { kind } = parser.token;
  if (kind === 'IDENTIFIER') return parseName(parser, 'none', true);
  if (kind !== 'span.' && kind !== 'resource.') throw unexpected(parser.token, 'IDENTIFIER', 'resource.', 'span.');
  advance(parser);
  return parseName(parser, kind === 'span.' ? 'span' : 'resource', true);
}

/** An attribute or an intrinsic; undefined, without a step, when the next token begins none (spec traceql §1.5–1.8). */
export function parseReference(parser: Parser): Reference | undefined {
  const { kind } = parser.token;
  const intrinsic = bareIntrinsics[kind];
  const names = scopedIntrinsics[kind];
  const scope = scopes[kind];
  if (intrinsic === undefined && names === undefined && scope === undefined && kind !== 'parent.') return undefined;
  advance(parser);
  if (intrinsic !== undefined) return { kind: 'intrinsic', name: intrinsic };
  if (names !== undefined) return parseScopedIntrinsic(parser, names);
  return scope === undefined ? parseParentScope(parser) : parseName(parser, scope, false);
}

/** `( reference {, reference} )`, of `select` and of metrics `by`. */
export function parseReferenceList(parser: Parser): Reference[] {
  expect(parser, '(');
  const references: Reference[] = [];
  for (;;) {
    const reference = parseReference(parser);
    if (reference === undefined) throw unexpected(parser.token);
    references.push(reference);
    if (parser.token.kind === ')') break;
    if (parser.token.kind !== ',') throw unexpected(parser.token, ')', ',');
    advance(parser);
  }
  advance(parser);
  return references;
}
