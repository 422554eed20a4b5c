/** Where a scan looked for a value: a dictionary, the keys of an attribute list, or all values of a column. */
export type LookedIn = 'dictionary' | 'keys' | 'values';

/** What a scan tells of its way through a row group, in order. Row groups follow one another; their events never mix. */
export type ScanEvent =
  /** The first `rows` traces of a row group are looked at; a row group may have several windows, the last one with all. */
  | { readonly kind: 'window'; readonly rowGroup: number; readonly rows: number }
  | { readonly kind: 'testStarted'; readonly test: number }
  /** None of the `entries` distinct values, distinct keys or values that the window has of the column can satisfy what was looked for. */
  | { readonly kind: 'noHit'; readonly column: string; readonly lookedIn: LookedIn; readonly entries: number }
  /** `ruledOut`: known to hold nowhere in the window. Otherwise it may, or all its places had no hit. */
  | { readonly kind: 'testEnded'; readonly test: number; readonly ruledOut: boolean }
  /** Spans match, but none of their traces overlaps the time range of the search. */
  | { readonly kind: 'outOfRange' }
  /** Traces found in the window. */
  | { readonly kind: 'windowEnded'; readonly traces: number };

/** Is told what a scan does: for explaining a search. Absent in all other searches. */
export type ScanObserver = (event: ScanEvent) => void;
