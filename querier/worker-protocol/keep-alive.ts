import type { Http2Session } from 'node:http2';
import type { Clock } from '#engine/base/clock.ts';

/** Connections that are dead without a word are noticed: jobs would go to nobody, and queries would wait for them. */
const pingEveryMs = 20_000;
const pingTimeoutMs = 10_000;

/** Pings the other side now and then, and destroys the connection when it does not answer. Ends with the connection; never throws. */
export function keepAlive(session: Http2Session, clock: Clock): void {
  const closed = new AbortController();
  session.on('close', () => closed.abort());
  const watch = async (): Promise<void> => {
    while (!session.destroyed) {
      await clock.sleep(pingEveryMs, closed.signal);
      const answered = new AbortController();
      session.ping(() => answered.abort());
      await clock.sleep(pingTimeoutMs, answered.signal).then(
        () => session.destroy(new Error('no answer to a ping')),
        () => {},
      );
    }
  };
  watch().catch(() => {});
}
