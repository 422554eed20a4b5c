import { promisify } from 'node:util';
import { constants, gzip } from 'node:zlib';
import { encodeAnswer } from '#engine/api/function-answer-body.ts';
import { callTypes, type FunctionAnswer, type FunctionOutcome } from '#engine/api/function-call.ts';
import type { FunctionResponse } from './exchange.ts';

/** Shorter answers gain nothing. */
const leastGzipBytes = 1400;

interface Encoded {
  readonly bytes: Uint8Array;
  readonly gzipped: boolean;
}

async function encode(answer: FunctionAnswer, mayGzip: boolean): Promise<Encoded> {
  const bytes = encodeAnswer(answer);
  if (!mayGzip || bytes.length < leastGzipBytes) return { bytes, gzipped: false };
  // Only here, so that a start does not load node:zlib.
  const smaller = await promisify(gzip)(bytes, { level: constants.Z_BEST_SPEED });
  return smaller.length < bytes.length * 0.9 ? { bytes: smaller, gzipped: true } : { bytes, gzipped: false };
}

function bodyBytes(outcome: FunctionOutcome): number {
  return outcome.kind === 'answered' ? outcome.answer.body.length : 0;
}

/** Leaves out the largest answers until what stays has at most `maxBytes` before compression. One answer alone that does not fit is too large. Pure. */
export function leaveOut(outcomes: readonly FunctionOutcome[], maxBytes: number): readonly FunctionOutcome[] {
  const kept = [...outcomes];
  const largestFirst = kept.map((_, index) => index).sort((a, b) => bodyBytes(kept[b]!) - bodyBytes(kept[a]!));
  const answers = kept.filter(({ kind }) => kind === 'answered').length;
  let total = kept.reduce((sum, outcome) => sum + bodyBytes(outcome), 0);
  for (const index of largestFirst) {
    const size = bodyBytes(kept[index]!);
    if (total <= maxBytes || size === 0) break;
    total -= size;
    const alone = answers === 1;
    const message = `the answer has ${size} bytes, more than the platform lets through${alone ? '' : ' with the others of its call'}`;
    kept[index] = { kind: 'failed', failure: alone ? 'too_large' : 'no_room', code: 'too_large', message };
  }
  return kept;
}

/** Writes an answer, compressed where the caller takes that and it pays, within what the platform lets through: answers that do not fit are left out by name. */
export async function fitAnswer(answer: FunctionAnswer, maxBytes: number, acceptEncoding: string): Promise<FunctionResponse> {
  const mayGzip = /\bgzip\b/.test(acceptEncoding);
  let fitting = answer;
  let encoded = await encode(fitting, mayGzip);
  while (encoded.bytes.length > maxBytes) {
    const total = fitting.outcomes.reduce((sum, outcome) => sum + bodyBytes(outcome), 0);
    if (total === 0) break; // only messages are left, and those are short
    // Compression changes little with what is left out, so that this needs one round, rarely two.
    const outcomes = leaveOut(fitting.outcomes, Math.floor(total * Math.min(0.97, (0.98 * maxBytes) / encoded.bytes.length)));
    fitting = { ...fitting, outcomes };
    encoded = await encode(fitting, mayGzip);
  }
  const headers = { 'content-type': callTypes.answer, ...(encoded.gzipped && { 'content-encoding': 'gzip' }) };
  return { status: 200, headers, body: encoded.bytes };
}
