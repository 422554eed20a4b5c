import { AppError } from '#engine/base/errors.ts';

/** Throws `bad_request` where a query is longer than `query_frontend.max_query_expression_size_bytes`; 0 is no limit (spec traceql §3.7). */
export function checkQuerySize(query: string, maxBytes: number): void {
  if (maxBytes <= 0 || Buffer.byteLength(query) <= maxBytes) return;
  throw new AppError(
    'bad_request',
    `TraceQL expression exceeds the configured maximum size of ${maxBytes} bytes, reduce the query expression size or contact your system administrator`,
  );
}
