// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are the texts that are expanded
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { typedConfig } from '../../../querier/config/config.ts';
import { decodeConfig } from '../../../querier/config/decode.ts';
import { expandEnvironment } from '../../../querier/config/expand-env.ts';
import { parseFlags } from '../../../querier/config/flags.ts';
import { typedLimits } from '../../../querier/config/limits.ts';
import { defaultValues, loadConfig } from '../../../querier/config/load.ts';
import { printConfig } from '../../../querier/config/print.ts';
import type { ConfigValue } from '../../../querier/config/schema/key.ts';
import { configKeys, schemaTree } from '../../../querier/config/schema/schema.ts';
import { storageConfig } from '../../../querier/config/storage.ts';
import { limitsOfTenant, parseTenantLimits } from '../../../querier/config/tenant-limits.ts';
import { configProblems } from '../../../querier/config/validate.ts';

const fixtures = join(import.meta.dirname, '../../fixtures/config');
const tree = schemaTree(configKeys);
const second = 1000;

function decode(...lines: readonly string[]) {
  return decodeConfig(lines.join('\n'), 'tempo.yaml', tree);
}

function rejects(lines: readonly string[], ...problems: readonly string[]): void {
  const message = `failed to parse configFile tempo.yaml: yaml: unmarshal errors:\n${problems.map((problem) => `  ${problem}`).join('\n')}`;
  assert.throws(() => decode(...lines), { code: 'config', message });
}

function load(file: string, ...args: readonly string[]) {
  const environment: Readonly<Record<string, string>> = { S3_SECRET: 'geheim' };
  return loadConfig(parseFlags([`-config.file=${join(fixtures, file)}`, ...args]), (name) => environment[name]);
}

test('the settings of the recorded answers load', async () => {
  const { config, warnings, ignored } = await load('conformance.yaml');
  assert.deepEqual(warnings, []);
  assert.deepEqual(ignored, ['overrides.defaults.compaction']);
  assert.equal(config.multitenancyEnabled, true);
  assert.equal(config.queryFrontend.queryEndCutoffMs, 0);
  assert.equal(config.queryFrontend.search.maxDurationMs, 0);
  assert.equal(config.querier.preferSelf, 0);
  assert.deepEqual(config.querier.external, {
    endpoints: ['http://127.0.0.1:8080', 'http://127.0.0.1:8081'],
    hedgeRequestsAtMs: 8 * second,
    hedgeRequestsUpTo: 2,
  });
  assert.equal(config.blocklist.pollMs, 10 * second);
  assert.deepEqual(await storageConfig(config.values), { kind: 'local', path: 'blocks' });
});

test('a file of 2.7 loads: write path skipped, old spellings moved, removed keys told', async () => {
  const { config, warnings, ignored } = await load('tempo-2.7.yaml', '-config.expand-env=true', '--server.http-listen-port', '8081');
  assert.deepEqual(ignored, ['distributor', 'ingester', 'compactor', 'metrics_generator', 'overrides.ingestion_rate_limit_bytes']);
  assert.ok(warnings.includes('querier.search_query_timeout (line 29) is now querier.search.query_timeout'), warnings.join('\n'));
  assert.ok(warnings.includes('query_frontend.search.query_ingesters_until (line 26) was removed and has no effect'));
  assert.ok(warnings.includes('overrides.max_search_duration (line 54) is now overrides.defaults.read.max_search_duration'));
  assert.equal(config.multitenancyEnabled, true);
  assert.equal(config.httpApiPrefix, '/tempo');
  assert.equal(config.server.port, 8081, 'flags win over the file');
  assert.equal(config.server.writeTimeoutMs, 300 * second);
  assert.equal(config.server.logFormat, 'json');
  assert.equal(config.queryFrontend.maxRetries, 3);
  assert.equal(config.querier.queryTimeoutMs, 45 * second);
  assert.equal(config.querier.preferSelf, 4);
  assert.deepEqual(config.querier.external.endpoints, ['http://function-a:8080', 'https://function-b/search']);
  assert.equal(config.limits.maxSearchDurationMs, 14 * 86400 * second);
  assert.equal(config.limits.maxBytesPerTrace, 1000);
  const storage = await storageConfig(config.values);
  assert.ok(storage.kind === 's3');
  assert.equal(storage.accessKey, '12345');
  assert.equal(storage.secretKey, 'geheim');
  assert.equal(storage.prefix, 'team-a');
});

test('unknown keys are told with line, section and the nearest key', () => {
  rejects(
    ['querier:', '  search:', '    prefer_selff: 3', 'sever: {}', 'zzz: 1'],
    'line 3: field prefer_selff not found in querier.search, did you mean prefer_self?',
    'line 4: field sever not found in the top level, did you mean server?',
    'line 5: field zzz not found in the top level',
  );
  rejects(['querier: {max_concurrent_queries: 1, max_concurrent_queries: 2}'], 'line 1: Map keys must be unique');
});

test('wrong types are told with what was found', () => {
  const types: readonly (readonly [string, string])[] = [
    ['query_frontend: {max_retries: abc}', 'cannot unmarshal !!str `abc` into int (query_frontend.max_retries)'],
    ['query_frontend: {max_retries: "2"}', 'cannot unmarshal !!str `2` into int (query_frontend.max_retries)'],
    ['query_frontend: {max_retries: 1.5}', 'cannot unmarshal !!float `1.5` into int (query_frontend.max_retries)'],
    ['multitenancy_enabled: 1', 'cannot unmarshal !!int `1` into bool (multitenancy_enabled)'],
    ['server: 3', 'cannot unmarshal !!int `3` into a section (server)'],
    [
      'storage: {trace: {blocklist_poll_concurrency: -1}}',
      'cannot unmarshal !!int `-1` into uint (storage.trace.blocklist_poll_concurrency)',
    ],
    [
      'querier: {search: {external_endpoints: http://a}}',
      'cannot unmarshal !!str `http://a` into []string (querier.search.external_endpoints)',
    ],
    ['querier: {search: {query_timeout: 1d}}', 'time: unknown unit "d" in duration "1d" (querier.search.query_timeout)'],
    [
      'overrides: {defaults: {read: {max_search_duration: 1.5h}}}',
      'not a valid duration string: "1.5h" (overrides.defaults.read.max_search_duration)',
    ],
  ];
  for (const [line, problem] of types) rejects([line], `line 1: ${problem}`);
});

test('values keep their meaning: durations, nulls, lists, merges', () => {
  const { values } = decode(
    'querier:',
    '  search: &s {prefer_self: 3, query_timeout: 1500000000}',
    '  max_concurrent_queries:',
    'query_frontend:',
    '  url_deny_list: [a, "b"]',
    '  search: {max_duration: 1h30m}',
    'server: {log_level: debug, http_listen_port: 0x10}',
  );
  const expected: readonly (readonly [string, ConfigValue | undefined])[] = [
    ['querier.search.prefer_self', 3],
    ['querier.search.query_timeout', 1500],
    ['querier.max_concurrent_queries', undefined],
    ['query_frontend.search.max_duration', 5400 * second],
    ['server.http_listen_port', 16],
  ];
  for (const [path, value] of expected) assert.equal(values.get(path), value, path);
  assert.deepEqual(values.get('query_frontend.url_deny_list'), ['a', 'b']);
  const merged = decode(
    'querier: {search: &s {prefer_self: 3}}',
    'internal_server: &i {log_level: warn, log_format: json}',
    'server:',
    '  <<: *i',
    '  log_level: info',
  );
  assert.equal(merged.values.get('server.log_level'), 'info');
  assert.equal(merged.values.get('server.log_format'), 'json');
});

test('every default passes its own checks, and the typed form finds every key', () => {
  const values = new Map([...defaultValues(), ['storage.trace.backend', 'local'], ['storage.trace.local.path', '/x']]);
  assert.deepEqual(configProblems(values), []);
  assert.equal(typedConfig(values).server.port, 3200);
});

test('what cannot work is refused at start', () => {
  const base: readonly (readonly [string, ConfigValue])[] = [
    ...defaultValues(),
    ['storage.trace.backend', 'local'],
    ['storage.trace.local.path', '/x'],
  ];
  const problems: readonly (readonly [string, ConfigValue, string])[] = [
    ['query_frontend.trace_by_id.query_shards', 1, 'frontend query shards should be between 2 and 100000 (both inclusive)'],
    ['query_frontend.search.concurrent_jobs', 0, 'frontend search concurrent requests should be greater than 0'],
    ['query_frontend.search.target_bytes_per_job', 0, 'frontend search target bytes per request should be greater than 0'],
    ['query_frontend.search.most_recent_shards', 0, 'most recent shards must be greater than 0'],
    ['query_frontend.metrics.interval', 0, 'frontend metrics interval should be greater than 0'],
    ['query_frontend.query_end_cutoff', 1200 * second, 'QueryBackendAfter (15m0s) must be greater than query end cutoff (20m0s)'],
    [
      'querier.search.external_backend',
      'google_cloud_run',
      'querier.search.external_backend google_cloud_run needs querier.search.google_cloud_run.external_endpoints',
    ],
    ['querier.search.external_backend', 'x', 'unknown external backend configured: x'],
    ['querier.search.external_endpoints', ['ftp://x'], 'external endpoint ftp://x is no http:// or https:// URL'],
    ['querier.search.external_hedge_requests_up_to', -1, 'querier.search.external_hedge_requests_up_to must not be negative'],
    ['target', 'querrier', 'unrecognised module name: querrier, did you mean querier?'],
    ['target', 'distributor', 'target distributor is a write path: this program runs all, query-frontend or querier'],
    ['storage.trace.backend', '', 'unknown backend : storage.trace.backend is local, s3, gcs or azure'],
    ['storage.trace.backend', 's3', 'storage.trace.s3.bucket is required with backend s3'],
    ['http_api_prefix', 'tempo', 'http_api_prefix must start with / and not end with it'],
    ['server.log_level', 'loud', 'unrecognized log level "loud"'],
  ];
  for (const [path, value, problem] of problems) {
    assert.deepEqual(configProblems(new Map([...base, [path, value]])), [problem]);
  }
  const s3: readonly (readonly [string, ConfigValue])[] = [...base, ['storage.trace.backend', 's3'], ['storage.trace.s3.bucket', 'b']];
  for (const [path, value] of [
    ['storage.trace.s3.sse.type', 'SSE-C'],
    ['storage.trace.s3.signature_v2', true],
  ] as const) {
    const [problem, ...more] = configProblems(new Map([...s3, [path, value]]));
    assert.ok(problem?.startsWith(path) && problem.includes('is not in this version') && more.length === 0, problem);
  }
});

test('environment variables are expanded as Tempo does', () => {
  const environment: Readonly<Record<string, string>> = { A: 'value', E: '' };
  const cases: readonly (readonly [string, string])[] = [
    ['${A}', 'value'],
    ['x${MISSING}y', 'xy'],
    ['${E:-d} ${MISSING:=d} ${E=d} ${A:-d}', 'd d d value'],
    ['${#A}', '5'],
    ['${A^^} ${A,,}', 'VALUE value'],
    ['${A/l/L} ${A//a/b}', 'vaLue vblue'],
    ['${A:1:3} ${A:2}', 'alu lue'],
    ['$${A} $A $', '${A} $A $'],
    ['${MISSING:-${A}}', 'value'],
  ];
  for (const [text, expanded] of cases)
    assert.equal(
      expandEnvironment(text, (name) => environment[name]),
      expanded,
      text,
    );
  for (const bad of ['${A-default}', '${A']) {
    assert.throws(() => expandEnvironment(bad, (name) => environment[name]), { code: 'config', message: 'missing closing brace' });
  }
});

test('flags are read as Go reads them', () => {
  const flags = parseFlags([
    '-config.file',
    'a.yaml',
    '--target=querier',
    '-multitenancy.enabled',
    '-shutdown-delay=1m',
    '-config.verify=true',
  ]);
  assert.equal(flags.configFile, 'a.yaml');
  assert.equal(flags.verify, true);
  assert.deepEqual(
    [...flags.values],
    [
      ['target', 'querier'],
      ['multitenancy_enabled', true],
      ['shutdown_delay', 60 * second],
    ],
  );
  const unused = ['-memberlist.abort-if-join-fails', '-memberlist.bind-port', '7946', '-mem-ballast-size-mbs=1024', '-target', 'querier'];
  assert.deepEqual([...parseFlags(unused).values], [['target', 'querier']]);
  const errors: readonly (readonly [readonly string[], string])[] = [
    [['-config.verify'], 'flag needs an argument: -config.verify'],
    [['-config.file'], 'flag needs an argument: -config.file'],
    [['-config.fil=x'], 'flag provided but not defined: -config.fil, did you mean -config.file?'],
    [['-shutdown-delay=x'], 'invalid value "x" for flag -shutdown-delay: time: invalid duration "x"'],
    [['-server.http-listen-port=x'], 'invalid value "x" for flag -server.http-listen-port: parse error'],
    [['what'], 'unexpected argument what: flags look like -config.file=tempo.yaml'],
  ];
  for (const [args, message] of errors) assert.throws(() => parseFlags(args), { code: 'config', message });
});

test('the printed configuration has no secrets and reads back to itself', async () => {
  const { config } = await load('tempo-2.7.yaml', '-config.expand-env=true');
  const printed = printConfig(config.values);
  assert.ok(!printed.includes('geheim'));
  assert.match(printed, /secret_key: <secret>/);
  const again = decodeConfig(printed.replaceAll('<secret>', 'geheim'), 'printed', tree).values;
  const shown = new Set(configKeys.filter(({ status }) => status !== 'ignored').map(({ path }) => path));
  const before = [...config.values].filter(
    ([path, value]) => shown.has(path) && value !== '' && JSON.stringify(again.get(path)) !== JSON.stringify(value),
  );
  assert.deepEqual(before, []);
  assert.equal(printConfig(defaultValues(), true), '{}\n');
});

test('a file that is missing is told', async () => {
  await assert.rejects(load('missing.yaml'), {
    code: 'config',
    message: /^failed parsing config: failed to read configFile .*missing\.yaml/,
  });
});

test('limits of tenants: variables, both formats, nothing merged', () => {
  const defaults = typedLimits(new Map<string, ConfigValue>([['read.max_condition_groups_per_tag_query', 7]]), '');
  const text = 'overrides:\n  a: {read: {max_search_duration: ${DAYS:-3}d}, forwarders: [x]}\n  "b.c": {max_bytes_per_trace: 5}\n  "*":\n';
  const file = parseTenantLimits(text, 'f.yaml', (name) => (name === 'DAYS' ? '2' : undefined), defaults);
  const none = { ...typedLimits(new Map(), ''), maxConditionGroupsPerTagQuery: 7 };
  assert.deepEqual(limitsOfTenant(file, defaults, 'a'), { ...none, maxSearchDurationMs: 2 * 86_400 * second });
  assert.deepEqual(limitsOfTenant(file, defaults, 'b.c'), { ...none, maxBytesPerTrace: 5 });
  assert.deepEqual(limitsOfTenant(file, defaults, 'a|b.c'), none, 'everybody else');
  assert.deepEqual(limitsOfTenant(undefined, defaults, 'a'), defaults);
  assert.equal(parseTenantLimits('', 'f.yaml', undefined, defaults).entries.size, 0);
  const bad = (lines: string) => () => parseTenantLimits(lines, 'f.yaml', undefined, defaults);
  assert.throws(bad('override: {}'), { code: 'config', message: /line 1: field override not found in the top level/ });
  assert.throws(bad('overrides:\n  a:\n    read: {max_serch_duration: 1h}'), {
    message: /line 3: field max_serch_duration not found in overrides\.a\.read, did you mean max_search_duration\?/,
  });
  assert.throws(bad('overrides: {a: {}, a: {}}'), { message: /Map keys must be unique/ });
  assert.throws(bad('overrides: {a: 3}'), { message: /cannot unmarshal !!int `3` into a section \(overrides\.a\)/ });
});
