import type { Gauge, Histogram } from 'prom-client';
import { exponentialBuckets, type Register } from './register.ts';

const requestBuckets = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 1.5, 2.5, 5, 10, 25, 50, 100];
/** 4 bytes to 1 GiB. */
const messageBuckets = exponentialBuckets(4, 4, 15);

/** What the ports are asked when metrics are read. */
export interface WatchedPort {
  readonly protocol: 'http' | 'grpc';
  readonly connections: () => number;
  /** 0 is unlimited. */
  readonly limit: number;
}

/** Requests of any route (spec metrics §1). Durations are observed in seconds. */
export interface ServerMetrics {
  readonly requestDuration: Histogram<'method' | 'route' | 'status_code' | 'ws'>;
  readonly requestBytes: Histogram<'method' | 'route'>;
  readonly responseBytes: Histogram<'method' | 'route'>;
  readonly inflightRequests: Gauge<'method' | 'route'>;
  /** Shows a port's connections from now on. */
  readonly watchPort: (port: WatchedPort) => void;
  /** Streams that a connection may have at once. */
  readonly concurrentStreamsLimit: Gauge;
}

function osName(): string {
  return process.platform === 'win32' ? 'windows' : process.platform;
}

function architecture(): string {
  return process.arch === 'x64' ? 'amd64' : process.arch;
}

/** Registers {@link ServerMetrics} and `tempo_build_info`. */
export function serverMetrics({ gauge, histogram, readGauge }: Register, version: string): ServerMetrics {
  const about = { version, revision: '', branch: '', goversion: process.version, goos: osName(), goarch: architecture(), tags: '' };
  const labels = ['version', 'revision', 'branch', 'goversion', 'goos', 'goarch', 'tags'] as const;
  gauge('tempo_build_info', 'A metric with a constant 1 labelled by what was built.', ...labels).set(about, 1);
  const ports: WatchedPort[] = [];
  readGauge('tempo_tcp_connections', 'Open connections.', ['protocol'], (connections) => {
    for (const port of ports) connections.set({ protocol: port.protocol }, port.connections());
  });
  readGauge('tempo_tcp_connections_limit', 'Connections that may be open, 0 is unlimited.', ['protocol'], (limits) => {
    for (const port of ports) limits.set({ protocol: port.protocol }, port.limit);
  });
  const request = ['method', 'route', 'status_code', 'ws'] as const;
  return {
    requestDuration: histogram('tempo_request_duration_seconds', 'Time spent serving HTTP requests.', requestBuckets, ...request),
    requestBytes: histogram('tempo_request_message_bytes', 'Size of requests.', messageBuckets, 'method', 'route'),
    responseBytes: histogram('tempo_response_message_bytes', 'Size of answers.', messageBuckets, 'method', 'route'),
    inflightRequests: gauge('tempo_inflight_requests', 'Requests being served.', 'method', 'route'),
    watchPort: (port) => {
      ports.push(port);
    },
    concurrentStreamsLimit: gauge('tempo_grpc_concurrent_streams_limit', 'Streams that one HTTP/2 connection may have at once.'),
  };
}
