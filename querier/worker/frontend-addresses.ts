import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { toAppError } from '#engine/base/errors.ts';

/** A name and a port as `frontend_worker.frontend_address` has them. */
interface Target {
  readonly host: string;
  readonly port: string;
}

/** Reads `host:port[,host:port…]`: Tempo has one, whose name stands for all frontends; several are for frontends without a common name. */
export function parseFrontendAddress(text: string): readonly Target[] {
  return text
    .split(',')
    .map((one) => one.trim().replace(/^dns:\/\/\//, ''))
    .filter((one) => one !== '')
    .map((one) => {
      const colon = one.lastIndexOf(':');
      const bracketed = /^\[(.*)\](?::(\d+))?$/.exec(one);
      if (bracketed !== null) return { host: bracketed[1]!, port: bracketed[2] ?? '9095' };
      return colon < 0 || isIP(one) === 6 ? { host: one, port: '9095' } : { host: one.slice(0, colon), port: one.slice(colon + 1) };
    });
}

async function addressesOf({ host, port }: Target): Promise<readonly string[]> {
  if (isIP(host) !== 0) return [printAddress(host, port)];
  const found = await lookup(host, { all: true, verbatim: true });
  // A frontend with addresses of both families is one frontend, which would get twice its share of streams.
  const v4 = found.filter(({ family }) => family === 4);
  return (v4.length > 0 ? v4 : found).map(({ address }) => printAddress(address, port));
}

function printAddress(address: string, port: string): string {
  return isIP(address) === 6 ? `[${address}]:${port}` : `${address}:${port}`;
}

/** Every address behind the names, sorted, each once. Names that cannot be resolved are told and left out. */
export async function resolveFrontends(targets: readonly Target[], onProblem: (message: string) => void): Promise<readonly string[]> {
  const lists = await Promise.all(
    targets.map((target) =>
      addressesOf(target).catch((thrown) => {
        onProblem(`cannot resolve ${target.host}: ${toAppError(thrown).message}`);
        return [];
      }),
    ),
  );
  return [...new Set(lists.flat())].sort();
}

/** Streams for each of `frontends` addresses: all of `total` divided, the remainder to the first ones, at least one each (spec read-path §6). */
export function divideStreams(total: number, frontends: number): readonly number[] {
  const each = Math.floor(total / frontends);
  const rest = total % frontends;
  return Array.from({ length: frontends }, (_, index) => Math.max(1, each + (index < rest ? 1 : 0)));
}
