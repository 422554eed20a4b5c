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

const functionOptions: BuildOptions = { minify: true, external: sdkPackages, plugins: [lazyBuiltins, packedKernels] };

/**
 * The container's function listens before it loads the engine, so its bundle is split there: in one file, imports of Node's modules would all come first.
 * Lambda's is split, too: what most calls do not need is loaded with the first job that needs it. Queriers keep their dependencies in node_modules: they
 * are not started for a query.
 */
export const bundles: readonly Bundle[] = [
  {
    name: 'cloudrun',
    folder: 'functions',
    options: { ...functionOptions, entryPoints: ['functions/cloudrun.ts'], chunkNames: 'cloudrun-[name]-[hash]', splitting: true },
  },
  {
    name: 'lambda',
    folder: 'functions',
    options: { ...functionOptions, entryPoints: ['functions/lambda.ts'], chunkNames: 'lambda-[name]-[hash]', splitting: true },
  },
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
