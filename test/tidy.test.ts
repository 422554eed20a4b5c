import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { test } from 'node:test';
import { isFixture, isGenerated, listTree } from './tidy/files.ts';
import { layerViolations } from './tidy/layers.ts';
import { bannedForms, impureCalls, longFunctions, undocumentedExports } from './tidy/rules.ts';
import type { ParsedFile, Violation } from './tidy/syntax.ts';
import { withParsedFiles } from './tidy/syntax.ts';

const root = join(import.meta.dirname, '..');
const tree = listTree(root);
const code = tree.map(({ path }) => path).filter((path) => /\.(ts|mjs|js)$/.test(path) && !isGenerated(path) && !isFixture(path));

const maxFileLines = 400;
const maxDataBytes = 40_000_000;

/** Everything that a running process loads from node_modules. A new entry needs its line in docs/decisions.md. */
const runtimePackages = [
  '@aws-sdk/client-lambda',
  '@aws-sdk/client-s3',
  '@bufbuild/protobuf',
  '@connectrpc/connect',
  '@connectrpc/connect-node',
  '@google-cloud/run',
  '@google-cloud/storage',
  '@opentelemetry/api',
  '@opentelemetry/exporter-trace-otlp-http',
  '@opentelemetry/sdk-trace',
  'google-auth-library',
  'hysnappy',
  'iovalkey',
  'p-any',
  'prom-client',
  'yaml',
];

function noViolations(found: readonly Violation[]): void {
  const lines = found.map(({ path, line, message }) => `${path}:${line}: ${message}`);
  assert.ok(lines.length === 0, `${lines.length} to mend:\n${lines.join('\n')}`);
}

function shipped(files: readonly ParsedFile[]): readonly ParsedFile[] {
  return files.filter(({ path }) => /^(engine|functions|querier)\//.test(path));
}

function text(path: string): string {
  return readFileSync(join(root, path), 'utf8');
}

test('code keeps the rules of CONTRIBUTING.md', async (t) => {
  const rules: Readonly<Record<string, (files: readonly ParsedFile[]) => readonly Violation[]>> = {
    'imports go down the layers': (files) => layerViolations(shipped(files), runtimePackages),
    'functions are short': (files) => files.flatMap(longFunctions),
    'no enums, namespaces, default exports, classes': (files) => files.flatMap(bannedForms),
    'clocks, chance, environment and terminal only at the edge': (files) => shipped(files).flatMap(impureCalls),
    'every export has a doc comment': (files) => shipped(files).flatMap(undocumentedExports),
  };
  const found = withParsedFiles(root, code, (files) => {
    assert.ok(files.length > 20, `only ${files.length} files were parsed: does tsconfig.json still include everything?`);
    return Object.entries(rules).map(([name, rule]) => [name, rule(files)] as const);
  });
  for (const [name, violations] of found) await t.test(name, () => noViolations(violations));
});

test('the rules find what they are for', () => {
  const folder = mkdtempSync(join(tmpdir(), 'rubato-tidy-'));
  try {
    const sources: Readonly<Record<string, string>> = {
      'engine/api/up.ts':
        "import { a } from '#engine/scan/a.ts';\nexport type B = import('../../querier/b.ts').B;\nimport 'fast-check';\nexport { a };\n",
      'engine/jobs/cloud.ts': "import '@aws-sdk/client-s3';\nimport '../base/errors.ts';\n",
      'querier/side.ts': "export * from '../functions/handler.ts';\n",
      'functions/long.ts': `function long() {\n${'  void 0;\n'.repeat(70)}}\n`,
      'engine/base/forms.ts':
        'enum E {}\nnamespace N {}\nexport default 1;\nclass C {}\n/** d */\nexport class AppError extends Error {}\n',
      'engine/base/impure.ts':
        "import { setTimeout as delay } from 'node:timers/promises';\nprocess.env.A;\nDate.now();\nconst x = { setTimeout: 1, console: x.console };\nconsole.log(setTimeout);\n",
      'engine/base/exports.ts': '/** d */\nexport const a = 1;\nexport const b = 2;\nexport type C = 1;\nexport { a as c };\n',
    };
    writeFileSync(join(folder, 'tsconfig.json'), '{"compilerOptions":{"noLib":true,"types":[]},"include":["**/*"]}');
    for (const [path, source] of Object.entries(sources)) {
      mkdirSync(join(folder, dirname(path)), { recursive: true });
      writeFileSync(join(folder, path), source);
    }
    const places = withParsedFiles(folder, Object.keys(sources), (files) => {
      const all = [
        ...layerViolations(files, ['@aws-sdk/client-s3']),
        ...[longFunctions, bannedForms, impureCalls].flatMap((rule) => files.flatMap(rule)),
      ];
      const exported = files.filter(({ path }) => path === 'engine/base/exports.ts').flatMap(undocumentedExports);
      return [...all, ...exported].map(({ path, line }) => `${path}:${line}`).sort();
    });
    const expected = [
      ...['up.ts:1', 'up.ts:2', 'up.ts:3'].map((place) => `engine/api/${place}`),
      ...['exports.ts:3', 'exports.ts:4', 'forms.ts:1', 'forms.ts:2', 'forms.ts:3', 'forms.ts:4'].map((place) => `engine/base/${place}`),
      ...['impure.ts:1', 'impure.ts:2', 'impure.ts:3', 'impure.ts:5', 'impure.ts:5'].map((place) => `engine/base/${place}`),
      'engine/jobs/cloud.ts:1',
      'functions/long.ts:1',
      'querier/side.ts:1',
    ];
    assert.deepEqual(places, expected);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('files are short', () => {
  const long = code.flatMap((path) => {
    const lines = text(path).split('\n').length - 1;
    return lines > maxFileLines
      ? [{ path, line: lines, message: `file of ${lines} lines: at most ${maxFileLines}; one concept a file` }]
      : [];
  });
  noViolations(long);
});

test('names say what is inside', () => {
  const vague = code.filter((path) => path.split('/').some((part) => /(^|[-.])(utils?|helpers?|common|misc)([-.]|$)/.test(part)));
  noViolations(vague.map((path) => ({ path, line: 1, message: `${basename(path)} says nothing: name the file after its concept` })));
});

test('dependencies are pinned and known', () => {
  const { dependencies, devDependencies } = JSON.parse(text('package.json')) as Record<string, Record<string, string>>;
  assert.deepEqual(
    Object.keys(dependencies!).sort(),
    runtimePackages,
    'a runtime dependency came or went: see runtimePackages in this file',
  );
  const decisions = text('docs/decisions.md');
  for (const [name, version] of Object.entries({ ...dependencies, ...devDependencies })) {
    assert.match(version, /^\d+\.\d+\.\d+$/, `package.json: pin ${name} to one version, without a range`);
    assert.ok(decisions.includes(`\`${name}\` ${version}`), `docs/decisions.md: say why there is \`${name}\` ${version}`);
  }
});

test('npm ci finds every package in the lock', () => {
  type Entry = { readonly optionalDependencies?: Readonly<Record<string, string>>; readonly inBundle?: boolean };
  const { packages } = JSON.parse(text('package-lock.json')) as { packages: Readonly<Record<string, Entry>> };
  const missing = Object.entries(packages).flatMap(([path, { optionalDependencies = {}, inBundle = false }]) =>
    Object.keys(optionalDependencies).filter(
      (name) => !inBundle && !(`node_modules/${name}` in packages) && !(`${path}/node_modules/${name}` in packages),
    ),
  );
  // npm leaves out what the registry at hand does not have for other platforms, and then refuses its own lock.
  assert.deepEqual(missing, [], 'package-lock.json lacks these: take their entries from its history');
});

test('the repository stands alone', () => {
  // Written so that this file does not match.
  const outside = /\.\.\/share[d]\b|\/wor[k]\/|\/hom[e]\/[a-z]+\/|\/User[s]\/[a-z]+\//;
  const checked = tree
    .map(({ path }) => path)
    .filter((path) => !isFixture(path) && /\.(ts|mjs|js|json|md|yaml|yml|sh|proto)$|^[.A-Z]|\.ci\//.test(path));
  const found = checked.flatMap((path) =>
    text(path)
      .split('\n')
      .flatMap((line, i) => {
        const match = outside.exec(line)?.[0];
        return match === undefined
          ? []
          : [{ path, line: i + 1, message: `${match} is a place on one machine: use a path inside the repository` }];
      }),
  );
  noViolations(found);
});

test('committed data stays small', () => {
  const sizeBytes = tree.reduce((sum, file) => sum + file.sizeBytes, 0);
  const largest = [...tree].sort((a, b) => b.sizeBytes - a.sizeBytes).slice(0, 5);
  const list = largest.map(({ path, sizeBytes }) => `${path} (${sizeBytes} bytes)`).join(', ');
  assert.ok(sizeBytes <= maxDataBytes, `the tree holds ${sizeBytes} bytes, at most ${maxDataBytes}; the largest files: ${list}`);
});
