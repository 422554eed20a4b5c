import { annotations, type Panel, type Row, rows } from './panels.ts';

const datasource = { type: 'prometheus', uid: '$datasource' };
const columns = 24;
const panelHeight = 8;

/** The dashboard in Grafana's JSON model (schema 39, Grafana 10.4 and later). */
export function dashboardJson(): unknown {
  return {
    uid: 'rubato-tail-and-spill',
    title: 'Rubato / tail and spill',
    description: 'Where queries wait, what spilling and hedging do about it, and what it costs. How to read it: docs/operating.md',
    tags: ['rubato', 'tempo'],
    schemaVersion: 39,
    version: 1,
    editable: true,
    graphTooltip: 1,
    time: { from: 'now-1h', to: 'now' },
    refresh: '30s',
    timezone: '',
    links: [],
    templating: { list: [datasourceVariable, ...['job', 'tenant'].map(labelVariable)] },
    annotations: { list: annotations.map(annotation) },
    panels: layOut(rows),
  };
}

const datasourceVariable = {
  name: 'datasource',
  label: 'Data source',
  type: 'datasource',
  query: 'prometheus',
  hide: 0,
  includeAll: false,
  multi: false,
};

function labelVariable(name: string): unknown {
  const metric = name === 'job' ? 'tempo_build_info' : 'tempodb_blocklist_length{job=~"$job"}';
  return {
    name,
    label: name === 'job' ? 'Job' : 'Tenant',
    type: 'query',
    datasource,
    query: { query: `label_values(${metric}, ${name})`, refId: 'values' },
    definition: `label_values(${metric}, ${name})`,
    refresh: 2,
    sort: 1,
    multi: true,
    includeAll: true,
    allValue: '.*',
    current: { selected: true, text: ['All'], value: ['$__all'] },
    hide: 0,
  };
}

function annotation({ name, expr, color }: (typeof annotations)[number]): unknown {
  return { name, datasource, enable: true, expr, iconColor: color, step: '60s', titleFormat: name, tagKeys: 'version,endpoint' };
}

/** Rows below each other, panels beside each other as far as they fit. */
function layOut(all: readonly Row[]): readonly unknown[] {
  const placed: unknown[] = [];
  let y = 0;
  for (const { title, panels } of all) {
    placed.push({ id: placed.length + 1, type: 'row', title, collapsed: false, panels: [], gridPos: { x: 0, y, w: columns, h: 1 } });
    y++;
    let x = 0;
    for (const panel of panels) {
      if (x + panel.width > columns) {
        x = 0;
        y += panelHeight;
      }
      placed.push(panelJson(panel, placed.length + 1, { x, y, w: panel.width, h: panelHeight }));
      x += panel.width;
    }
    y += panelHeight;
  }
  return placed;
}

function panelJson({ title, description, unit, queries, kind = 'timeseries', threshold }: Panel, id: number, gridPos: unknown): unknown {
  const steps = [{ color: 'green', value: null }, ...(threshold === undefined ? [] : [{ color: 'red', value: threshold }])];
  return {
    id,
    type: kind,
    title,
    description,
    datasource,
    gridPos,
    targets: queries.map(({ expr, legend }, i) => ({
      refId: String.fromCharCode(65 + i),
      datasource,
      expr,
      legendFormat: legend,
      editorMode: 'code',
      range: true,
    })),
    fieldConfig: {
      defaults: {
        unit,
        min: 0,
        color: { mode: 'palette-classic' },
        thresholds: { mode: 'absolute', steps },
        custom: {
          drawStyle: 'line',
          lineWidth: 1,
          fillOpacity: 8,
          showPoints: 'never',
          spanNulls: true,
          thresholdsStyle: { mode: threshold === undefined ? 'off' : 'line' },
        },
      },
      overrides: [],
    },
    options: {
      legend: { displayMode: 'table', placement: 'bottom', calcs: ['lastNotNull', 'max'], showLegend: true },
      tooltip: { mode: 'multi', sort: 'desc' },
    },
  };
}
