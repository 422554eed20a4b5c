import { ServicesClient } from '@google-cloud/run';
import { credentials, status } from '@grpc/grpc-js';
import type { Service } from './service.ts';
import { serviceNames, serviceOf, withInvokers } from './service.ts';
import type { Settings } from './settings.ts';

/** Longest time for one service to become ready. */
const readyTimeoutMs = 10 * 60_000;

/** Opens the Admin API: Google's with application default credentials, or one at `host:port` without TLS. */
export function openAdmin(apiEndpoint: string): ServicesClient {
  if (apiEndpoint === '') return new ServicesClient();
  const [host, port] = apiEndpoint.split(':');
  return new ServicesClient({ apiEndpoint: host!, port: Number(port), sslCreds: credentials.createInsecure() });
}

/** Creates or updates all services, one after the other, lets the invokers in, and gives their addresses. Tells each step. Throws what the API says. */
export async function deploy(admin: ServicesClient, settings: Settings, tell: (line: string) => void): Promise<readonly string[]> {
  const addresses: string[] = [];
  for (const id of serviceNames(settings)) {
    const service = await apply(admin, settings, id, tell);
    await letIn(admin, service.name!, settings, tell);
    tell(`${id}: ready at ${service.uri}`);
    addresses.push(service.uri!);
  }
  return addresses;
}

async function apply(admin: ServicesClient, settings: Settings, id: string, tell: (line: string) => void): Promise<Service> {
  const name = admin.servicePath(settings.project, settings.region, id);
  const wanted = serviceOf(settings);
  const found = await find(admin, name);
  tell(`${id}: ${found === undefined ? 'creating' : 'updating'}`);
  const [operation] =
    found === undefined
      ? await admin.createService({ parent: admin.locationPath(settings.project, settings.region), serviceId: id, service: wanted })
      : await admin.updateService({ service: { ...wanted, name } });
  operation.on('progress', (metadata: Service) => tell(`${id}: ${conditionOf(metadata) ?? 'in progress'}`));
  const [ready] = (await within(readyTimeoutMs, `${id} is not ready`, operation.promise())) as unknown as readonly [Service];
  const { state, message } = ready.terminalCondition ?? {};
  if (state !== 'CONDITION_SUCCEEDED' && state !== 4) throw new Error(`${id} did not become ready: ${message || 'no reason was given'}`);
  tell(`${id}: revision ${ready.latestReadyRevision?.split('/').at(-1)}`);
  return ready;
}

async function find(admin: ServicesClient, name: string): Promise<Service | undefined> {
  try {
    return (await admin.getService({ name }))[0];
  } catch (error) {
    if ((error as { code?: number }).code === status.NOT_FOUND) return undefined;
    throw error;
  }
}

async function letIn(admin: ServicesClient, resource: string, { invokers }: Settings, tell: (line: string) => void): Promise<void> {
  const [policy] = await admin.getIamPolicy({ resource });
  const changed = withInvokers(policy, invokers);
  if (changed === undefined) return;
  await admin.setIamPolicy({ resource, policy: changed });
  tell(`${resource.split('/').at(-1)}: ${invokers.length === 0 ? 'nobody' : invokers.join(', ')} may call it`);
}

function conditionOf({ terminalCondition }: Service): string | undefined {
  return terminalCondition?.message || undefined;
}

async function within<Value>(ms: number, what: string, promise: Promise<Value>): Promise<Value> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} after ${ms / 60_000} minutes; see its revisions in the console`)), ms);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}
