import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

interface Manifest {
  readonly version: string;
  readonly description: string;
  readonly license: string;
  readonly dependencies: Readonly<Record<string, string>>;
}

/** Needed to deploy functions to Cloud Run, by nothing in the package. */
const notShipped = new Set(['@google-cloud/run']);

/** Writes package.json, README, LICENSE and NOTICE of the npm package into a folder that has its code. Runtime dependencies and their pins are the repository's. */
export function writePackage(root: string, folder: string): void {
  const source = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Manifest;
  const manifest = {
    name: 'rubato',
    version: source.version,
    description: source.description,
    license: source.license,
    type: 'module',
    engines: { node: '>=22.15' },
    bin: { rubato: 'rubato.mjs', 'rubato-function': 'functions/cloudrun.mjs' },
    dependencies: Object.fromEntries(Object.entries(source.dependencies).filter(([name]) => !notShipped.has(name))),
  };
  writeFileSync(join(folder, 'package.json'), `${JSON.stringify(manifest, undefined, 2)}\n`);
  for (const name of ['README.md', 'LICENSE', 'NOTICE']) copyFileSync(join(root, name), join(folder, name));
  for (const program of Object.values(manifest.bin)) addShebang(join(folder, program));
}

function addShebang(path: string): void {
  const code = readFileSync(path, 'utf8');
  if (!code.startsWith('#!')) writeFileSync(path, `#!/usr/bin/env node\n${code}`);
}
