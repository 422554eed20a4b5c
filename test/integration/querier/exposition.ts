/** One sample: its name, labels and value. */
export interface Sample {
  readonly name: string;
  readonly labels: ReadonlyMap<string, string>;
  readonly value: number;
}

/** A family of metrics as a page describes it. */
export interface Family {
  readonly name: string;
  readonly type: string;
  readonly help: string;
  readonly samples: readonly Sample[];
}

const metricName = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const labelName = /^[a-zA-Z_][a-zA-Z0-9_]*$/;

function parseSample(line: string, at: number): Sample {
  const match = /^([^\s{]+)(?:\{(.*)\})? (\S+)$/s.exec(line);
  if (match === null) throw new Error(`line ${at}: no sample: ${line}`);
  const labels = new Map<string, string>();
  let rest = match[2] ?? '';
  while (rest !== '') {
    const label = /^([^=]+)="((?:[^"\\]|\\["\\n])*)"(?:,|$)/.exec(rest);
    if (label === null) throw new Error(`line ${at}: bad labels: ${rest}`);
    if (!labelName.test(label[1]!) || labels.has(label[1]!)) throw new Error(`line ${at}: bad label name ${label[1]}`);
    labels.set(label[1]!, label[2]!);
    rest = rest.slice(label[0].length);
  }
  const value = { '+Inf': Number.POSITIVE_INFINITY, '-Inf': Number.NEGATIVE_INFINITY, Nan: Number.NaN, NaN: Number.NaN }[match[3]!];
  const number = value ?? Number(match[3]);
  if (value === undefined && Number.isNaN(number)) throw new Error(`line ${at}: ${match[3]} is no number`);
  return { name: match[1]!, labels, value: number };
}

/** Reads a page of Prometheus's text format strictly: names, one HELP and TYPE before the samples of each family, no sample twice. Throws with the line. */
export function parseExposition(text: string): ReadonlyMap<string, Family> {
  if (!text.endsWith('\n')) throw new Error('the last line has no end');
  const families = new Map<string, { name: string; type: string; help: string; samples: Sample[] }>();
  const seen = new Set<string>();
  let current: { name: string; type: string; help: string; samples: Sample[] } | undefined;
  for (const [index, line] of text.split('\n').entries()) {
    if (line === '') continue;
    const comment = /^# (HELP|TYPE) (\S+) (.+)$/s.exec(line);
    if (comment?.[1] === 'HELP') {
      const name = comment[2]!;
      if (!metricName.test(name) || families.has(name)) throw new Error(`line ${index + 1}: bad or repeated name ${name}`);
      current = { name, type: '', help: comment[3]!, samples: [] };
      families.set(name, current);
    } else if (comment?.[1] === 'TYPE') {
      if (current?.name !== comment[2] || current?.type !== '') throw new Error(`line ${index + 1}: TYPE without HELP before it`);
      if (!['counter', 'gauge', 'histogram'].includes(comment[3]!)) throw new Error(`line ${index + 1}: type ${comment[3]}`);
      current!.type = comment[3]!;
    } else {
      const sample = parseSample(line, index + 1);
      const family = sample.name.replace(/_(bucket|sum|count)$/, '');
      if (current === undefined || current.type === '') throw new Error(`line ${index + 1}: a sample before its TYPE`);
      if (sample.name !== current.name && !(current.type === 'histogram' && family === current.name)) {
        throw new Error(`line ${index + 1}: ${sample.name} does not belong to ${current.name}`);
      }
      const key = line.slice(0, line.lastIndexOf(' '));
      if (seen.has(key)) throw new Error(`line ${index + 1}: repeated ${key}`);
      seen.add(key);
      current.samples.push(sample);
    }
  }
  return families;
}

function seriesOf({ samples }: Family): ReadonlyMap<string, Sample[]> {
  const series = new Map<string, Sample[]>();
  for (const sample of samples) {
    const key = [...sample.labels].filter(([name]) => name !== 'le').map(([name, value]) => `${name}=${value}`);
    const text = key.toSorted().join(',');
    series.set(text, [...(series.get(text) ?? []), sample]);
  }
  return series;
}

/** What is wrong with a histogram: bounds that do not rise, counts that fall, `+Inf` that is not the count. */
export function histogramProblems(family: Family): readonly string[] {
  const problems: string[] = [];
  for (const [key, samples] of seriesOf(family)) {
    const buckets = samples.filter(({ name }) => name.endsWith('_bucket'));
    const bounds = buckets.map(({ labels }) => (labels.get('le') === '+Inf' ? Number.POSITIVE_INFINITY : Number(labels.get('le'))));
    const count = samples.find(({ name }) => name.endsWith('_count'))?.value;
    const sum = samples.find(({ name }) => name.endsWith('_sum'))?.value;
    const complain = (when: boolean, problem: string) => {
      if (when) problems.push(`${family.name}{${key}}: ${problem}`);
    };
    complain(count === undefined || sum === undefined, 'no count or sum');
    complain(bounds.at(-1) !== Number.POSITIVE_INFINITY, 'no +Inf');
    complain(buckets.at(-1)?.value !== count, '+Inf is not the count');
    complain(
      bounds.some((bound, i) => i > 0 && bound <= bounds[i - 1]!),
      'bounds do not rise',
    );
    complain(
      buckets.some(({ value }, i) => i > 0 && value < buckets[i - 1]!.value),
      'counts fall',
    );
  }
  return problems;
}

/** The bounds of a histogram's buckets, without `+Inf`. */
export function boundsOf(family: Family): readonly number[] {
  const [first] = seriesOf(family).values();
  const bounds = (first ?? []).flatMap(({ labels }) => (labels.has('le') ? [labels.get('le')!] : []));
  return bounds.filter((bound) => bound !== '+Inf').map(Number);
}

/** Label names of a family's samples, sorted, without `le`. */
export function labelsOf({ samples }: Family): readonly string[] {
  return [...new Set(samples.flatMap(({ labels }) => [...labels.keys()]))].filter((name) => name !== 'le').toSorted();
}
