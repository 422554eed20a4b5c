import { protos } from '@google-cloud/run';
import { type handleUnaryCall, Server, ServerCredentials, type ServiceDefinition, status } from '@grpc/grpc-js';

const { run, longrunning, iam, protobuf } = {
  run: protos.google.cloud.run.v2,
  longrunning: protos.google.longrunning,
  iam: protos.google.iam.v1,
  protobuf: protos.google.protobuf,
};

type Service = protos.google.cloud.run.v2.IService;
type Operation = protos.google.longrunning.IOperation;

/** A local Admin API of Cloud Run over gRPC: Services, Operations and the IAM methods, made from the messages of the client's own package. */
export interface AdminApi {
  /** `host:port`. */
  readonly endpoint: string;
  readonly services: Map<string, Service>;
  readonly policies: Map<string, protos.google.iam.v1.IPolicy>;
  /** Methods called, in order. */
  readonly calls: string[];
  /** Services whose revisions never become ready, with the reason. */
  readonly broken: Map<string, string>;
  readonly close: () => void;
}

interface Message<Value> {
  readonly decode: (bytes: Uint8Array) => Value;
  readonly encode: (value: never) => { finish(): Uint8Array };
}

/** Polls of an operation before it is done. */
const polls = 2;

interface Fault {
  readonly code: number;
  readonly details: string;
}

/** Starts it on a free port. */
export async function startAdminApi(): Promise<AdminApi> {
  const state = createState();
  const methods = { ...serviceMethods(state), ...otherMethods(state) };
  const server = new Server();
  const handlers = Object.entries(methods).map(([path, method]) => [path, unary(path, method, state.calls)] as const);
  server.addService(definition(methods), Object.fromEntries(handlers));
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    ),
  );
  return { ...state, endpoint: `127.0.0.1:${port}`, close: () => server.forceShutdown() };
}

interface Method {
  readonly request: Message<unknown>;
  readonly response: Message<unknown>;
  /** Gives the answer, or throws a {@link Fault}. */
  readonly answer: (request: never) => unknown;
}

interface State {
  readonly services: Map<string, Service>;
  readonly policies: Map<string, protos.google.iam.v1.IPolicy>;
  readonly broken: Map<string, string>;
  readonly operations: Map<string, { left: number; readonly service: Service }>;
  readonly calls: string[];
}

function createState(): State {
  return { services: new Map(), policies: new Map(), broken: new Map(), operations: new Map(), calls: [] };
}

function fail(code: number, details: string): never {
  throw { code, details } satisfies Fault;
}

function find({ services }: State, name: string | null | undefined): Service {
  return services.get(name ?? '') ?? fail(status.NOT_FOUND, `Resource '${name}' was not found`);
}

function start({ operations }: State, service: Service): Operation {
  const name = `${service.name}/operations/${operations.size + 1}`;
  operations.set(name, { left: polls, service });
  return { name, done: false, metadata: packed(service) };
}

function revise({ services, broken }: State, service: Service, name: string, generation: number): Service {
  check(service);
  const id = name.split('/').at(-1)!;
  const reason = broken.get(id);
  const latestReadyRevision = `${name}/revisions/${id}-0000${generation}-abc`;
  const terminalCondition = { type: 'Ready', ...(reason === undefined ? { state: 4, message: '' } : { state: 3, message: reason }) };
  const made = { ...service, name, generation, uri: `https://${id}-abc-ew.a.run.app`, terminalCondition, latestReadyRevision };
  services.set(name, made);
  return made;
}

const service = run.Service as never;
const operation = longrunning.Operation as never;
const policy = iam.Policy as never;

function serviceMethods(state: State): Readonly<Record<string, Method>> {
  return {
    '/google.cloud.run.v2.Services/GetService': {
      request: run.GetServiceRequest,
      response: service,
      answer: ({ name }: { name: string }) => find(state, name),
    },
    '/google.cloud.run.v2.Services/CreateService': {
      request: run.CreateServiceRequest,
      response: operation,
      answer: ({ parent, serviceId, service: wanted }: protos.google.cloud.run.v2.ICreateServiceRequest) => {
        const name = `${parent}/services/${serviceId}`;
        if (state.services.has(name)) fail(status.ALREADY_EXISTS, `Resource '${name}' already exists`);
        if (wanted?.name) fail(status.INVALID_ARGUMENT, 'service.name must be empty');
        return start(state, revise(state, wanted!, name, 1));
      },
    },
    '/google.cloud.run.v2.Services/UpdateService': {
      request: run.UpdateServiceRequest,
      response: operation,
      answer: ({ service: wanted }: protos.google.cloud.run.v2.IUpdateServiceRequest) => {
        const { name, generation } = find(state, wanted!.name);
        return start(state, revise(state, wanted!, name!, Number(generation) + 1));
      },
    },
  };
}

function otherMethods(state: State): Readonly<Record<string, Method>> {
  return {
    '/google.longrunning.Operations/GetOperation': {
      request: longrunning.GetOperationRequest,
      response: operation,
      answer: ({ name }: { name: string }): Operation => {
        const running = state.operations.get(name) ?? fail(status.NOT_FOUND, `no operation ${name}`);
        running.left--;
        const metadata = { ...running.service, terminalCondition: { state: 2, message: 'Deploying revision' } };
        if (running.left > 0) return { name, done: false, metadata: packed(metadata) };
        return { name, done: true, metadata: packed(running.service), response: packed(running.service) };
      },
    },
    '/google.cloud.run.v2.Services/GetIamPolicy': {
      request: iam.GetIamPolicyRequest,
      response: policy,
      answer: ({ resource }: { resource: string }) => state.policies.get(find(state, resource).name!) ?? {},
    },
    '/google.cloud.run.v2.Services/SetIamPolicy': {
      request: iam.SetIamPolicyRequest,
      response: policy,
      answer: ({ resource, policy: wanted }: protos.google.iam.v1.ISetIamPolicyRequest) => {
        state.policies.set(find(state, resource).name!, wanted!);
        return wanted;
      },
    },
  };
}

/** What the real API refuses. */
function check({ template }: Service): unknown {
  const [container, ...others] = template?.containers ?? [];
  if (container === undefined || others.length > 0) return fail(status.INVALID_ARGUMENT, 'one container is needed');
  if (!container.image) return fail(status.INVALID_ARGUMENT, 'template.containers[0].image: Missing required field');
  if (container.env?.some(({ name }) => name === 'PORT'))
    return fail(status.INVALID_ARGUMENT, 'The following reserved env names were provided: PORT');
  const { cpu, memory } = container.resources?.limits ?? {};
  if (Number(cpu) > 6 && Number.parseInt(memory ?? '0', 10) < 4096)
    return fail(status.INVALID_ARGUMENT, 'Total memory < 4 Gi is not supported with cpu > 6');
  return undefined;
}

function packed(service: Service): protos.google.protobuf.IAny {
  return protobuf.Any.create({ type_url: 'type.googleapis.com/google.cloud.run.v2.Service', value: run.Service.encode(service).finish() });
}

function definition(methods: Readonly<Record<string, Method>>): ServiceDefinition {
  const entries = Object.entries(methods).map(([path, { request, response }]) => [
    path,
    {
      path,
      requestStream: false,
      responseStream: false,
      requestSerialize: (value: never) => Buffer.from(request.encode(value).finish()),
      requestDeserialize: (bytes: Buffer) => request.decode(bytes),
      responseSerialize: (value: never) => Buffer.from(response.encode(value).finish()),
      responseDeserialize: (bytes: Buffer) => response.decode(bytes),
    },
  ]);
  return Object.fromEntries(entries) as ServiceDefinition;
}

function unary(path: string, { answer }: Method, calls: string[]): handleUnaryCall<unknown, unknown> {
  return ({ request }, callback) => {
    calls.push(path.split('/').at(-1)!);
    try {
      callback(null, answer(request as never));
    } catch (thrown) {
      const { code = status.INTERNAL, details = String(thrown) } = thrown as Partial<Fault>;
      callback({ code, details });
    }
  };
}
