import { parseArgs } from 'node:util';

/** What is deployed to Cloud Run. */
export interface Settings {
  readonly project: string;
  readonly region: string;
  /** Image of the function: infra/cloudrun/Dockerfile, pushed to a registry. */
  readonly image: string;
  readonly bucket: string;
  /** `storage.trace.gcs.prefix`; '' for none. */
  readonly prefix: string;
  /** Stands before the number of each service. */
  readonly name: string;
  /** How many services; a hedged call goes to another one. */
  readonly services: number;
  /** Instances of one service that are kept ready. */
  readonly minInstances: number;
  readonly maxInstances: number;
  /** Calls of one instance at a time. */
  readonly concurrency: number;
  readonly cpu: number;
  readonly memoryMb: number;
  readonly timeoutSeconds: number;
  /** Runs the function; needs to read the bucket and nothing else. */
  readonly serviceAccount: string;
  readonly ingress: 'internal' | 'internal-and-load-balancer' | 'all';
  /** Who may call: `serviceAccount:querier@project.iam.gserviceaccount.com`. */
  readonly invokers: readonly string[];
}

const flags = {
  project: { type: 'string' },
  region: { type: 'string' },
  image: { type: 'string' },
  bucket: { type: 'string' },
  prefix: { type: 'string', default: '' },
  name: { type: 'string', default: 'rubato-search' },
  services: { type: 'string', default: '2' },
  'min-instances': { type: 'string', default: '0' },
  'max-instances': { type: 'string', default: '100' },
  concurrency: { type: 'string', default: '4' },
  cpu: { type: 'string', default: '2' },
  'memory-mb': { type: 'string', default: '1024' },
  'timeout-seconds': { type: 'string', default: '60' },
  'service-account': { type: 'string' },
  ingress: { type: 'string', default: 'internal' },
  invoker: { type: 'string', multiple: true, default: [] as string[] },
  yaml: { type: 'boolean', default: false },
  'api-endpoint': { type: 'string', default: '' },
} as const;

/** What the command line says. */
export interface Command {
  readonly settings: Settings;
  /** Print service.yaml instead of deploying. */
  readonly yaml: boolean;
  /** `host:port` of an Admin API without TLS, for tests; '' for Google's. */
  readonly apiEndpoint: string;
}

/** Reads the command line. Throws an Error that names the flag. */
export function readCommand(args: readonly string[]): Command {
  const { values } = parseArgs({ args: [...args], options: flags });
  const required = (flag: 'project' | 'region' | 'image' | 'bucket' | 'service-account', pattern: RegExp): string => {
    const value = values[flag] ?? '';
    if (!pattern.test(value)) throw new Error(value === '' ? `--${flag} is needed` : `--${flag} ${value} must be like ${pattern}`);
    return value;
  };
  const whole = (
    flag: 'services' | 'min-instances' | 'max-instances' | 'concurrency' | 'cpu' | 'memory-mb' | 'timeout-seconds',
    least: number,
    most: number,
  ): number => {
    const value = Number(values[flag]);
    if (!Number.isInteger(value) || value < least || value > most)
      throw new Error(`--${flag} must be a whole number from ${least} to ${most}, not ${values[flag]}`);
    return value;
  };
  const ingress = (['internal', 'internal-and-load-balancer', 'all'] as const).find((each) => each === values.ingress);
  if (ingress === undefined) throw new Error(`--ingress must be internal, internal-and-load-balancer or all, not ${values.ingress}`);
  const stranger = values.invoker.find((member) => !/^(serviceAccount|user|group|principal|principalSet|domain):\S+$/.test(member));
  if (stranger !== undefined)
    throw new Error(
      `--invoker ${stranger} must be like serviceAccount:NAME@PROJECT.iam.gserviceaccount.com; functions are never open to allUsers`,
    );
  const settings: Settings = {
    project: required('project', /^[a-z][a-z0-9:.-]{4,61}[a-z0-9]$/),
    region: required('region', /^[a-z]+-[a-z]+\d+$/),
    image: required('image', /^\S+\/\S+$/),
    bucket: required('bucket', /^[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]$/),
    prefix: values.prefix,
    name: values.name,
    services: whole('services', 1, 20),
    minInstances: whole('min-instances', 0, 1000),
    maxInstances: whole('max-instances', 1, 1000),
    concurrency: whole('concurrency', 1, 1000),
    cpu: whole('cpu', 1, 8),
    memoryMb: whole('memory-mb', 512, 32_768),
    timeoutSeconds: whole('timeout-seconds', 1, 3600),
    serviceAccount: required('service-account', /^[^@\s]+@[^@\s]+$/),
    ingress,
    invokers: values.invoker,
  };
  if (settings.minInstances > settings.maxInstances) throw new Error('--min-instances must not be above --max-instances');
  return { settings, yaml: values.yaml, apiEndpoint: values['api-endpoint'] };
}
