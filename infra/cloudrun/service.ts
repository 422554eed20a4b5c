import { protos } from '@google-cloud/run';
import type { Settings } from './settings.ts';

/** A service of the Admin API. */
export type Service = protos.google.cloud.run.v2.IService;
/** A policy of a resource: who has which role. */
export type Policy = protos.google.iam.v1.IPolicy;

const { IngressTraffic, ExecutionEnvironment } = protos.google.cloud.run.v2;
const ingressTraffic = {
  internal: IngressTraffic.INGRESS_TRAFFIC_INTERNAL_ONLY,
  'internal-and-load-balancer': IngressTraffic.INGRESS_TRAFFIC_INTERNAL_LOAD_BALANCER,
  all: IngressTraffic.INGRESS_TRAFFIC_ALL,
};
const invokerRole = 'roles/run.invoker';
/** Where the container listens: Cloud Run sets PORT to it. */
const port = 8080;

/** Names of the services, without project and region. */
export function serviceNames({ name, services }: Settings): readonly string[] {
  return Array.from({ length: services }, (_, i) => `${name}-${i + 1}`);
}

/** Environment of the function: Tempo's names. */
export function environment({ bucket, prefix, timeoutSeconds }: Settings): Readonly<Record<string, string>> {
  return {
    TEMPO_BACKEND: 'gcs',
    TEMPO_GCS_BUCKET_NAME: bucket,
    ...(prefix !== '' && { TEMPO_GCS_PREFIX: prefix }),
    TEMPO_GCS_HEDGE_REQUESTS_AT: '400ms',
    TEMPO_GCS_HEDGE_REQUESTS_UP_TO: '2',
    // The function stops by itself and says why, before the platform cuts it off.
    RUBATO_JOB_TIMEOUT: `${timeoutSeconds - 1}s`,
  };
}

/** What a service is to be like; the same for all but their names. */
export function serviceOf(settings: Settings): Service {
  return {
    description: 'Rubato: searches row groups of trace blocks',
    labels: { app: 'rubato' },
    ingress: ingressTraffic[settings.ingress],
    template: {
      serviceAccount: settings.serviceAccount,
      timeout: { seconds: settings.timeoutSeconds },
      maxInstanceRequestConcurrency: settings.concurrency,
      // The first generation starts faster, and functions need nothing of the second.
      executionEnvironment: ExecutionEnvironment.EXECUTION_ENVIRONMENT_GEN1,
      scaling: { minInstanceCount: settings.minInstances, maxInstanceCount: settings.maxInstances },
      containers: [
        {
          image: settings.image,
          ports: [{ name: 'http1', containerPort: port }],
          env: Object.entries(environment(settings)).map(([name, value]) => ({ name, value })),
          // CPU only while a call runs: that is what is billed.
          resources: { limits: { cpu: String(settings.cpu), memory: `${settings.memoryMb}Mi` }, cpuIdle: true, startupCpuBoost: true },
          startupProbe: { tcpSocket: { port }, periodSeconds: 1, failureThreshold: 30, timeoutSeconds: 1 },
        },
      ],
    },
  };
}

/** The policy with `invokers` as those who may call, or undefined where it says so already. Other roles stay as they are. */
export function withInvokers(policy: Policy, invokers: readonly string[]): Policy | undefined {
  const bindings = policy.bindings ?? [];
  const now = bindings.filter(({ role }) => role === invokerRole).flatMap(({ members }) => members ?? []);
  if ([...now].sort().join() === [...invokers].sort().join()) return undefined;
  const others = bindings.filter(({ role }) => role !== invokerRole);
  return { ...policy, bindings: invokers.length === 0 ? others : [...others, { role: invokerRole, members: [...invokers] }] };
}
