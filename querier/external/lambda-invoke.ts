import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import type { InvokeCommandOutput, LambdaClient } from '@aws-sdk/client-lambda';
import { callTypes } from '#engine/api/function-call.ts';
import { decodeVersion, encodeVersionRequest, type VersionProbe } from '#engine/api/function-version.ts';
import { AppError, throwIfAborted, toAppError } from '#engine/base/errors.ts';
import type { CarryBatch } from './batch-invoke.ts';
import type { Greeting } from './greeting.ts';
import type { JobFailed } from './invoke.ts';
import { failure, failureOfStatus, parseRetryAfter, shownBody } from './status-failure.ts';

/** A Lambda function that is invoked directly. */
export interface LambdaTarget {
  /** A name or an ARN. */
  readonly functionName: string;
  /** A version or alias; undefined: the latest, or as the ARN says. */
  readonly qualifier: string | undefined;
  /** '' takes it from the ARN, else from the environment. */
  readonly region: string;
}

/** Where Lambda is, other than AWS says; for tests and private endpoints. */
export interface LambdaApi {
  /** '' is AWS's own. */
  readonly endpoint: string;
}

/** The payload of a call and of its answer. 6 MB is what Lambda takes both ways. */
const maxPayloadBytes = 6 * 1024 * 1024;
/** Most bytes of a call before base64. */
export const maxLambdaRequestBytes = Math.floor((maxPayloadBytes - 4096) / 4) * 3;
const maxAnswerBytes = 256 * 1024 * 1024;
const maxSockets = 1000;

/** Reads `lambda:FUNCTION[:ALIAS]`, FUNCTION a name or an ARN. Undefined for other endpoints. Throws `config` without a name. */
export function parseLambdaEndpoint(url: string): LambdaTarget | undefined {
  if (!url.startsWith('lambda:')) return undefined;
  const text = url.slice('lambda:'.length);
  const arn = /^arn:[\w-]+:lambda:([\w-]+):\d+:function:[\w-]+(:[\w$-]+)?$/.exec(text);
  if (arn !== null) return { functionName: text, qualifier: undefined, region: arn[1]! };
  const match = /^([\w-]+)(?::([\w$-]+))?$/.exec(text);
  if (match === null) throw new AppError('config', `external endpoint ${url} is not lambda:FUNCTION[:ALIAS]`);
  return { functionName: match[1]!, qualifier: match[2], region: '' };
}

interface DirectResult {
  readonly rubato: { readonly status: number; readonly type: string; readonly gzip: boolean; readonly body: string };
}

/** A result of ours, or why there is none. */
type Reply = { readonly kind: 'result'; readonly status: number; readonly type: string; readonly body: Uint8Array } | JobFailed;

/** What Lambda says when the function did not answer: `FunctionError` with the kind of the error in the payload. */
function functionFailure(payload: Uint8Array): JobFailed {
  let error: { readonly errorType?: string; readonly errorMessage?: string } = {};
  try {
    error = JSON.parse(Buffer.from(payload).toString()) ?? {};
  } catch {
    // What cannot be read is shown as it is.
  }
  const { errorType = '', errorMessage = shownBody(payload) } = error;
  const message = `external endpoint failed: ${errorType === '' ? '' : `${errorType}: `}${errorMessage}`;
  if (errorType === 'Function.ResponseSizeTooLarge') return failure('too_large', 'too_large', message, true);
  if (errorType === 'Sandbox.Timedout' || /Task timed out after/.test(errorMessage))
    return failure('timeout', 'deadline_exceeded', message, true);
  return failure('server_error', 'unavailable', message, true);
}

/** What an error of the SDK means: throttling told apart from broken, too large and refused. */
function apiFailure(thrown: unknown): JobFailed {
  const { name, message, $metadata, $response, retryAfterSeconds } = thrown as Error & {
    readonly $metadata?: { readonly httpStatusCode?: number };
    readonly $response?: { readonly headers?: Readonly<Record<string, string>> };
    readonly retryAfterSeconds?: string;
  };
  const status = $metadata?.httpStatusCode;
  const text = `external endpoint failed to call lambda: ${name}: ${message}`;
  if (status === undefined) return failure('transport', 'unavailable', text, true);
  if (status === 429) {
    const retryAfterMs = parseRetryAfter($response?.headers?.['retry-after'] ?? retryAfterSeconds, 0);
    return failure('throttled', 'too_many_requests', text, true, retryAfterMs);
  }
  if (status === 413) return failure('too_large', 'too_large', text, true);
  return failure('server_error', 'unavailable', text, true);
}

async function readResult(output: InvokeCommandOutput): Promise<Reply> {
  const Payload: Uint8Array = output.Payload ?? new Uint8Array(0);
  if (output.FunctionError !== undefined) return functionFailure(Payload);
  try {
    const { rubato } = JSON.parse(Buffer.from(Payload).toString()) as DirectResult;
    const body = Buffer.from(rubato.body, 'base64');
    const whole = rubato.gzip ? await promisify(gunzip)(body, { maxOutputLength: maxAnswerBytes }) : body;
    return { kind: 'result', status: rubato.status, type: rubato.type, body: whole };
  } catch (thrown) {
    return failure(
      'bad_answer',
      'internal',
      `external endpoint failed to unmarshal body: ${toAppError(thrown).message}: ${shownBody(Payload)}`,
      true,
    );
  }
}

/** Calls a Lambda function by `Invoke`, with the credentials and the region of the environment; the SDK is loaded with the first call. */
export function createLambdaInvoke(target: LambdaTarget, api: LambdaApi) {
  let loaded: Promise<{ client: LambdaClient; InvokeCommand: typeof import('@aws-sdk/client-lambda').InvokeCommand }> | undefined;
  const load = async () => {
    const { LambdaClient, InvokeCommand } = await import('@aws-sdk/client-lambda');
    const client = new LambdaClient({
      maxAttempts: 1,
      requestHandler: { httpAgent: { keepAlive: true, maxSockets }, httpsAgent: { keepAlive: true, maxSockets } },
      ...(target.region !== '' && { region: target.region }),
      ...(api.endpoint !== '' && { endpoint: api.endpoint }),
    });
    return { client, InvokeCommand };
  };
  const invoke = async (type: string, body: Uint8Array, gzip: boolean, signal: AbortSignal): Promise<Reply> => {
    const { client, InvokeCommand } = await (loaded ??= load());
    const Payload = Buffer.from(JSON.stringify({ rubato: { type, gzip, body: Buffer.from(body).toString('base64') } }));
    const { functionName: FunctionName, qualifier } = target;
    const command = new InvokeCommand({ FunctionName, Payload, ...(qualifier !== undefined && { Qualifier: qualifier }) });
    let output: InvokeCommandOutput;
    try {
      output = await client.send(command, { abortSignal: signal });
    } catch (thrown) {
      throwIfAborted(signal);
      return apiFailure(thrown);
    }
    return readResult(output);
  };
  const carry: CarryBatch = async ({ body, gzip }, signal) => {
    const reply = await invoke(callTypes.call, body, gzip, signal);
    if (reply.kind === 'failed') return reply;
    if (reply.status === 200 && reply.type === callTypes.answer) return { kind: 'body', body: reply.body };
    return failureOfStatus(reply.status, undefined, reply.body, 0);
  };
  const greet = async (probe: VersionProbe | undefined, signal: AbortSignal): Promise<Greeting> => {
    const reply = await invoke(callTypes.version, encodeVersionRequest(probe), false, signal);
    if (reply.kind === 'failed') return reply.reason === 'bad_answer' ? { kind: 'tempo' } : { kind: 'failed', failed: reply };
    const version = decodeVersion(reply.body);
    if (version !== undefined) return { kind: 'version', version };
    return { kind: 'failed', failed: failureOfStatus(reply.status, undefined, reply.body, 0) };
  };
  return { carry, greet };
}
