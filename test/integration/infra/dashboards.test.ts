// The dashboard, the rules and the alerts ask for metrics that exist, with labels that they have. `npm run check:dashboards` has Prometheus evaluate them.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { dashboardJson } from '../../../infra/observability/dashboard.ts';
import { createMetrics } from '../../../querier/telemetry/metrics.ts';
import { allExpressions, metricNames, readRules } from '../../dashboards/expressions.ts';
import { startWorld, type World } from '../../dashboards/world.ts';

const folder = join(import.meta.dirname, '../../../infra/observability');
const expressions = allExpressions();

/** Names of the series of a metric, and the labels that it has. */
async function registered(): Promise<ReadonlyMap<string, readonly string[]>> {
  const found = new Map<string, readonly string[]>();
  for (const { name, type, labelNames = [] } of createMetrics('test').registry.getMetricsAsArray() as unknown as readonly {
    name: string;
    type: unknown;
    labelNames?: readonly string[];
  }[]) {
    found.set(name, labelNames);
    if (String(type).includes('histogram'))
      for (const part of ['bucket', 'sum', 'count']) found.set(`${name}_${part}`, [...labelNames, 'le']);
  }
  return found;
}

/** Labels that an expression matches in the selector of a metric. */
function matchedLabels(expr: string, metric: string): readonly string[] {
  return [...expr.matchAll(new RegExp(`(?<![\\w:])${metric}\\{([^}]*)\\}`, 'g'))].flatMap(([, selector]) =>
    [...selector!.matchAll(/(\w+)\s*(?:=~|!~|!=|=)/g)].map(([, label]) => label!),
  );
}

/** Labels that an expression groups by; those that Prometheus adds are left out. */
function groupLabels(expr: string): readonly string[] {
  return [...expr.matchAll(/by\s*\(([^)]*)\)/g)].flatMap(([, list]) => list!.split(',').map((label) => label.trim()));
}

describe('expressions', () => {
  test('name metrics and labels that are registered', async () => {
    const metrics = await registered();
    const problems = expressions.flatMap(({ place, expr }) => {
      const names = metricNames(expr);
      if (names.length === 0 && !/\w+:rubato_/.test(expr)) return [`${place}: no metric in ${expr}`];
      return names.flatMap((name) => {
        const labels = metrics.get(name);
        if (labels === undefined) return [`${place}: there is no ${name}`];
        const known = new Set([...labels, 'job', 'instance', 'le']);
        return [...matchedLabels(expr, name), ...groupLabels(expr)]
          .filter((label) => !known.has(label))
          .map((label) => `${place}: ${name} has no label ${label}`);
      });
    });
    assert.deepEqual(problems, []);
    assert.ok(expressions.length > 50, `${expressions.length} expressions`);
  });

  test('name recording rules that are there', () => {
    const recorded = new Set(readRules('rules.yaml').map(({ record }) => record));
    for (const { place, expr } of expressions)
      for (const [name] of expr.matchAll(/\b\w+:rubato_\w+:\w+/g)) assert.ok(recorded.has(name), `${place}: ${name}`);
  });

  test('of alerts say what to do', () => {
    const guide = readFileSync(join(folder, '../../docs/operating.md'), 'utf8');
    for (const { alert, annotations } of readRules('alerts.yaml')) {
      assert.ok(guide.includes(`### ${alert}\n`), `docs/operating.md has no section ${alert}`);
      assert.equal(annotations!.runbook, `docs/operating.md#${alert!.toLowerCase()}`);
      assert.ok(annotations!.summary!.length > 20, alert);
    }
  });

  test('of alerts fire when they should, says promtool', (t) => {
    const { status, error, stdout, stderr } = spawnSync('promtool', ['test', 'rules', join(folder, 'prometheus/alerts.test.yaml')], {
      encoding: 'utf8',
    });
    if (error !== undefined) return t.skip('no promtool on this machine: apt-get install prometheus');
    assert.equal(status, 0, stdout + stderr);
  });
});

test('every alert has a test', () => {
  const tests = readFileSync(join(folder, 'prometheus/alerts.test.yaml'), 'utf8');
  for (const { alert } of readRules('alerts.yaml')) assert.match(tests, new RegExp(`alertname: ${alert}\\n\\s+exp_alerts:\\n`), alert);
});

describe('the dashboard', () => {
  interface Placed {
    readonly id: number;
    readonly type: string;
    readonly title: string;
    readonly description?: string;
    readonly targets?: readonly { readonly refId: string }[];
    readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  }
  const model = dashboardJson() as { readonly panels: readonly Placed[]; readonly uid: string; readonly schemaVersion: number };

  test('is committed as it is generated: npm run build:dashboards', () => {
    assert.deepEqual(
      JSON.parse(readFileSync(join(folder, 'grafana/dashboards/tail-and-spill.json'), 'utf8')),
      JSON.parse(JSON.stringify(model)),
    );
  });

  test('has panels with ids of their own, side by side', () => {
    const cells = new Map<string, string>();
    for (const { title, gridPos, type, description, targets } of model.panels) {
      assert.ok(gridPos.x + gridPos.w <= 24, title);
      if (type !== 'row')
        assert.ok(description!.length > 15 && new Set(targets!.map(({ refId }) => refId)).size === targets!.length, title);
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x++)
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y++) {
          const cell = `${x},${y}`;
          assert.ok(!cells.has(cell), `${title} lies on ${cells.get(cell)}`);
          cells.set(cell, title);
        }
    }
    assert.equal(new Set(model.panels.map(({ id }) => id)).size, model.panels.length);
  });
});

describe('a running Rubato', () => {
  let world: World;
  before(async () => {
    world = await startWorld();
  });
  after(() => world?.stop());

  test('exports every metric that is used', async () => {
    const wanted = new Set(expressions.flatMap(({ expr }) => metricNames(expr)).map((name) => name.replace(/_(bucket|sum|count)$/, '')));
    // What only breaks, or is only there with an overrides file, has no series here.
    const quiet = new Set([
      'tempodb_blocklist_poll_errors_total',
      'tempo_query_frontend_discarded_requests_total',
      'tempo_runtime_config_last_reload_successful',
    ]);
    let missing: readonly string[] = [];
    for (let round = 0; round < 12; round++) {
      world.refuse(round === 1);
      if (round % 3 === 2) await world.restart();
      assert.deepEqual(
        (await world.ask()).map((status) => (status === 404 ? 200 : status)),
        [200, 200, 200, 200, 200],
      );
      const texts = await Promise.all(world.urls.map(async (url) => (await fetch(`${url}/metrics`)).text()));
      const text = texts.join('\n');
      const present = new Set([...text.matchAll(/^([a-z_]+?)(?:_bucket|_sum|_count)?[{ ]/gm)].map(([, name]) => name));
      missing = [...wanted].filter((name) => !present.has(name) && !quiet.has(name));
      if (missing.length === 0) return;
    }
    assert.deepEqual(missing, []);
  });
});
