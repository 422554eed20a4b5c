/** A line of a plot. */
export interface Line {
  readonly name: string;
  readonly points: readonly (readonly [x: number, y: number])[];
  readonly dashed?: boolean;
}

/** A plot of lines. */
export interface LinePlot {
  readonly title: string;
  readonly x: string;
  readonly y: string;
  readonly logX?: boolean;
  readonly lines: readonly Line[];
}

const width = 640;
const height = 360;
const margin = { left: 64, right: 16, top: 40, bottom: 52 };
// Told apart in black and white too: dashes repeat where colours look alike.
const colours = ['#1f6feb', '#d1242f', '#1a7f37', '#9a6700', '#8250df', '#57606a'];

function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

/** Round steps that divide a range into about five. */
function linearTicks(from: number, to: number): number[] {
  const rough = (to - from) / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((candidate) => candidate >= rough)!;
  const ticks: number[] = [];
  for (let tick = Math.ceil(from / step) * step; tick <= to + step / 1000; tick += step) ticks.push(Number(tick.toPrecision(6)));
  return ticks;
}

function logTicks(from: number, to: number): number[] {
  const ticks: number[] = [];
  for (let power = Math.floor(Math.log10(from)); power <= Math.ceil(Math.log10(to)); power++) {
    for (const factor of [1, 2, 5]) {
      const tick = Number((factor * 10 ** power).toPrecision(6));
      if (tick >= from && tick <= to) ticks.push(tick);
    }
  }
  return ticks;
}

/** Draws a plot; plain SVG, readable on light and dark pages. */
export function linePlot({ title, x, y, logX = false, lines }: LinePlot): string {
  const all = lines.flatMap(({ points }) => points);
  const xs = all.map((point) => point[0]);
  const [minX, maxX] = [Math.min(...xs), Math.max(...xs)];
  const maxY = Math.max(...all.map((point) => point[1])) * 1.05;
  const scale = (value: number) => (logX ? Math.log10(value) : value);
  const atX = (value: number) =>
    margin.left + ((scale(value) - scale(minX)) / (scale(maxX) - scale(minX) || 1)) * (width - margin.left - margin.right);
  const atY = (value: number) => height - margin.bottom - (value / (maxY || 1)) * (height - margin.top - margin.bottom);
  const parts: string[] = [];
  for (const tick of linearTicks(0, maxY)) {
    const at = atY(tick).toFixed(1);
    parts.push(`<line x1="${margin.left}" x2="${width - margin.right}" y1="${at}" y2="${at}" stroke="#d0d7de"/>`);
    parts.push(`<text x="${margin.left - 6}" y="${at}" text-anchor="end" dominant-baseline="middle">${tick}</text>`);
  }
  for (const tick of logX ? logTicks(minX, maxX) : linearTicks(minX, maxX)) {
    parts.push(`<text x="${atX(tick).toFixed(1)}" y="${height - margin.bottom + 16}" text-anchor="middle">${tick}</text>`);
  }
  for (const [index, { name, points, dashed }] of lines.entries()) {
    const colour = colours[index % colours.length];
    const path = points.map(([px, py]) => `${atX(px).toFixed(1)},${atY(py).toFixed(1)}`).join(' ');
    const dash = dashed ? ' stroke-dasharray="5 4"' : '';
    parts.push(`<polyline points="${path}" fill="none" stroke="${colour}" stroke-width="2"${dash}/>`);
    const top = margin.top + 10 + index * 16;
    parts.push(`<line x1="${width - 250}" x2="${width - 226}" y1="${top}" y2="${top}" stroke="${colour}" stroke-width="2"${dash}/>`);
    parts.push(`<text x="${width - 220}" y="${top}" dominant-baseline="middle">${escapeXml(name)}</text>`);
  }
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12" fill="#24292f">`,
    `<title>${escapeXml(title)}</title>`,
    `<rect width="${width}" height="${height}" fill="#ffffff"/>`,
    `<text x="${margin.left}" y="20" font-size="14" font-weight="bold">${escapeXml(title)}</text>`,
    `<text x="${(margin.left + width - margin.right) / 2}" y="${height - 12}" text-anchor="middle">${escapeXml(x)}</text>`,
    `<text x="14" y="${(margin.top + height - margin.bottom) / 2}" text-anchor="middle" transform="rotate(-90 14 ${(margin.top + height - margin.bottom) / 2})">${escapeXml(y)}</text>`,
    ...parts,
    '</svg>\n',
  ].join('\n');
}
