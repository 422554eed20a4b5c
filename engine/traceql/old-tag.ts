import type { Reference } from './ast.ts';

/** Names that the old endpoint knows for intrinsics; every other name is an attribute of a span or resource (spec http-api §5.2). */
const oldNames: Readonly<Record<string, Reference & { readonly kind: 'intrinsic' }>> = {
  name: { kind: 'intrinsic', name: 'name' },
  rootName: { kind: 'intrinsic', name: 'rootName' },
  'root.name': { kind: 'intrinsic', name: 'rootName' },
  rootServiceName: { kind: 'intrinsic', name: 'rootServiceName' },
  'root.service.name': { kind: 'intrinsic', name: 'rootServiceName' },
  'status.code': { kind: 'intrinsic', name: 'status' },
};

/** What a tag name of the old endpoint means. */
export function oldTag(name: string): Reference {
  if (Object.hasOwn(oldNames, name)) return oldNames[name]!;
  return { kind: 'attribute', scope: 'none', name, parent: false };
}
