import { flag, number, text, type Values } from './typed-values.ts';

/** `server.grpc_*`: the port of `frontend.Frontend` and `tempopb.StreamingQuerier`. */
export interface GrpcServerConfig {
  readonly address: string;
  readonly port: number;
  /** Most open connections, 0 is unlimited. */
  readonly connectionLimit: number;
  readonly maxReceiveBytes: number;
  /** Of one connection. */
  readonly maxConcurrentStreams: number;
}

/** `server.*`: the servers and the log. */
export interface ServerConfig {
  readonly address: string;
  readonly port: number;
  readonly pathPrefix: string;
  /** Most open connections, 0 is unlimited. */
  readonly connectionLimit: number;
  readonly readTimeoutMs: number;
  /** 0: the read timeout. */
  readonly readHeaderTimeoutMs: number;
  readonly writeTimeoutMs: number;
  readonly idleTimeoutMs: number;
  readonly gracefulShutdownTimeoutMs: number;
  /** Serve /metrics. */
  readonly registerInstrumentation: boolean;
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error';
  readonly logFormat: 'logfmt' | 'json';
  readonly grpc: GrpcServerConfig;
}

/** Reads `server`, or `internal_server` with its own defaults. */
export function serverConfig(values: Values, section: 'server' | 'internal_server'): ServerConfig {
  return {
    address: text(values, `${section}.http_listen_address`),
    port: number(values, `${section}.http_listen_port`),
    pathPrefix: text(values, `${section}.http_path_prefix`),
    connectionLimit: number(values, `${section}.http_listen_conn_limit`),
    readTimeoutMs: number(values, `${section}.http_server_read_timeout`),
    readHeaderTimeoutMs: number(values, `${section}.http_server_read_header_timeout`),
    writeTimeoutMs: number(values, `${section}.http_server_write_timeout`),
    idleTimeoutMs: number(values, `${section}.http_server_idle_timeout`),
    gracefulShutdownTimeoutMs: number(values, `${section}.graceful_shutdown_timeout`),
    registerInstrumentation: flag(values, `${section}.register_instrumentation`),
    logLevel: text(values, `${section}.log_level`) as ServerConfig['logLevel'],
    logFormat: text(values, `${section}.log_format`) as ServerConfig['logFormat'],
    grpc: {
      address: text(values, `${section}.grpc_listen_address`),
      port: number(values, `${section}.grpc_listen_port`),
      connectionLimit: number(values, `${section}.grpc_listen_conn_limit`),
      maxReceiveBytes: number(values, `${section}.grpc_server_max_recv_msg_size`),
      maxConcurrentStreams: number(values, `${section}.grpc_server_max_concurrent_streams`),
    },
  };
}
