import assert from 'node:assert/strict';
import type { SearchAnswer } from '#engine/api/search-answer.ts';
import { type Clock, systemClock } from '#engine/base/clock.ts';
import { answerWith } from '../../unit/querier/answers.ts';
import type { TestApp } from './start.ts';

/** A clock that makes every answer of a job late enough for a partial answer. */
export function hastyClock(): Clock {
  let ms = 0;
  return { ...systemClock, monotonicMs: () => (ms += 501) };
}

/** A job's answer with that many traces. */
export function manyTraces(count: number): SearchAnswer {
  return answerWith(...Array.from({ length: count }, (_, index) => [(index + 1).toString(16).padStart(32, '0'), 1768046400] as const));
}

/** The traces of an answer. */
export interface Found {
  readonly traces: readonly { readonly traceID: string }[];
}

/** Reads a metric's value from the page; 0 where it has none yet. */
export async function metric({ get }: TestApp, line: string): Promise<number> {
  const page = (await get('/metrics')).body.toString();
  return Number(
    page
      .split('\n')
      .find((text) => text.startsWith(`${line} `))
      ?.slice(line.length + 1) ?? 0,
  );
}

/** Waits for something that takes a moment. */
export async function until(condition: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    if (await condition()) return;
    await systemClock.sleep(20);
  }
  assert.fail('it did not happen within 4 seconds');
}
