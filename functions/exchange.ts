/** A call, whatever platform it came through. Path and method do not matter (spec serverless §2). */
export interface FunctionRequest {
  readonly method: string;
  /** Path and query string, as on the request line. */
  readonly url: string;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** The whole body, as sent; rejects with `too_large` beyond the limit of calls. Asked for at most once. */
  readonly body: () => Promise<Uint8Array>;
  /** Most bytes that the platform lets an answer's body have. */
  readonly maxBodyBytes: number;
  /** Aborted when nobody waits for the answer any more, or the platform will end the call. */
  readonly signal: AbortSignal;
}

/** An answer. */
export interface FunctionResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

/** Runs one call. Never rejects: everything that goes wrong is an answer (spec serverless §3.1). */
export type FunctionHandler = (request: FunctionRequest) => Promise<FunctionResponse>;

/** Of answers too: a real function says nothing about its JSON, and Go's server takes it for text (spec serverless §3.3). */
export const textHeaders = { 'content-type': 'text/plain; charset=utf-8' };
