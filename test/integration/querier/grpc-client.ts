import type { TestContext } from 'node:test';
import { type DescMessage, fromBinary, type MessageShape, toBinary } from '@bufbuild/protobuf';
import {
  type CallOptions,
  Client,
  type ClientOptions,
  type ClientReadableStream,
  credentials,
  Metadata,
  type ServiceError,
} from '@grpc/grpc-js';

/** A server-streaming method as generated code describes it. */
export interface StreamingMethod<Input extends DescMessage, Output extends DescMessage> {
  readonly parent: { readonly typeName: string };
  readonly name: string;
  readonly input: Input;
  readonly output: Output;
}

/** All that a stream gave: messages, their sizes on the wire, and how it ended. */
export interface StreamEnd<Output extends DescMessage> {
  readonly messages: readonly MessageShape<Output>[];
  readonly sizes: readonly number[];
  /** Undefined where the status is OK. */
  readonly error: ServiceError | undefined;
}

/** A gRPC client with prior knowledge of HTTP/2, without TLS. */
export interface GrpcClient {
  /** Starts a call; its data are bytes. */
  readonly start: <Input extends DescMessage, Output extends DescMessage>(
    method: StreamingMethod<Input, Output>,
    request: MessageShape<Input>,
    tenant?: string,
    options?: CallOptions,
  ) => ClientReadableStream<Buffer>;
  /** Makes a call and reads it to its end. */
  readonly call: <Input extends DescMessage, Output extends DescMessage>(
    method: StreamingMethod<Input, Output>,
    request: MessageShape<Input>,
    tenant?: string,
    options?: CallOptions,
  ) => Promise<StreamEnd<Output>>;
}

/** Connects to a port of this machine; the connection ends with the test. */
export function grpcClient(t: TestContext, port: number, options: ClientOptions = {}): GrpcClient {
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure(), options);
  t.after(() => client.close());
  const start: GrpcClient['start'] = (method, request, tenant, callOptions = {}) => {
    const metadata = new Metadata();
    if (tenant !== undefined) metadata.set('x-scope-orgid', tenant);
    const path = `/${method.parent.typeName}/${method.name}`;
    const serialize = (message: typeof request) => Buffer.from(toBinary(method.input, message));
    return client.makeServerStreamRequest(path, serialize, (bytes) => bytes, request, metadata, callOptions);
  };
  return {
    start,
    call: (method, request, tenant, options) =>
      new Promise((resolve) => {
        const stream = start(method, request, tenant, options);
        const received: Buffer[] = [];
        const end = (error: ServiceError | undefined) =>
          resolve({
            messages: received.map((bytes) => fromBinary(method.output, bytes)),
            sizes: received.map(({ length }) => length),
            error,
          });
        stream.on('data', (bytes: Buffer) => received.push(bytes));
        stream.on('error', (error: ServiceError) => end(error));
        stream.on('end', () => end(undefined));
      }),
  };
}
