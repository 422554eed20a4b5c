import { promisify } from 'node:util';
import { constants, gzip, zstdCompress } from 'node:zlib';
import type { ServerAnswer } from './exchange.ts';

const gzipAsync = promisify(gzip);
const zstdAsync = promisify(zstdCompress);

/** Bodies up to this size go out as they are (spec http-api §2). */
const smallestBytes = 1024;

/** The encoding to answer with, of those that Tempo knows; zstd before gzip where a client takes both. `q=0` refuses one. */
export function chooseEncoding(accept: string | undefined): 'gzip' | 'zstd' | undefined {
  if (accept === undefined || accept === '' || accept === 'identity') return undefined;
  let found: 'gzip' | undefined;
  for (const part of accept.split(',')) {
    const [name, ...parameters] = part.split(';');
    if (parameters.some((parameter) => /^\s*q\s*=\s*0(\.0*)?\s*$/i.test(parameter))) continue;
    const encoding = name!.trim().toLowerCase();
    if (encoding === 'zstd') return 'zstd';
    if (encoding === 'gzip') found = 'gzip';
  }
  return found;
}

/**
 * Compresses a body where the client asks for it and it is worth it. Fast levels: answers are made once and read once, usually on a local network.
 */
export async function compressAnswer(answer: ServerAnswer, accept: string | undefined): Promise<ServerAnswer> {
  if (!answer.compressible) return answer;
  const headers = { ...answer.headers, Vary: 'Accept-Encoding' };
  const encoding = answer.body.length > smallestBytes ? chooseEncoding(accept) : undefined;
  if (encoding === undefined) return { ...answer, headers };
  const body =
    encoding === 'gzip'
      ? await gzipAsync(answer.body, { level: constants.Z_BEST_SPEED })
      : await zstdAsync(answer.body, { params: { [constants.ZSTD_c_compressionLevel]: 1 } });
  return { ...answer, headers: { ...headers, 'Content-Encoding': encoding }, body };
}
