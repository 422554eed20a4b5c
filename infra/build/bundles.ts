import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { deflateRawSync } from 'node:zlib';
import { type BuildOptions, build, type Metafile, type Plugin } from 'esbuild';
import { zip } from './zip.ts';

/** The repository. */
export const root = join(import.meta.dirname, '../..');

/** A program that is bundled. */
export interface Bundle {
  readonly name: 'cloudrun' | 'lambda' | 'rubato';
  /** Below the build's folder. */
  readonly folder: string;
  readonly options: BuildOptions;
}

/** SDKs are never in a function's bundle: code that needs one imports it when the configuration asks for it, and says so when it is not there. */
export const sdkPackages = ['@aws-sdk/*', '@smithy/*', '@google-cloud/*', 'google-auth-library', '@azure/*'];

const shared: BuildOptions = {
  absWorkingDir: root,
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node22',
  legalComments: 'none',
  logLevel: 'warning',
  metafile: true,
  outExtension: { '.js': '.mjs' },
};

/**
 * `import` of one of Node's modules loads it, and runs every getter of its exports, among them those that load web streams and web crypto: 15 ms of a
 * start. In these bundles a module is loaded when one of its exports is used for the first time.
 */
const lazyBuiltins: Plugin = {
  name: 'lazy-builtins',
  setup({ onResolve, onLoad }) {
    // `import()` wants a module with named exports, and loads late anyway.
    onResolve({ filter: /^node:/ }, ({ path, kind }) =>
      kind === 'dynamic-import' ? { path, external: true } : { path, namespace: 'builtin', sideEffects: false },
    );
    onLoad({ filter: /.*/, namespace: 'builtin' }, ({ path }) => ({ contents: lazyModule(path) }));
  },
};

function lazyModule(path: string): string {
  const exported = Object.keys(process.getBuiltinModule(path) as object).filter((name) => !name.startsWith('_'));
  return `let loaded;
    const get = (name) => (loaded ??= process.getBuiltinModule(${JSON.stringify(path)}))[name];
    for (const name of ${JSON.stringify(exported.join())}.split(','))
      Object.defineProperty(module.exports, name, { enumerable: true, get: () => get(name) });`;
}

/**
 * The kernels are a seventh of the code that is read before a function is ready, as base64, which compresses badly. Here they are packed first, and unpacked
 * when they are compiled: Buffer.from asks what it is given for its `valueOf`.
 */
const packedKernels: Plugin = {
  name: 'packed-kernels',
  setup({ onLoad }) {
    onLoad({ filter: /[/\\]gen[/\\]kernels-wasm\.js$/ }, ({ path }) => {
      const [, base64] = /kernelsWasmBase64 =\s*'([\w+/=]+)'/.exec(readFileSync(path, 'utf8')) ?? [];
      if (base64 === undefined) throw new Error(`${path} does not look as engine/kernels/build.mjs writes it`);
      const packed = deflateRawSync(Buffer.from(base64, 'base64'), { level: 9 }).toString('base64');
      const contents = `import { inflateRawSync } from 'node:zlib';
        export const kernelsWasmBase64 = { valueOf: () => inflateRawSync(Buffer.from('${packed}', 'base64')).toString('base64') };`;
      return { contents, loader: 'js' };
    });
  },
};

/**
 * What parts of a bundle share is put into a file for each combination of parts, and to open a file costs a start half a millisecond, however small it is. Here
 * what is loaded late also imports what is loaded first: that is there by then, and so is one file.
 */
function firstInOneFile(first: string): Plugin {
  const late = 'late';
  return {
    name: 'first-in-one-file',
    setup({ onResolve, onLoad, resolve }) {
      onResolve({ filter: /^[.#]/ }, async ({ path, kind, importer, resolveDir, namespace }) => {
        if (kind !== 'dynamic-import' || namespace === late) return undefined;
        return { path: (await resolve(path, { kind: 'import-statement', importer, resolveDir })).path, namespace: late };
      });
      onLoad({ filter: /.*/, namespace: late }, ({ path }) => ({
        contents: `import ${JSON.stringify(join(root, first))}; export * from ${JSON.stringify(path)};`,
        resolveDir: root,
      }));
    },
  };
}

/** A function's bundle: what is loaded before its first call, or right after it listens, begins with the module `first`. */
function functionOptions(name: 'cloudrun' | 'lambda', first: string): BuildOptions {
  const plugins = [lazyBuiltins, packedKernels, firstInOneFile(first)];
  const chunkNames = `${name}-[name]-[hash]`;
  return { minify: true, external: sdkPackages, plugins, entryPoints: [`functions/${name}.ts`], chunkNames, splitting: true };
}

/**
 * The container's function listens before it loads the engine, so its bundle is split there: in one file, imports of Node's modules would all come first.
 * Lambda's is split, too: what most calls do not need is loaded with the first job that needs it. Queriers keep their dependencies in node_modules: they
 * are not started for a query.
 */
export const bundles: readonly Bundle[] = [
  { name: 'cloudrun', folder: 'functions', options: functionOptions('cloudrun', 'functions/container-handler.ts') },
  { name: 'lambda', folder: 'functions', options: functionOptions('lambda', 'functions/lambda.ts') },
  {
    name: 'rubato',
    folder: 'npm',
    options: {
      entryPoints: { rubato: 'querier/main.ts', 'thread-main': 'engine/jobs/thread-main.ts' },
      packages: 'external',
      splitting: true,
      chunkNames: 'part-[name]-[hash]',
    },
  },
];

/** Bundles one program into its folder below `target`; esbuild's account of what is in which file, paths relative to {@link root}. */
export async function buildBundle({ folder, options }: Bundle, target: string): Promise<Metafile> {
  if (!existsSync(join(root, 'engine/kernels/gen/kernels-wasm.js'))) throw new Error('the kernels are not built: npm run build:kernels');
  const { metafile } = await build({ ...shared, ...options, outdir: join(target, folder) });
  return metafile!;
}

/** Packs Lambda's function from a folder that has the bundles of the functions. */
export function lambdaArchive(folder: string): Buffer {
  const names = readdirSync(folder).filter((name) => /^lambda(-.*)?\.mjs$/.test(name));
  return zip(names.map((name) => ({ name, content: readFileSync(join(folder, name)) })));
}
