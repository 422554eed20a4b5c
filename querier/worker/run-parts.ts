import { AppError } from '#engine/base/errors.ts';
import type { PartsCombiner } from './combine-parts.ts';

/** A job cut into parts, in the order of their row groups. */
export interface Cut<Part, Answer> {
  readonly parts: readonly Part[];
  /** Without an answer yet. */
  readonly combiner: () => PartsCombiner<Answer>;
}

const enoughFound = new AppError('cancelled', 'the parts before it have what the job may answer, or one of them has failed');

/**
 * Runs the parts of a job side by side and combines their answers in order. Where those of the first ones are enough, as a limit is reached, the others are aborted, and what became of
 * them does not matter: the whole job would not have looked there. Rejects with the error of the first part that is needed and fails.
 */
export async function runParts<Part, Placed extends { readonly answer: Answer }, Answer>(
  cut: Cut<Part, Answer>,
  run: (part: Part, signal: AbortSignal) => Promise<Placed>,
  signal: AbortSignal,
): Promise<{ readonly answer: Answer; readonly used: readonly Placed[] }> {
  const rest = new AbortController();
  const inner = AbortSignal.any([signal, rest.signal]);
  const combiner = cut.combiner();
  const running = cut.parts.map((part) => run(part, inner));
  for (const one of running) one.catch(() => {}); // of a part that is not needed nobody hears
  const used: Placed[] = [];
  try {
    for (const one of running) {
      const placed = await one;
      combiner.add(placed.answer);
      used.push(placed);
      if (combiner.done()) break;
    }
  } finally {
    rest.abort(enoughFound);
  }
  return { answer: combiner.result(), used };
}
