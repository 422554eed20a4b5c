// Makes a clone ready to run: packages, the pinned Node, the WASM kernels. Quick when nothing is to be done.
//
// Plain JavaScript without dependencies, because it runs first, under whatever Node (20 or later) the machine has.
// What comes after it runs under the Node of node_modules/.bin.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = join(fileURLToPath(import.meta.url), '../../..');

/** The Node that the project runs under, pinned in package.json. */
export const pinnedNode = join(root, 'node_modules/.bin/node');

/** @param {string} text */
function say(text) {
  process.stderr.write(`prepare: ${text}\n`);
}

/** Runs a command in the project's root with its output shown, and throws when it fails. */
function run(command, args, cwd = root) {
  const started = Date.now();
  const { status, error } = spawnSync(command, args, { cwd, stdio: ['ignore', 2, 2] });
  if (error !== undefined) throw new Error(`could not start ${command}: ${error.message}`);
  if (status !== 0) throw new Error(`"${[command, ...args].join(' ')}" failed with exit status ${status}`);
  return ((Date.now() - started) / 1000).toFixed(1);
}

function readJson(path) {
  return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : undefined;
}

/**
 * True when node_modules holds what package-lock.json asks for, judged by npm's own record of what it installed.
 * Packages for other platforms are optional and need not be there.
 */
function packagesAreCurrent() {
  const wanted = readJson(join(root, 'package-lock.json'));
  const installed = readJson(join(root, 'node_modules/.package-lock.json'));
  if (wanted === undefined || installed === undefined) return false;
  return Object.entries(wanted.packages).every(([path, { version, integrity, optional }]) => {
    if (path === '') return true;
    const found = installed.packages[path];
    if (found === undefined) return optional === true;
    return found.version === version && (integrity === undefined || found.integrity === integrity);
  });
}

function nodeVersion() {
  return spawnSync(pinnedNode, ['--version'], { encoding: 'utf8' }).stdout?.trim();
}

/** The package `node` brings its binary by an install script; where npm is told to ignore scripts, the script is run from here. */
function ensureNode() {
  const wanted = `v${readJson(join(root, 'package.json')).devDependencies.node}`;
  if (nodeVersion() === wanted) return;
  say(`fetching Node ${wanted}`);
  run(process.execPath, ['installArchSpecificPackage.js'], join(root, 'node_modules/node'));
  // npm makes no link for a binary that was missing when it installed the package.
  if (!existsSync(pinnedNode)) symlinkSync('../node/bin/node', pinnedNode);
  const found = nodeVersion();
  if (found !== wanted)
    throw new Error(`node_modules/.bin/node is ${found ?? 'missing'}, not ${wanted}: delete node_modules and run this again`);
}

/** Packages, Node and kernels, each only when missing or stale. Throws with what to do about it. */
export function prepare() {
  const [major] = process.versions.node.split('.');
  if (Number(major) < 20)
    throw new Error(`Node ${process.versions.node} is too old: install Node 20 or later, the project fetches the one it needs itself`);
  if (!packagesAreCurrent()) {
    say('installing packages (npm ci); this takes a minute');
    say(`packages installed in ${run('npm', ['ci', '--no-audit', '--no-fund'])} s`);
  }
  ensureNode();
  run(pinnedNode, ['engine/kernels/build.mjs']);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  try {
    prepare();
  } catch (error) {
    say(error.message);
    process.exitCode = 1;
  }
}
