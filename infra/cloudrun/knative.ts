import type { Service } from './service.ts';
import { environment, serviceNames, serviceOf } from './service.ts';
import type { Settings } from './settings.ts';

const ingressNames: Readonly<Record<string, string>> = { 1: 'all', 2: 'internal', 3: 'internal-and-cloud-load-balancing' };

/** The same service as {@link serviceOf} says, for `gcloud run services replace`: one document per service. */
export function knativeOf(settings: Settings): readonly unknown[] {
  const service = serviceOf(settings);
  return serviceNames(settings).map((name) => knative(name, settings, service));
}

function knative(name: string, settings: Settings, { description, labels, ingress, template }: Service): unknown {
  const [container] = template!.containers!;
  const { limits, cpuIdle, startupCpuBoost } = container!.resources!;
  return {
    apiVersion: 'serving.knative.dev/v1',
    kind: 'Service',
    metadata: {
      name,
      labels,
      annotations: { 'run.googleapis.com/description': description, 'run.googleapis.com/ingress': ingressNames[String(ingress)] },
    },
    spec: {
      template: {
        metadata: {
          annotations: {
            'autoscaling.knative.dev/minScale': String(template!.scaling!.minInstanceCount),
            'autoscaling.knative.dev/maxScale': String(template!.scaling!.maxInstanceCount),
            'run.googleapis.com/cpu-throttling': String(cpuIdle),
            'run.googleapis.com/startup-cpu-boost': String(startupCpuBoost),
            'run.googleapis.com/execution-environment': 'gen1',
          },
        },
        spec: {
          serviceAccountName: template!.serviceAccount,
          containerConcurrency: template!.maxInstanceRequestConcurrency,
          timeoutSeconds: settings.timeoutSeconds,
          containers: [
            {
              image: container!.image,
              ports: container!.ports,
              env: Object.entries(environment(settings)).map(([key, value]) => ({ name: key, value })),
              resources: { limits },
              startupProbe: container!.startupProbe,
            },
          ],
        },
      },
    },
  };
}
