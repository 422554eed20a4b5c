/** A value that was written down; of texts `high` is the length. */
export interface RecordTwin {
  readonly name: number;
  readonly low: number;
  readonly high: number;
  readonly text: string | undefined;
  readonly baseline: number;
  readonly selection: number;
  readonly order: number;
}

/** Equal values joined, in the order in which they first stand. */
export function joinTwin(records: readonly RecordTwin[]): RecordTwin[] {
  const joined = new Map<string, RecordTwin>();
  for (const one of records) {
    const key = `${one.name} ${one.text ?? `${one.low} ${one.high}`}`;
    const known = joined.get(key);
    const { baseline, selection, order } = known ?? { baseline: 0, selection: 0, order: one.order };
    joined.set(key, {
      ...(known ?? one),
      baseline: baseline + one.baseline,
      selection: selection + one.selection,
      order: Math.min(order, one.order),
    });
  }
  return [...joined.values()];
}

/** The `most` commonest of each attribute and side: the records with a side, by attribute, side, count and order. */
export function commonestTwin(joined: readonly RecordTwin[], attributeCount: number, most: number) {
  return Array.from({ length: 2 * attributeCount }, (_, group) => {
    const side = group & 1;
    const countOf = ({ baseline, selection }: RecordTwin) => (side === 0 ? baseline : selection);
    return joined
      .filter((one) => one.name >> 3 === group >> 1 && countOf(one) > 0)
      .sort((a, b) => countOf(b) - countOf(a) || a.order - b.order)
      .slice(0, most)
      .map((record) => ({ record, side }));
  }).flat();
}
