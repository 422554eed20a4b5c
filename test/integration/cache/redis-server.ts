import { type Answer, type CacheServer, startCacheServer } from './cache-server.ts';

/** The next command of RESP arrays of bulk strings; undefined when it is not all there. */
function parse(bytes: Buffer): { readonly args: readonly Buffer[]; readonly length: number } | undefined {
  const line = (at: number) => bytes.indexOf('\r\n', at);
  let end = line(0);
  if (end < 0) return undefined;
  const count = Number(bytes.subarray(1, end).toString());
  const args: Buffer[] = [];
  let at = end + 2;
  for (let i = 0; i < count; i++) {
    end = line(at);
    if (end < 0) return undefined;
    const length = Number(bytes.subarray(at + 1, end).toString());
    if (bytes.length < end + 2 + length + 2) return undefined;
    args.push(bytes.subarray(end + 2, end + 2 + length));
    at = end + 2 + length + 2;
  }
  return { args, length: at };
}

function bulk(value: Buffer | undefined): Buffer {
  return value === undefined ? Buffer.from('$-1\r\n') : Buffer.concat([Buffer.from(`$${value.length}\r\n`), value, Buffer.from('\r\n')]);
}

function answerTo(args: readonly Buffer[], values: Map<string, Buffer>, password: string | undefined): Buffer {
  const [name = '', ...rest] = args.map((arg) => arg.toString('latin1'));
  switch (name.toLowerCase()) {
    case 'info':
      return bulk(Buffer.from('redis_version:7.2.0\r\nloading:0\r\n'));
    case 'auth':
      return rest.at(-1) === password ? Buffer.from('+OK\r\n') : Buffer.from('-WRONGPASS invalid username-password pair\r\n');
    case 'get':
      return bulk(values.get(rest[0]!));
    case 'mget':
      return Buffer.concat([Buffer.from(`*${rest.length}\r\n`), ...rest.map((key) => bulk(values.get(key)))]);
    case 'set':
      values.set(rest[0]!, Buffer.from(args[2]!));
      return Buffer.from('+OK\r\n');
    default:
      return Buffer.from('+OK\r\n');
  }
}

/** Starts a Redis server: strings only; the password, where there is one, must be given but is not asked for. */
export function startRedis(password?: string): Promise<CacheServer> {
  const reply: Answer = (received, { values, commands }) => {
    const answers: Buffer[] = [];
    let rest = received;
    for (let command = parse(rest); command !== undefined; command = parse(rest)) {
      const { args, length } = command;
      const shown = args[0]!.toString().toLowerCase() === 'set' ? [args[0], args[1], ...args.slice(3)] : args;
      commands.push(shown.join(' '));
      answers.push(answerTo(args, values, password));
      rest = rest.subarray(length);
    }
    return { answer: Buffer.concat(answers), rest };
  };
  return startCacheServer(reply);
}
