import type { AnsweredScope, ByteText, TagNamesAnswer, TagValue, TagValuesAnswer } from './tags-answer.ts';

/** When enough names or values have been collected; 0 is no limit (spec http-api §5.1). */
export interface TagLimits {
  /** Bytes of all names or values; the one that would exceed it is dropped. */
  readonly maxBytes: number;
  /** Names of each scope, or values. */
  readonly maxCount: number;
  /** Names or values in a row that add nothing new. */
  readonly maxStaleValues: number;
}

/** Counts towards the limits. */
function createBudget({ maxBytes, maxStaleValues }: TagLimits) {
  let bytes = 0;
  let stale = 0;
  let full = false;
  return {
    full: () => full,
    /** True where the new text still fits. */
    take: (length: number): boolean => {
      stale = 0;
      if (maxBytes > 0 && bytes + length > maxBytes) full = true;
      else bytes += length;
      return !full;
    },
    repeated: () => {
      stale++;
      if (maxStaleValues > 0 && stale >= maxStaleValues) full = true;
    },
  };
}

/** Collects distinct values until a limit is reached. */
export interface ValuesCollector {
  readonly add: (value: TagValue) => void;
  readonly addAnswer: (answer: TagValuesAnswer) => void;
  /** No more are wanted. */
  readonly full: () => boolean;
  readonly result: () => TagValuesAnswer;
}

/** Starts with no value. */
export function createValuesCollector(limits: TagLimits): ValuesCollector {
  const found: TagValue[] = [];
  const known = new Map<TagValue['type'], Set<ByteText>>();
  const budget = createBudget(limits);
  let inspectedBytes = 0;
  const full = () => budget.full() || (limits.maxCount > 0 && found.length >= limits.maxCount);
  const add = (value: TagValue): void => {
    if (full()) return;
    let texts = known.get(value.type);
    if (texts === undefined) known.set(value.type, (texts = new Set()));
    if (texts.has(value.value)) budget.repeated();
    else if (budget.take(value.value.length)) {
      texts.add(value.value);
      found.push(value);
    }
  };
  return {
    add,
    addAnswer: (answer) => {
      inspectedBytes += answer.inspectedBytes;
      for (const value of answer.values) add(value);
    },
    full,
    result: () => ({ values: found, inspectedBytes }),
  };
}

/** Collects distinct names by scope until a limit is reached. */
export interface NamesCollector {
  readonly add: (scope: AnsweredScope, name: ByteText) => void;
  readonly addAnswer: (answer: TagNamesAnswer) => void;
  /** No more are wanted. */
  readonly full: () => boolean;
  readonly result: () => TagNamesAnswer;
}

/** Starts with no name. */
export function createNamesCollector(limits: TagLimits): NamesCollector {
  const found = new Map<AnsweredScope, Set<ByteText>>();
  const budget = createBudget(limits);
  let inspectedBytes = 0;
  const add = (scope: AnsweredScope, name: ByteText): void => {
    if (budget.full()) return;
    const names = found.get(scope) ?? new Set();
    if (names.has(name)) budget.repeated();
    else if ((limits.maxCount <= 0 || names.size < limits.maxCount) && budget.take(name.length)) found.set(scope, names.add(name));
  };
  return {
    add,
    addAnswer: (answer) => {
      inspectedBytes += answer.inspectedBytes;
      for (const [scope, names] of answer.names) for (const name of names) add(scope, name);
    },
    full: budget.full,
    result: () => ({ names: found, inspectedBytes }),
  };
}
