import { callProtocol } from '#engine/api/function-call.ts';
import type { FunctionVersion } from '#engine/api/function-version.ts';
import { engineVersion } from '#engine/base/version.ts';
import type { JobFailed } from './invoke.ts';

/** What an endpoint answers when it is asked what it is. */
export type Greeting =
  | { readonly kind: 'version'; readonly version: FunctionVersion }
  /** It knows the protocol of tempo-serverless only (spec serverless §2). */
  | { readonly kind: 'tempo' }
  | { readonly kind: 'failed'; readonly failed: JobFailed };

/** What to do about a function of another version than this process. */
export type VersionCheck = 'refuse' | 'warn' | 'off';

/** How an endpoint is called: with calls of several jobs of any kind, with searches of tempo-serverless, or not at all. */
export type Protocol = 'calls' | 'tempo' | 'refused';

/** What follows from a greeting. */
export interface Verdict {
  readonly protocol: Protocol;
  /** What an operator should know; empty where all is well. */
  readonly complaints: readonly string[];
}

/** Whether a function of that version may be used. */
export function judgeEngine(engine: string, check: VersionCheck): Verdict {
  if (check === 'off' || engine === engineVersion) return { protocol: 'calls', complaints: [] };
  const complaint = `the function has version ${engine || 'unknown'}, this process ${engineVersion}: deploy both from one release`;
  return { protocol: check === 'refuse' ? 'refused' : 'calls', complaints: [complaint] };
}

/** Decides how an endpoint is called. Pure. */
export function judgeGreeting(greeting: Exclude<Greeting, { kind: 'failed' }>, check: VersionCheck): Verdict {
  if (greeting.kind === 'tempo') {
    if (check !== 'refuse') return { protocol: 'tempo', complaints: [] };
    return { protocol: 'refused', complaints: ['the function is one of Tempo, which tells no version'] };
  }
  const { protocol, engine, backend } = greeting.version;
  const store = backend === 'ok' ? [] : [`the function cannot read blocks: ${backend}`];
  if (protocol !== callProtocol) {
    const complaint = `the function speaks protocol ${protocol}, this process ${callProtocol}: it gets searches only`;
    return { protocol: check === 'refuse' ? 'refused' : 'tempo', complaints: [complaint, ...store] };
  }
  const verdict = judgeEngine(engine, check);
  return { ...verdict, complaints: [...verdict.complaints, ...store] };
}
