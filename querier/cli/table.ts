import { rootNotReceived } from '#engine/api/search-body.ts';
import type { AnyValueJson, KeyValueJson, SpanJson, TraceJson } from '#engine/api/trace-json.ts';

const maxTextLength = 48;
const headings = ['TRACE ID', 'ROOT SERVICE', 'ROOT NAME', 'START', 'DURATION MS', 'SPANS'] as const;
const rightAligned = new Set([4, 5]);

/** Text of a trace, safe for a terminal: control and formatting characters, which could rewrite what is on the screen, become escapes. */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu, (character) => `\\u{${character.codePointAt(0)!.toString(16)}}`);
}

function cell(text: string): string {
  const characters = [...printable(text)];
  return characters.length <= maxTextLength ? characters.join('') : `${characters.slice(0, maxTextLength - 1).join('')}…`;
}

function printTime(nanos: bigint): string {
  return new Date(Number(nanos / 1_000_000n)).toISOString().replace('T', ' ');
}

function rowOf(trace: TraceJson): readonly string[] {
  const spansets = trace.spanSets ?? [];
  const matched = spansets.reduce((sum, { matched: count = 0 }) => sum + count, 0);
  return [
    trace.traceID ?? '',
    cell(trace.rootServiceName || rootNotReceived),
    cell(trace.rootTraceName ?? ''),
    printTime(BigInt(trace.startTimeUnixNano ?? 0)),
    String(trace.durationMs ?? 0),
    String(matched),
  ];
}

function printValue(value: AnyValueJson | undefined): string {
  if (value?.stringValue !== undefined) return printable(JSON.stringify(value.stringValue));
  if (value?.arrayValue !== undefined) return `[${(value.arrayValue.values ?? []).map(printValue).join(', ')}]`;
  return printable(String(value?.intValue ?? value?.doubleValue ?? value?.boolValue ?? value?.bytesValue ?? 'nil'));
}

function printAttributes(attributes: readonly KeyValueJson[] = []): string {
  return attributes.map(({ key, value }) => `  ${printable(key ?? '')}=${printValue(value)}`).join('');
}

function printSpan(span: SpanJson, traceStart: bigint): string {
  const offset = (Number(BigInt(span.startTimeUnixNano ?? 0) - traceStart) / 1e6).toFixed(1);
  const duration = (Number(span.durationNanos ?? 0) / 1e6).toFixed(1);
  const name = span.name === undefined ? '' : `  ${printable(span.name)}`;
  return `    ${span.spanID ?? ''}  at ${offset} ms for ${duration} ms${name}${printAttributes(span.attributes)}`;
}

/** The shown spans of a trace, spanset by spanset. */
function spanLines(trace: TraceJson): readonly string[] {
  const start = BigInt(trace.startTimeUnixNano ?? 0);
  return (trace.spanSets ?? []).flatMap(({ spans = [], attributes = [], matched = 0 }) => {
    const more = matched - spans.length;
    return [
      ...(attributes.length > 0 ? [`   ${printAttributes(attributes)}`] : []),
      ...spans.map((span) => printSpan(span, start)),
      ...(more > 0 ? [`    ${more} more`] : []),
    ];
  });
}

/** Columns padded to equal width, two spaces apart; those in `right` are aligned there. */
export function alignColumns(rows: readonly (readonly string[])[], right: ReadonlySet<number> = new Set()): readonly string[] {
  const widths: number[] = [];
  for (const row of rows) for (const [i, text] of row.entries()) widths[i] = Math.max(widths[i] ?? 0, [...text].length);
  return rows.map((row) =>
    row
      .map((text, i) => {
        const padding = ' '.repeat(widths[i]! - [...text].length);
        return right.has(i) ? padding + text : text + padding;
      })
      .join('  ')
      .trimEnd(),
  );
}

/** Matches as a table, with a line for each shown span where wanted. */
export function printTable(traces: readonly TraceJson[], withSpans: boolean): string {
  if (traces.length === 0) return 'no traces found\n';
  const [heading, ...rows] = alignColumns([headings, ...traces.map(rowOf)], rightAligned);
  const lines = rows.flatMap((row, i) => [row, ...(withSpans ? spanLines(traces[i]!) : [])]);
  return `${[heading, ...lines].join('\n')}\n`;
}
