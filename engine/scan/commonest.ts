/** Totals below this are counted rather than sorted. */
const smallTotals = 1024;

/** The `most` rows with the largest totals, largest first, of equal ones those that come first; all, in their order, where there are no more. */
export function commonest(rows: Uint32Array, totals: Uint32Array, most: number): Uint32Array {
  if (rows.length <= most) return rows;
  const cutoff = cutoffOf(rows, totals, most);
  const kept = new Uint32Array(most);
  let above = 0;
  for (const row of rows) if (totals[row] > cutoff) above++;
  let room = most - above;
  let count = 0;
  for (const row of rows) if (totals[row] > cutoff || (totals[row] === cutoff && room-- > 0)) kept[count++] = row;
  return kept.sort((a, b) => totals[b] - totals[a]);
}

/** The total of rank `most`. */
function cutoffOf(rows: Uint32Array, totals: Uint32Array, most: number): number {
  const counts = new Uint32Array(smallTotals);
  let large = 0;
  for (const row of rows) {
    if (totals[row] < smallTotals) counts[totals[row]]++;
    else large++;
  }
  if (large >= most) {
    const ranked = rows.filter((row) => totals[row] >= smallTotals).map((row) => totals[row]);
    return ranked.sort()[large - most];
  }
  let total = smallTotals;
  for (let left = most - large; left > 0; left -= counts[total]) total--;
  return total;
}
