import { Registry } from 'prom-client';

/** A page of metrics. */
export interface MetricsPage {
  readonly contentType: string;
  readonly body: string;
}

/** A bound as OpenMetrics wants it: always a float. */
function floatBound(text: string): string {
  return /^-?\d+$/.test(text) ? `${text}.0` : text;
}

/**
 * Prometheus's text format as OpenMetrics 1.0: names of counters lose `_total` where the family is described and have it in every sample, bounds of buckets are
 * floats, the end is marked. prom-client's own way renames its counters for good, so that the next page in the other format has the wrong names.
 */
export function toOpenMetrics(text: string): string {
  const lines: string[] = [];
  let counter: string | undefined;
  for (const line of text.split('\n')) {
    if (line === '') continue;
    const described = /^# (HELP|TYPE) (\S+) (.*)$/s.exec(line);
    if (described !== null) {
      const [, keyword, name, rest] = described as unknown as [string, 'HELP' | 'TYPE', string, string];
      if (keyword === 'HELP') counter = undefined;
      lines.push(keyword === 'HELP' ? `# HELP ${name} ${rest.replaceAll('"', '\\"')}` : line);
      if (keyword !== 'TYPE' || rest !== 'counter') continue;
      counter = name;
      const family = name.replace(/_total$/, '');
      const help = lines.length - 2;
      lines[help] = lines[help]!.replace(`# HELP ${name} `, `# HELP ${family} `);
      lines[help + 1] = `# TYPE ${family} counter`;
      continue;
    }
    const sample = counter !== undefined && !counter.endsWith('_total') ? line.replace(counter, `${counter}_total`) : line;
    lines.push(sample.replace(/([{,]le=")([^"]*)"/, (_, before: string, bound: string) => `${before}${floatBound(bound)}"`));
  }
  return `${lines.join('\n')}\n# EOF\n`;
}

/** The page that an `Accept` header asks for: OpenMetrics where it is named, as Prometheus does, else the text format. */
export async function metricsPage(registry: Registry, accept: string | undefined): Promise<MetricsPage> {
  const text = await registry.metrics();
  if (accept?.includes('application/openmetrics-text') !== true) return { contentType: Registry.PROMETHEUS_CONTENT_TYPE, body: text };
  return { contentType: Registry.OPENMETRICS_CONTENT_TYPE, body: toOpenMetrics(text) };
}
