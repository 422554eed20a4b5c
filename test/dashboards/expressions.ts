import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { annotations, rows } from '../../infra/observability/panels.ts';

const folder = join(import.meta.dirname, '../../infra/observability');

/** A query of Prometheus and where it stands. */
export interface Expression {
  readonly place: string;
  readonly expr: string;
}

interface Rule {
  readonly record?: string;
  readonly alert?: string;
  readonly expr: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** The rules of a file below infra/observability/prometheus. */
export function readRules(name: 'rules.yaml' | 'alerts.yaml'): readonly Rule[] {
  const { groups } = parse(readFileSync(join(folder, 'prometheus', name), 'utf8')) as { groups: { rules: Rule[] }[] };
  return groups.flatMap(({ rules }) => rules);
}

/** What panels ask for, with Grafana's variables put in. */
export function panelExpressions(window: string, tenant = '.*'): readonly Expression[] {
  const fill = (expr: string) => expr.replaceAll('$__rate_interval', window).replaceAll('$job', '.*').replaceAll('$tenant', tenant);
  return rows.flatMap(({ panels }) =>
    panels.flatMap(({ title, queries }) => queries.map(({ expr, legend }) => ({ place: `panel "${title}", ${legend}`, expr: fill(expr) }))),
  );
}

/** All expressions: panels, annotations, recording rules, alerts. */
export function allExpressions(): readonly Expression[] {
  const rules = [...readRules('rules.yaml'), ...readRules('alerts.yaml')];
  return [
    ...panelExpressions('1m'),
    ...annotations.map(({ name, expr }) => ({ place: `annotation "${name}"`, expr: expr.replaceAll('$job', '.*') })),
    ...rules.map(({ record, alert, expr }) => ({ place: `rule ${record ?? alert}`, expr })),
  ];
}

/** Names of series in an expression that a process exports; those of recording rules have colons. */
export function metricNames(expr: string): readonly string[] {
  return [...new Set([...expr.matchAll(/(?<![\w:])(?:tempo|tempodb|rubato)_[a-z0-9_]+(?![\w:])/g)].map(([name]) => name!))];
}
