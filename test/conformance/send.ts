import http from 'node:http';
import type { RecordedCase, Verdict } from './cases.ts';
import { compareAnswer } from './compare.ts';

const requestTimeoutMs = 60_000;
const concurrency = 4;

/** What came back; status 0 where the connection broke before an answer. */
export interface Answer {
  readonly status: number;
  readonly contentType: string;
  readonly body: Buffer;
}

/** Sends the cases, a few at a time, and compares each answer with the recorded one. */
export async function runCases(
  url: string,
  cases: readonly RecordedCase[],
  compare: (recorded: RecordedCase, answer: Answer) => readonly string[] = compareAnswer,
): Promise<readonly Verdict[]> {
  const agent = new http.Agent({ keepAlive: true, maxSockets: concurrency });
  const verdicts: Verdict[] = [];
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < cases.length) {
      const index = next++;
      const recorded = cases[index]!;
      const answer = await send(url, recorded, agent);
      verdicts[index] = { recorded, answer, differences: compare(recorded, answer) };
    }
  };
  await Promise.all(Array.from({ length: concurrency }, work));
  agent.destroy();
  return verdicts;
}

/** Sends the path exactly as it was recorded: a URL parser would rewrite `//` and escapes. */
export function send(url: string, recorded: RecordedCase, agent?: http.Agent): Promise<Answer> {
  const { hostname, port } = new URL(url);
  const tenant = recorded.tenant === null ? {} : { 'X-Scope-OrgID': recorded.tenant };
  return new Promise((resolve) => {
    const failed = (error: Error): void => resolve({ status: 0, contentType: '', body: Buffer.from(error.message) });
    const options = {
      hostname,
      port,
      method: recorded.method,
      path: recorded.path,
      headers: { ...tenant, ...recorded.headers },
      timeout: requestTimeoutMs,
    };
    const request = http.request({ ...options, ...(agent === undefined ? {} : { agent }) }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', failed);
      response.on('end', () => {
        resolve({ status: response.statusCode ?? 0, contentType: response.headers['content-type'] ?? '', body: Buffer.concat(chunks) });
      });
    });
    request.on('timeout', () => request.destroy(new Error(`no answer in ${requestTimeoutMs} ms`)));
    request.on('error', failed);
    request.end();
  });
}
