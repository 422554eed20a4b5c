import type { MemcachedConfig } from './config.ts';
import type { MemcachedServer } from './memcached-connection.ts';

/** How names become addresses. */
export interface NameLookups {
  readonly lookup: (host: string) => Promise<readonly { readonly address: string }[]>;
  readonly resolveSrv: (name: string) => Promise<readonly { readonly name: string; readonly port: number }[]>;
}

const defaultPort = 11_211;

/**
 * The servers that the configuration names now, by `host:port` in order: addresses as they are, `dns+host:port` by its addresses, `dnssrv+name` by the addresses
 * of its SRV records, `dnssrvnoa+name` by their names; host with service by the SRV records `_service._tcp.host`. Undefined when a name cannot be looked up.
 */
export async function resolveServers(
  { addresses, host, service }: Pick<MemcachedConfig, 'addresses' | 'host' | 'service'>,
  lookups: NameLookups,
  onLookup: (failed: boolean) => void,
): Promise<ReadonlyMap<string, MemcachedServer> | undefined> {
  const looking = async <Record>(work: Promise<readonly Record[]>): Promise<readonly Record[]> => {
    const found = await work.catch(() => undefined);
    onLookup(found === undefined);
    if (found === undefined) throw lookupFailed;
    return found;
  };
  const addressesOf = async (name: string, port: number) =>
    (await looking(lookups.lookup(name))).map(({ address }) => ({ host: address, port }));
  const resolve = async (address: string): Promise<readonly MemcachedServer[]> => {
    const [, kind = '', rest = ''] = /^(?:(dns|dnssrv|dnssrvnoa)\+)?(.*)$/.exec(address) ?? [];
    if (kind === '') return [hostPort(rest)];
    if (kind === 'dns') {
      const named = hostPort(rest);
      return addressesOf(named.host, named.port);
    }
    const records = await looking(lookups.resolveSrv(rest));
    if (kind === 'dnssrvnoa') return records.map(({ name, port }) => ({ host: name, port }));
    return (await Promise.all(records.map(({ name, port }) => addressesOf(name, port)))).flat();
  };
  const named = host === '' ? addresses : [...addresses, `dnssrv+_${service === '' ? 'memcached' : service}._tcp.${host}`];
  try {
    const servers = (await Promise.all(named.map(resolve))).flat();
    return new Map(servers.map((server) => [`${server.host}:${server.port}`, server] as const).sort(([a], [b]) => (a < b ? -1 : 1)));
  } catch (thrown) {
    if (thrown === lookupFailed) return undefined;
    throw thrown;
  }
}

const lookupFailed = Symbol('a name could not be looked up');

function hostPort(text: string): MemcachedServer {
  const match = /^(?:\[([^\]]+)\]|([^:]+))(?::(\d+))?$/.exec(text);
  return { host: match?.[1] ?? match?.[2] ?? text, port: Number(match?.[3] ?? defaultPort) };
}
