import { stringify } from 'yaml';
import type { Config } from '../config/config.ts';
import { defaultValues } from '../config/load.ts';
import { printConfig } from '../config/print.ts';
import type { ConfigValue } from '../config/schema/key.ts';
import type { TenantEntry } from '../config/tenant-limits.ts';

type Entries = ReadonlyMap<string, TenantEntry>;

/** A section of `/status` for a value of `mode`; undefined where the section has no such mode (spec http-api §7). */
export type StatusSection = (mode: string) => string | undefined;

/** The configuration in force; `diff`: what is not the default; `defaults`. */
export function configSection(config: Config): StatusSection {
  return (mode) => {
    if (mode === '') return printConfig(config.values);
    if (mode === 'diff') return printConfig(config.values, true);
    return mode === 'defaults' ? printConfig(defaultValues()) : undefined;
  };
}

/** A tenant's entry as it may stand in the file: by scope. Durations are milliseconds inside and Prometheus's texts outside. */
function entryTree(values: ReadonlyMap<string, ConfigValue>): Readonly<Record<string, unknown>> {
  const tree: Record<string, unknown> = {};
  for (const [path, value] of values) {
    const [scope, name] = path.split('.') as [string, string | undefined];
    const printed = name?.endsWith('_duration') ? `${value}ms` : value;
    tree[scope] = name === undefined ? printed : { ...(tree[scope] as object | undefined), [name]: printed };
  }
  return tree;
}

/** What the file with limits of single tenants says. */
export function runtimeConfigSection(entries: () => Entries): StatusSection {
  return (mode) => {
    if (mode !== '' && mode !== 'diff') return undefined;
    return stringify({ overrides: Object.fromEntries([...entries()].map(([tenant, { values }]) => [tenant, entryTree(values)])) });
  };
}

/** Services of a process and their state as a table. */
export function servicesSection(config: Config, notReady: () => string | undefined): StatusSection {
  const parts = { all: ['query-frontend', 'querier'], 'query-frontend': ['query-frontend'], querier: ['querier'] }[config.target];
  const names = ['overrides', ...parts, 'server', 'store'];
  const width = Math.max(...names.map((name) => name.length), 'SERVICE NAME'.length);
  return (mode) => {
    if (mode !== '') return undefined;
    const reason = notReady();
    const status = reason === undefined ? 'Running' : reason.startsWith('Application is stopping') ? 'Stopping' : 'Starting';
    const line = `+-${'-'.repeat(width)}-+----------+--------------+`;
    const rows = names.map((name) => `| ${name.padEnd(width)} | ${status.padEnd(8)} |              |`);
    return [line, `| ${'SERVICE NAME'.padEnd(width)} | STATUS   | FAILURE CASE |`, line, ...rows, line, ''].join('\n');
  };
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}

function page(title: string, body: string): string {
  return `<!DOCTYPE html>\n<html><head><meta charset="utf-8"><title>${escapeHtml(title)}</title></head>\n<body><h1>${escapeHtml(title)}</h1>\n${body}\n</body></html>\n`;
}

/** The tenants that have limits of their own, as a page. `base` is the path of this page. */
export function overridesPage(entries: Entries, base: string): string {
  const links = [...entries.keys()].toSorted().map((tenant) => {
    return `<li><a href="${escapeHtml(`${base}/${encodeURIComponent(tenant)}`)}">${escapeHtml(tenant)}</a></li>`;
  });
  return page('Overrides', links.length === 0 ? '<p>No tenant has limits of its own.</p>' : `<ul>${links.join('')}</ul>`);
}

/** The limits of one tenant, and where they come from, as a page. */
export function tenantOverridesPage(tenant: string, entries: Entries, config: Config): string {
  const own = entries.get(tenant) ?? entries.get('*');
  const from = entries.has(tenant) ? 'of its own entry' : own === undefined ? 'the defaults' : 'of the entry *';
  const limits = own?.limits ?? config.limits;
  const rows = Object.entries(limits).map(([name, value]) => `<tr><td>${name}</td><td>${value}</td></tr>`);
  const raw = own === undefined ? '' : `<pre>${escapeHtml(stringify(entryTree(own.values)))}</pre>`;
  return page(`Overrides of ${tenant}`, `<p>Limits ${from}; 0 is no limit.</p><table>${rows.join('')}</table>${raw}`);
}
