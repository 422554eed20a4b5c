import { posix } from 'node:path';
import type { ParsedFile, Violation } from './syntax.ts';
import { importsOf, lineOf } from './syntax.ts';

/**
 * The layers, from the ground up, with what each may import besides itself: docs/architecture.md. Imports go down only.
 * A layer is the longest of these prefixes that a path starts with.
 */
const mayImport: Readonly<Record<string, readonly string[]>> = {
  'engine/base': [],
  'engine/api': ['engine/base'],
  'engine/traceql': ['engine/base'],
  'engine/kernels': ['engine/base', 'engine/api'], // the tables of the answers that kernels write
  'engine/cache': ['engine/base'],
  'engine/backend': ['engine/base', 'engine/cache'],
  'engine/blocklist': ['engine/base', 'engine/backend', 'engine/api'],
  'engine/parquet': ['engine/base', 'engine/backend', 'engine/api', 'engine/traceql', 'engine/kernels'],
  'engine/vparquet': ['engine/base', 'engine/backend', 'engine/api', 'engine/traceql', 'engine/kernels', 'engine/parquet'],
  'engine/scan': ['engine/base', 'engine/backend', 'engine/api', 'engine/traceql', 'engine/kernels', 'engine/parquet', 'engine/vparquet'],
  'engine/jobs': ['engine'],
  functions: ['engine'],
  querier: ['engine'],
};

/** Who may import the packages of cloud vendors. */
const cloudPackages = /^(@aws-sdk|@aws|@smithy|@google-cloud|@azure|google-auth-library|aws-)/;
const cloudFolders = ['engine/backend/', 'querier/external/'];

/** Imports that go up or sideways, from `functions` to `querier` or back, of test code, of packages that are no runtime dependency. */
export function layerViolations(files: readonly ParsedFile[], runtimePackages: readonly string[]): readonly Violation[] {
  return files.flatMap((file) => {
    const layer = layerOf(file.path);
    if (layer === undefined) return [];
    return importsOf(file).flatMap(({ module, node }) => {
      const message =
        module.startsWith('.') || module.startsWith('#')
          ? badFile(file.path, layer, module)
          : badPackage(file.path, module, runtimePackages);
      return message === undefined ? [] : [{ path: file.path, line: lineOf(file, node), message }];
    });
  });
}

function layerOf(path: string): string | undefined {
  return Object.keys(mayImport).find((layer) => path.startsWith(`${layer}/`));
}

function badFile(from: string, layer: string, module: string): string | undefined {
  const target = module.startsWith('#') ? module.slice(1) : posix.join(posix.dirname(from), module);
  const allowed = [layer, ...(mayImport[layer] ?? [])];
  if (allowed.some((folder) => target.startsWith(`${folder}/`))) return undefined;
  return `${layer} must not import ${target}: it may import ${allowed.join(', ')}. Move the code down, or pass the thing in as an argument`;
}

function badPackage(from: string, module: string, runtimePackages: readonly string[]): string | undefined {
  if (module.startsWith('node:')) return undefined;
  const name = module
    .split('/')
    .slice(0, module.startsWith('@') ? 2 : 1)
    .join('/');
  if (!runtimePackages.includes(name))
    return `${name} is no runtime dependency: code that ships imports only node: modules and package.json's dependencies`;
  if (cloudPackages.test(module) && !cloudFolders.some((folder) => from.startsWith(folder))) {
    return `${module} belongs into ${cloudFolders.join(' or ')}: no other code knows a cloud vendor`;
  }
  return undefined;
}
