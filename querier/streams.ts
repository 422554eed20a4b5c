import type { Config } from './config/config.ts';
import type { MetricsEnvironment } from './frontend/metrics-query.ts';
import { createMetricsStream } from './frontend/metrics-stream.ts';
import type { SearchEnvironment } from './frontend/search.ts';
import { createSearchEventsHandler } from './frontend/search-events.ts';
import { createSearchStream, type SearchStreamOptions } from './frontend/search-stream.ts';
import { defineStreamingQuerier } from './frontend/streaming-service.ts';
import type { TagsEnvironment } from './frontend/tags-query.ts';
import { createTagNamesStream, createTagValuesStream } from './frontend/tags-stream.ts';
import type { Handler } from './server/exchange.ts';
import { createGrpcListener } from './server/grpc.ts';
import type { AnyRequest, AnyResponse } from './server/listen.ts';
import type { Metrics } from './telemetry/metrics.ts';
import type { Tracer } from './telemetry/tracing.ts';

/** What {@link createStreams} needs of the process. */
export interface StreamsOptions extends SearchStreamOptions, TagsEnvironment, MetricsEnvironment {
  readonly environment: SearchEnvironment;
  readonly config: Config;
  readonly metrics: Metrics;
  readonly tracer?: Tracer | undefined;
}

/** Answers that come in parts. */
export interface Streams {
  readonly searchEvents: Handler;
  /** Serves `tempopb.StreamingQuerier`. */
  readonly onGrpc: (request: AnyRequest, response: AnyResponse) => void;
}

/** Partial results of a frontend, over gRPC and as server-sent events. */
export function createStreams(options: StreamsOptions): Streams {
  const { config, environment, metrics, logger } = options;
  const searchEvents = createSearchEventsHandler(createSearchStream(options, 'json'));
  const define = defineStreamingQuerier({
    search: createSearchStream(options, 'protobuf'),
    tagNames: { 1: createTagNamesStream(options, 1), 2: createTagNamesStream(options, 2) },
    tagValues: { 1: createTagValuesStream(options, 1), 2: createTagValuesStream(options, 2) },
    metrics: { range: createMetricsStream(options, 'range'), instant: createMetricsStream(options, 'instant') },
    maxPacketBytes: config.queryFrontend.maxGrpcStreamingPacketBytes,
  });
  return {
    searchEvents,
    onGrpc: createGrpcListener(
      { clock: environment.clock, metrics, logger, tracer: options.tracer, writeTimeoutMs: config.server.writeTimeoutMs },
      define,
    ),
  };
}
