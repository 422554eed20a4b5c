import { AppError } from '#engine/base/errors.ts';

const defaultPort = 8080;

/** The port to listen on: `--port N` or `--port=N`, else PORT, else 8080; 0 takes a free one. Throws `config` for anything else. */
export function listenPort(args: readonly string[], env: Readonly<Record<string, string | undefined>>): number {
  const at = args.findIndex((arg) => arg === '--port' || arg.startsWith('--port='));
  const text = at < 0 ? (env.PORT ?? '') : args[at] === '--port' ? (args[at + 1] ?? '') : args[at].slice('--port='.length);
  if (text === '' && at < 0) return defaultPort;
  const port = Number(text);
  if (!/^\d{1,5}$/.test(text) || port > 65535) throw new AppError('config', `port must be a number from 0 to 65535. received: ${text}`);
  return port;
}
