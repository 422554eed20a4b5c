import type { ClientHttp2Session } from 'node:http2';
import type { Clock } from '#engine/base/clock.ts';
import { AppError, throwIfAborted, toAppError } from '#engine/base/errors.ts';
import type { TenantId } from '#engine/base/units.ts';
import { openCall } from '../worker/client-call.ts';
import { openConnection } from '../worker/frontend-connection.ts';

/** A unary call of one live-store: path and encoded request in, encoded answer out. */
export type CallLiveStore = (path: string, tenant: TenantId, request: Uint8Array, signal: AbortSignal) => Promise<Uint8Array>;

/** Largest answer, as queriers of Tempo take it. */
const maxAnswerBytes = 100 << 20;

const statusNames = [
  ...['OK', 'Canceled', 'Unknown', 'InvalidArgument', 'DeadlineExceeded', 'NotFound', 'AlreadyExists', 'PermissionDenied'],
  ...[
    'ResourceExhausted',
    'FailedPrecondition',
    'Aborted',
    'OutOfRange',
    'Unimplemented',
    'Internal',
    'Unavailable',
    'DataLoss',
    'Unauthenticated',
  ],
];

/** A trace that is too large is the caller's affair, everything else ours. */
function failure(path: string, code: number | undefined, message: string): AppError {
  const name = code === undefined ? 'Unavailable' : (statusNames[code] ?? `Code(${code})`);
  const method = path.slice(path.lastIndexOf('.') + 1).replace('/', '.');
  const text = `error querying live-stores in ${method}: rpc error: code = ${name} desc = ${message}`;
  return new AppError(message.includes('trace exceeds max size') ? 'unprocessable' : 'internal', text);
}

function callOn(
  session: ClientHttp2Session,
  path: string,
  tenant: TenantId,
  request: Uint8Array,
  signal: AbortSignal,
): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    let answer: Uint8Array | undefined;
    const call = openCall(session, {
      path,
      headers: { 'x-scope-orgid': tenant },
      encoding: 'identity',
      maxMessageBytes: maxAnswerBytes,
      onMessage: (message) => {
        answer = message;
      },
      onEnd: ({ code, message }) => {
        signal.removeEventListener('abort', call.cancel);
        if (signal.aborted) reject(toAppError(signal.reason));
        else if (code === 0 && answer !== undefined) resolve(answer);
        else reject(failure(path, code, code === 0 ? 'no answer' : message));
      },
    });
    signal.addEventListener('abort', call.cancel, { once: true });
    call.send(request);
    call.finish();
  });
}

/** Calls the live-store at `host:port` over one connection, which is opened when it is needed. Rejects with `internal` where it does not answer. */
export function createLiveStoreCalls(address: string, clock: Clock): CallLiveStore {
  let connection: Promise<ClientHttp2Session> | undefined;
  const connect = (): Promise<ClientHttp2Session> => {
    const opened = openConnection({ origin: `http://${address}`, clock });
    const forget = () => {
      if (connection === opened) connection = undefined;
    };
    opened.then((session) => session.on('close', forget).on('goaway', forget), forget);
    connection = opened;
    return opened;
  };
  const connected = (path: string): Promise<ClientHttp2Session> =>
    (connection ?? connect()).catch((thrown) => {
      throw failure(path, undefined, toAppError(thrown).message);
    });
  return async (path, tenant, request, signal) => {
    throwIfAborted(signal);
    return callOn(await connected(path), path, tenant, request, signal);
  };
}
