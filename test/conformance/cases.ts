import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { Answer } from './send.ts';

/** A request that a real Tempo answered, with its answer; see test/fixtures/README.md. */
export interface RecordedCase {
  readonly id: string;
  readonly feature?: string;
  /** Marks a request to a search function instead of a server. */
  readonly kind?: string;
  readonly tenant: string | null;
  readonly method: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** The version of Tempo that answered. */
  readonly tempo: string;
  /** 0: the connection was closed without an answer. */
  readonly status: number;
  readonly contentType: string;
  /** Parsed JSON, the exact text, or `{base64}` for protobuf. */
  readonly body: unknown;
  /** What differed between runs of the real server. */
  readonly nondeterministic?: string;
  /** What is wrong with the recorded answer; then `alternateBody` is right, or without it whatever holds `body` and more. */
  readonly upstreamBug?: string;
  readonly alternateBody?: unknown;
  /** Settings that the case needs, where they are not the usual ones. */
  readonly config?: Readonly<Record<string, unknown>>;
}

/** The recorded blocks, in the layout of the local backend. */
export const recordedBlocks = join(import.meta.dirname, '../fixtures/blocks');

/** All cases of one file of test/fixtures/cases. */
export function loadCases(group: string): readonly RecordedCase[] {
  const zipped = readFileSync(join(import.meta.dirname, `../fixtures/cases/${group}.json.gz`));
  return JSON.parse(gunzipSync(zipped).toString()) as RecordedCase[];
}

/** A case, the answer that it got now, and how the two differ; no differences is a pass. */
export interface Verdict {
  readonly recorded: RecordedCase;
  readonly answer: Answer;
  readonly differences: readonly string[];
}
