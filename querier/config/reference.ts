import { printGoDuration } from '#engine/base/duration.ts';
import type { ConfigKey, KeyStatus, KeyType } from './schema/key.ts';
import { configKeys } from './schema/schema.ts';

const intro = `# Configuration

This page is generated from \`querier/config/schema\` (\`npm run docs:configuration\`): do not edit it.

Rubato reads the configuration files of Tempo 1.4 to 3.0 as they are. A key is one of these:

| | |
|---|---|
| **read** | changes what this process does |
| accepted | its type is checked, it has no effect here |
| ignored | belongs to the write path; its content is not even looked at |
| removed | Tempo itself has dropped it; a warning at start |
| moved | an older spelling, which counts for the key named; a warning at start |

**Rubato** marks keys that Tempo does not have. Everything else is an error that names the line and the nearest key; so are keys that stand twice and values of another type.

- Order: defaults, then the file, then flags. \`-help\` lists the flags.
- \`-config.verify=true\` checks the file and ends: with 0, or with 1 where there is a warning or an error.
- \`-config.expand-env=true\` replaces \`\${VAR}\` in the file, and in that of \`per_tenant_override_config\`: \`\${VAR:-default}\`, \`\${VAR:=default}\` and \`\${VAR=default}\` (unset
  or empty), \`\${#VAR}\`, \`\${VAR^^}\`, \`\${VAR,,}\`, \`\${VAR/a/b}\`, \`\${VAR:offset:length}\`; \`$$\` is \`$\`; \`$VAR\` without braces stays.
- A *duration* is Go's: \`30s\`, \`1h30m\`; a bare number is nanoseconds. A *long duration* is Prometheus's: \`1d\`, \`2w\`.
- \`/status/config\` shows what is in force, \`?mode=diff\` what differs from the defaults, \`?mode=defaults\` the defaults.

## Limits of single tenants

\`overrides.per_tenant_override_config\` names a file with limits by tenant. It is read again every \`per_tenant_override_period\` while the process runs:

    overrides:
      team-a:
        read: {max_search_duration: 30d}
        global: {max_bytes_per_trace: 20000000}
      "*":
        read: {max_search_duration: 1d}

A tenant has the limits of its own entry, else those of \`*\`, else \`overrides.defaults\`. Entries are not merged: what an entry does not mention is unlimited, not the default. The flat
format of 1.x (\`team-a: {max_bytes_per_trace: …}\`) is read, too. A file that cannot be read is an error at start; later the limits stay as they were, and
\`tempo_runtime_config_last_reload_successful\` is 0. A query of several tenants (\`a|b\`) may span only the time that each of them allows; for the size of its answer the entry of
\`a|b\` counts, which is \`*\` or the defaults where there is none, and each job has the limits of its tenant. \`/status/overrides\` shows who has limits.
`;

const types: Readonly<Record<KeyType, string>> = {
  bool: 'bool',
  int: 'int',
  uint: 'int ≥ 0',
  float: 'number',
  string: 'text',
  duration: 'duration',
  promDuration: 'long duration',
  timestamp: 'time',
  strings: 'list',
  any: 'any',
};

const statuses: Readonly<Record<KeyStatus, string>> = {
  used: '**read**',
  accepted: 'accepted',
  ignored: 'ignored',
  removed: 'removed',
  relocated: 'moved',
};

function defaultText({ type, default: value }: ConfigKey): string {
  if (value === undefined) return '';
  if (type === 'duration' || type === 'promDuration') return `\`${printGoDuration(BigInt(Math.round((value as number) * 1e6)))}\``;
  return value === '' ? '""' : `\`${JSON.stringify(value)}\``;
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}

function row(key: ConfigKey, prefix: string): string {
  const name = key.path.slice(prefix === '' ? 0 : prefix.length + 1);
  const meaning = key.to === undefined ? key.meaning : `Now \`${key.to}\`.`;
  const mark = key.own ? ', **Rubato**' : '';
  return `| \`${name}\` | ${types[key.type]} | ${cell(defaultText(key))} | ${statuses[key.status]}${mark} | ${cell(meaning)} |`;
}

/** Sections of the page: a title, and the path that its keys begin with. The longest that fits counts. */
const chapters: readonly (readonly [prefix: string, title: string])[] = [
  ['', 'Top level'],
  ['server', '`server`'],
  ['query_frontend', '`query_frontend`'],
  ['query_frontend.search', '`query_frontend.search`'],
  ['query_frontend.trace_by_id', '`query_frontend.trace_by_id`'],
  ['query_frontend.metrics', '`query_frontend.metrics`'],
  ['querier', '`querier`'],
  ['querier.search', '`querier.search`'],
  ['querier.external', '`querier.external`'],
  ['querier.frontend_worker', '`querier.frontend_worker`'],
  ['storage.trace', '`storage.trace`'],
  ['storage.trace.s3', '`storage.trace.s3`'],
  ['storage.trace.gcs', '`storage.trace.gcs`'],
  ['storage.trace.azure', '`storage.trace.azure`'],
  ['cache', '`cache`'],
  ['overrides', '`overrides`'],
  ['overrides.defaults', '`overrides.defaults`'],
];

const repeated = ['internal_server', 'overrides.user_configurable_overrides'];

function chapterOf(path: string): string {
  const fits = chapters.filter(([prefix]) => prefix === '' || path === prefix || path.startsWith(`${prefix}.`));
  return fits.reduce((best, [prefix]) => (prefix.length > best.length ? prefix : best), '');
}

/** `docs/configuration.md`: every key with type, default, whether it is read, and meaning. */
export function configurationReference(): string {
  const shown = configKeys.filter(({ path }) => !repeated.some((prefix) => path.startsWith(`${prefix}.`)));
  const parts = chapters.flatMap(([prefix, title]) => {
    const keys = shown.filter(({ path }) => chapterOf(path) === prefix);
    if (keys.length === 0) return [];
    const rows = keys.map((key) => row(key, chapterOf(key.path) === key.path ? '' : prefix));
    return [`## ${title}\n\n| key | type | default | | meaning |\n|---|---|---|---|---|\n${rows.join('\n')}\n`];
  });
  const rest = `## Keys of other sections\n\n\`internal_server\` has the keys of \`server\` with 3101 as its port. With \`enable: true\` it serves \`/ready\` and \`/metrics\`, and nothing else, over HTTP.

\`overrides.user_configurable_overrides\` has the keys of Tempo; all are accepted and have no effect.\n`;
  return `${[intro, ...parts, rest].join('\n')}`;
}
