/** Totals below this are counted rather than sorted. */
const smallTotals = 1024;

/** Positions of the `most` largest totals, largest first, of equal ones those with the lowest order; orders differ. */
export function commonest(totals: Uint32Array, orders: Uint32Array, most: number): Uint32Array {
  const kept = totals.length <= most ? Uint32Array.from(totals.keys()) : positionsKept(totals, orders, most);
  return kept.sort((a, b) => totals[b] - totals[a] || orders[a] - orders[b]);
}

function positionsKept(totals: Uint32Array, orders: Uint32Array, most: number): Uint32Array {
  const cutoff = cutoffOf(totals, most);
  let above = 0;
  let equal = 0;
  for (const total of totals) {
    if (total > cutoff) above++;
    else if (total === cutoff) equal++;
  }
  // Of those that stand at the cutoff, the last order that has room.
  const atCutoff = new Uint32Array(equal);
  equal = 0;
  for (let i = 0; i < totals.length; i++) if (totals[i] === cutoff) atCutoff[equal++] = orders[i];
  const lastOrder = atCutoff.sort()[most - above - 1];
  const kept = new Uint32Array(most);
  let count = 0;
  for (let i = 0; i < totals.length; i++) {
    if (totals[i] > cutoff || (totals[i] === cutoff && orders[i] <= lastOrder)) kept[count++] = i;
  }
  return kept;
}

/** The total of rank `most`. */
function cutoffOf(totals: Uint32Array, most: number): number {
  const counts = new Uint32Array(smallTotals);
  let large = 0;
  for (const total of totals) {
    if (total < smallTotals) counts[total]++;
    else large++;
  }
  if (large >= most) return totals.filter((total) => total >= smallTotals).sort()[large - most];
  let total = smallTotals;
  for (let left = most - large; left > 0; left -= counts[total]) total--;
  return total;
}
