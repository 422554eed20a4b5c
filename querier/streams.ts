import type { Config } from './config/config.ts';
import { createSearchEventsHandler } from './frontend/search-events.ts';
import { createSearchStream, type SearchStreamOptions } from './frontend/search-stream.ts';
import { defineStreamingQuerier } from './frontend/streaming-service.ts';
import type { Handler } from './server/exchange.ts';
import { createGrpcListener } from './server/grpc.ts';
import type { AnyRequest, AnyResponse } from './server/listen.ts';
import type { Metrics } from './telemetry/metrics.ts';

/** What {@link createStreams} needs of the process. */
export interface StreamsOptions extends SearchStreamOptions {
  readonly config: Config;
  readonly metrics: Metrics;
}

/** Answers that come in parts. */
export interface Streams {
  readonly searchEvents: Handler;
  /** gRPC on the HTTP port; absent unless `stream_over_http_enabled`. */
  readonly onGrpc: ((request: AnyRequest, response: AnyResponse) => void) | undefined;
}

/** Partial results of a frontend, over gRPC and as server-sent events. */
export function createStreams(options: StreamsOptions): Streams {
  const { config, environment, metrics, logger } = options;
  const searchEvents = createSearchEventsHandler(createSearchStream(options, 'json'));
  if (!config.streamOverHttpEnabled) return { searchEvents, onGrpc: undefined };
  const define = defineStreamingQuerier({
    search: createSearchStream(options, 'protobuf'),
    maxPacketBytes: config.queryFrontend.maxGrpcStreamingPacketBytes,
  });
  return { searchEvents, onGrpc: createGrpcListener({ clock: environment.clock, metrics, logger }, define) };
}
