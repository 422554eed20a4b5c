import { type Answer, type CacheServer, startCacheServer } from './cache-server.ts';

/** Longest value, as memcached's own default. */
const maxValueBytes = 1024 * 1024;

/** memcached's text protocol: get, set. */
const reply: Answer = (received, { values, commands }) => {
  const answers: Buffer[] = [];
  let rest = received;
  for (;;) {
    const end = rest.indexOf('\r\n');
    if (end < 0) break;
    const [command = '', ...args] = rest.subarray(0, end).toString('latin1').split(' ');
    if (command === 'get') {
      commands.push(`get ${args.join(' ')}`);
      for (const key of args) {
        const value = values.get(key);
        if (value !== undefined) answers.push(Buffer.from(`VALUE ${key} 0 ${value.length}\r\n`), value, Buffer.from('\r\n'));
      }
      answers.push(Buffer.from('END\r\n'));
      rest = rest.subarray(end + 2);
    } else if (command === 'set') {
      const [key = '', , expires = '', length = ''] = args;
      const bytes = Number(length);
      if (rest.length < end + 2 + bytes + 2) break;
      commands.push(`set ${key} ${expires}`);
      if (bytes > maxValueBytes) answers.push(Buffer.from('SERVER_ERROR object too large for cache\r\n'));
      else {
        values.set(key, Buffer.from(rest.subarray(end + 2, end + 2 + bytes)));
        answers.push(Buffer.from('STORED\r\n'));
      }
      rest = rest.subarray(end + 2 + bytes + 2);
    } else {
      answers.push(Buffer.from('ERROR\r\n'));
      rest = rest.subarray(end + 2);
    }
  }
  return { answer: Buffer.concat(answers), rest };
};

/** Starts a memcached server. */
export function startMemcached(): Promise<CacheServer> {
  return startCacheServer(reply);
}
