import type { IncomingMessage } from 'node:http';
import { callLimits } from '#engine/api/function-call.ts';
import { AppError } from '#engine/base/errors.ts';

/** Reads the whole body of a request. Rejects with `too_large` beyond the limit of calls, and when the client goes away. */
export async function readBody(request: IncomingMessage): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    sizeBytes += chunk.length;
    if (sizeBytes > callLimits.maxBytes) throw new AppError('too_large', `a call has at most ${callLimits.maxBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
