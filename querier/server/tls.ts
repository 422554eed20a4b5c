import type { Socket } from 'node:net';
import { createServer, type TlsOptions } from 'node:tls';

/** How a port proves itself, and whom it lets in (spec config §3). */
export type PortTls = Pick<TlsOptions, 'cert' | 'key' | 'ca' | 'requestCert' | 'rejectUnauthorized' | 'minVersion' | 'ciphers'>;

/** A client that does not finish its handshake is cut after this. */
const handshakeTimeoutMs = 10_000;

/** Hands connections on: at once without TLS, after the handshake with it. One that fails is closed; both HTTP versions are offered. */
export function createAcceptor(tls: PortTls | undefined, accept: (socket: Socket) => void): (socket: Socket) => void {
  if (tls === undefined) return accept;
  const server = createServer({ ...tls, ALPNProtocols: ['h2', 'http/1.1'], handshakeTimeout: handshakeTimeoutMs }, accept);
  server.on('tlsClientError', (_error, socket) => socket.destroy());
  return (socket) => {
    server.emit('connection', socket);
  };
}
