import type { ErrorCode } from '#engine/base/errors.ts';

/** How an error goes out: an HTTP status and a gRPC status code. */
export interface WireStatus {
  readonly http: number;
  readonly grpc: number;
}

/** The gRPC codes in use, by their names in the gRPC specification. */
export const grpcCodes = {
  cancelled: 1,
  unknown: 2,
  invalidArgument: 3,
  notFound: 5,
  resourceExhausted: 8,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
} as const;

/**
 * The one map from what went wrong to what a client sees (spec http-api §2; §9.1 for gRPC: 5xx are Internal, statuses without a mapping Unknown,
 * a missing tenant too, as observed).
 *
 * `resource_exhausted` is 503, not 429: the job needs more memory than this process may use. Another attempt elsewhere (a function with more
 * memory, a calmer querier) can succeed, and frontends retry 5xx but take 429 as final.
 */
export const wireStatuses: Readonly<Record<ErrorCode, WireStatus>> = {
  bad_request: { http: 400, grpc: grpcCodes.invalidArgument },
  unauthenticated: { http: 401, grpc: grpcCodes.unknown },
  not_found: { http: 404, grpc: grpcCodes.notFound },
  unprocessable: { http: 422, grpc: grpcCodes.unknown },
  too_many_requests: { http: 429, grpc: grpcCodes.resourceExhausted },
  too_large: { http: 413, grpc: grpcCodes.resourceExhausted },
  cancelled: { http: 499, grpc: grpcCodes.cancelled },
  deadline_exceeded: { http: 504, grpc: grpcCodes.internal },
  unavailable: { http: 503, grpc: grpcCodes.internal },
  unimplemented: { http: 501, grpc: grpcCodes.unimplemented },
  corrupt_block: { http: 500, grpc: grpcCodes.internal },
  resource_exhausted: { http: 503, grpc: grpcCodes.internal },
  config: { http: 500, grpc: grpcCodes.internal },
  internal: { http: 500, grpc: grpcCodes.internal },
};

const codesByStatus: Readonly<Record<number, ErrorCode>> = {
  400: 'bad_request',
  401: 'unauthenticated',
  403: 'unauthenticated',
  404: 'not_found',
  413: 'too_large',
  422: 'unprocessable',
  429: 'too_many_requests',
  499: 'cancelled',
  501: 'unimplemented',
  503: 'unavailable',
  504: 'deadline_exceeded',
};

/** What an HTTP status that somebody else answered means; other 4xx are `bad_request`, everything else is `internal`. */
export function errorCodeOfStatus(http: number): ErrorCode {
  return codesByStatus[http] ?? (http >= 400 && http < 500 ? 'bad_request' : 'internal');
}
