// Kubernetes manifests, docker-compose, Terraform and the configuration in the image: what can be checked without a cluster, a daemon or a provider.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { parse, parseAllDocuments } from 'yaml';
import { endpointsYaml } from '../../../infra/cdk/endpoints-yaml.ts';
import { readOptions } from '../../../infra/cdk/options.ts';
import { blockArns } from '../../../infra/cdk/policies.ts';
import { functionEnvironment, functionNames } from '../../../infra/cdk/search-functions.ts';
import { parseFlags } from '../../../querier/config/flags.ts';
import { loadConfig } from '../../../querier/config/load.ts';

const infra = join(import.meta.dirname, '../../../infra');
const text = (path: string) => readFileSync(join(infra, path), 'utf8');

/** Loads a configuration as a process does. */
async function load(yaml: string, target: string, environment: Readonly<Record<string, string>> = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'rubato-configuration-'));
  try {
    const path = join(folder, 'rubato.yaml');
    writeFileSync(path, yaml);
    const flags = parseFlags([`-config.file=${path}`, '-config.expand-env=true', `-target=${target}`]);
    const { config, warnings } = await loadConfig(flags, (name) => environment[name]);
    assert.deepEqual(warnings, []);
    return config;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly spec: Record<string, never>;
  readonly data?: Readonly<Record<string, string>>;
}

describe('Kubernetes manifests', () => {
  const manifests = readdirSync(join(infra, 'kubernetes')).flatMap((name) =>
    parseAllDocuments(text(`kubernetes/${name}`)).map((document) => document.toJS() as Manifest),
  );
  const named = (kind: string, name: string): Manifest => {
    const found = manifests.find((each) => each.kind === kind && each.metadata.name === name);
    assert.ok(found !== undefined, `no ${kind} ${name}`);
    return found;
  };
  interface Pod {
    readonly metadata: { readonly labels: Record<string, string> };
    readonly spec: {
      readonly serviceAccountName: string;
      readonly terminationGracePeriodSeconds: number;
      readonly securityContext: { readonly runAsNonRoot: boolean };
      readonly containers: readonly {
        readonly args: readonly string[];
        readonly ports: readonly { readonly name: string; readonly containerPort: number }[];
        readonly resources: { readonly requests: Record<string, string>; readonly limits: Record<string, string> };
        readonly securityContext: Record<string, unknown>;
        readonly volumeMounts: readonly { readonly name: string }[];
      }[];
      readonly volumes: readonly { readonly name: string; readonly configMap: { readonly name: string } }[];
    };
  }
  const podOf = (name: string) => (named('Deployment', name).spec as unknown as { template: Pod }).template;

  test('are in one namespace, each once', () => {
    const keys = manifests.map(({ kind, metadata }) => `${kind} ${metadata.name}`);
    assert.equal(new Set(keys).size, keys.length);
    for (const { kind, metadata } of manifests)
      if (kind !== 'Namespace') assert.equal(metadata.namespace, 'rubato', `${kind} ${metadata.name}`);
  });

  test('select the pods that they mean, by ports that these have', () => {
    for (const { kind, metadata, spec } of manifests.filter(({ kind }) =>
      ['Service', 'PodDisruptionBudget', 'Deployment'].includes(kind),
    )) {
      const selector = (kind === 'Service' ? spec.selector : (spec.selector as { matchLabels: unknown }).matchLabels) as Record<
        string,
        string
      >;
      const component = selector['app.kubernetes.io/component']!;
      assert.deepEqual({ ...podOf(component).metadata.labels, ...selector }, podOf(component).metadata.labels, `${kind} ${metadata.name}`);
      const ports = ((spec as Record<string, unknown>).ports ?? []) as readonly { port: number; targetPort: string }[];
      for (const { port, targetPort } of ports) {
        const found = podOf(component).spec.containers[0]!.ports.find(({ name }) => name === targetPort);
        assert.equal(found?.containerPort, port, `${metadata.name} ${targetPort}`);
      }
    }
  });

  test('run without rights, and end after the servers have', async () => {
    const config = await load(named('ConfigMap', 'rubato').data!['rubato.yaml']!, 'querier');
    for (const name of ['query-frontend', 'querier']) {
      const { spec } = podOf(name);
      const [container] = spec.containers;
      assert.equal(spec.securityContext.runAsNonRoot, true);
      assert.deepEqual(
        [container!.securityContext.readOnlyRootFilesystem, container!.securityContext.allowPrivilegeEscalation],
        [true, false],
      );
      assert.equal(container!.resources.requests.memory, container!.resources.limits.memory, 'memory is not shared out twice');
      assert.equal(container!.args.at(-1), `-target=${name}`);
      assert.equal(spec.volumes[0]!.configMap.name, 'rubato');
      const stopSeconds = (config.shutdownDelayMs + config.server.gracefulShutdownTimeoutMs) / 1000;
      assert.ok(spec.terminationGracePeriodSeconds > stopSeconds, `${spec.terminationGracePeriodSeconds} s`);
    }
  });

  test('queriers find all query-frontends, ready or not', () => {
    const service = named('Service', 'query-frontend-discovery').spec as unknown as {
      clusterIP: string;
      publishNotReadyAddresses: boolean;
    };
    assert.deepEqual([service.clusterIP, service.publishNotReadyAddresses], ['None', true]);
    const { querier } = parse(named('ConfigMap', 'rubato').data!['rubato.yaml']!) as {
      querier: { frontend_worker: { frontend_address: string } };
    };
    assert.equal(querier.frontend_worker.frontend_address, 'query-frontend-discovery.rubato.svc.cluster.local:9095');
  });

  test('scale queriers, within a budget of disruptions', () => {
    const scaler = named('HorizontalPodAutoscaler', 'querier').spec as unknown as { minReplicas: number; scaleTargetRef: { name: string } };
    const { replicas } = named('Deployment', 'querier').spec as unknown as { replicas: number };
    assert.deepEqual([scaler.minReplicas, scaler.scaleTargetRef.name], [replicas, 'querier']);
    for (const name of ['query-frontend', 'querier']) assert.ok(named('PodDisruptionBudget', name));
  });
});

describe('the configuration in the image', () => {
  const yaml = text('docker/rubato.yaml');

  test('loads for each target with what the deployments set', async () => {
    const environment = {
      RUBATO_S3_BUCKET: 'traces',
      RUBATO_S3_ENDPOINT: 's3.eu-west-1.amazonaws.com',
      RUBATO_FRONTEND_ADDRESS: 'frontend.rubato.internal:9095',
    };
    for (const target of ['all', 'query-frontend', 'querier']) await load(yaml, target, environment);
    const lambda = {
      RUBATO_EXTERNAL_BACKEND: 'aws_lambda',
      RUBATO_EXTERNAL_ENDPOINTS: 'lambda:rubato-search-1:live,lambda:rubato-search-2:live',
    };
    const config = await load(yaml, 'querier', { ...environment, ...lambda });
    assert.deepEqual(config.querier.external.endpoints, lambda.RUBATO_EXTERNAL_ENDPOINTS.split(','));
    const cloudRun = {
      RUBATO_EXTERNAL_BACKEND: 'google_cloud_run',
      RUBATO_CLOUD_RUN_ENDPOINTS: 'https://a.run.app',
      RUBATO_BACKEND: 'gcs',
      RUBATO_GCS_BUCKET: 'traces',
    };
    await load(yaml, 'querier', { RUBATO_FRONTEND_ADDRESS: 'x:9095', ...cloudRun });
  });

  test('takes every variable that the deployments set', () => {
    const read = new Set([...yaml.matchAll(/\$\{(RUBATO_\w+)/g)].map(([, name]) => name));
    const compose = [...text('docker/compose.yaml').matchAll(/^ {4}(RUBATO_\w+):/gm)].map(([, name]) => name!);
    const fargate = [...text('cdk/queriers.ts').matchAll(/^ +(RUBATO_\w+):/gm)].map(([, name]) => name!);
    assert.ok(compose.length > 8 && fargate.length > 5);
    for (const name of [...compose, ...fargate]) assert.ok(read.has(name), `${name} is set and not read`);
  });

  test('loads with what docker-compose sets', async () => {
    const { services } = parse(text('docker/compose.yaml'), { merge: true }) as {
      services: Record<string, { environment?: Readonly<Record<string, string>>; command?: readonly string[] }>;
    };
    for (const name of ['query-frontend', 'querier']) {
      const { environment, command } = services[name]!;
      const config = await load(yaml, command!.at(-1)!.replace('-target=', ''), environment);
      assert.equal(config.querier.external.endpoints.length, 2);
    }
  });

  test('takes what the deployment of functions prints', async () => {
    for (const [access, endpoints] of [
      ['invoke', ['lambda:rubato-search-1:live']],
      ['function-url', ['https://abc.lambda-url.eu-west-1.on.aws/']],
      ['alb', ['http://internal-x.eu-west-1.elb.amazonaws.com/search-1']],
    ] as const) {
      const printed = parse(endpointsYaml(access, endpoints)) as object;
      const config = await load(
        JSON.stringify({ ...printed, storage: { trace: { backend: 'local', local: { path: '/blocks' } } } }),
        'all',
      );
      assert.deepEqual(config.querier.external.endpoints, endpoints, access);
    }
  });
});

test('docker-compose mounts and builds what is there', () => {
  const { services } = parse(text('docker/compose.yaml'), { merge: true }) as {
    services: Record<string, { build?: { dockerfile: string }; volumes?: readonly string[]; depends_on?: object }>;
  };
  assert.deepEqual(Object.keys(services).sort(), [
    'blocks',
    'function-1',
    'function-2',
    'grafana',
    'minio',
    'prometheus',
    'querier',
    'query-frontend',
  ]);
  for (const [name, { build, volumes = [] }] of Object.entries(services)) {
    if (build !== undefined) assert.ok(existsSync(join(infra, '..', build.dockerfile)), `${name}: ${build.dockerfile}`);
    for (const volume of volumes.filter((each) => each.startsWith('.')))
      assert.ok(existsSync(join(infra, 'docker', volume.split(':')[0]!)), `${name}: ${volume}`);
  }
});

describe('the Terraform module', () => {
  const main = text('terraform/main.tf');
  const all = main + text('terraform/outputs.tf');
  const variables = [...text('terraform/variables.tf').matchAll(/^variable "(\w+)" \{\n([\s\S]*?)^\}/gm)].map(([, name, body]) => ({
    name: name!,
    default: /^ +default +=\s*(.*)$/m.exec(body!)?.[1],
  }));

  test('uses every variable, and no other', () => {
    const used = new Set([...all.matchAll(/\bvar\.(\w+)/g)].map(([, name]) => name));
    assert.deepEqual([...used].sort(), variables.map(({ name }) => name).sort());
  });

  test('refers to resources and locals that it has', () => {
    const declared = new Set([...main.matchAll(/^(?:resource|data) "(\w+)" "(\w+)"/gm)].map(([, type, name]) => `${type}.${name}`));
    const referred = [...all.matchAll(/(?<![\w."/])(?:data\.)?(aws_\w+\.\w+)/g)].map(([, reference]) => reference!);
    assert.ok(referred.length > 15, `${referred.length}`);
    for (const reference of referred) assert.ok(declared.has(reference), reference);
    const locals = new Set([...main.matchAll(/^ {2}(\w+) += /gm)].map(([, name]) => name));
    for (const [, name] of all.matchAll(/\blocal\.(\w+)/g)) assert.ok(locals.has(name), `local.${name}`);
  });

  test('deploys what the CDK deploys by default', () => {
    const options = readOptions({ bucket: 'traces' });
    const defaults = Object.fromEntries(variables.map(({ name, default: value }) => [name, value]));
    const expected = {
      functions: options.functions,
      memory_mb: options.memoryMb,
      timeout_seconds: options.timeoutSeconds,
      log_retention_days: options.logRetentionDays,
      max_dollars_per_hour: options.maxDollarsPerHour,
      provisioned_concurrency: options.provisionedConcurrency,
    };
    for (const [name, value] of Object.entries(expected)) assert.equal(defaults[name], String(value), name);
    assert.equal(defaults.architecture, `"${options.architecture}"`);
    assert.match(main, /runtime +=\s*"nodejs24\.x"/);
    assert.match(main, /handler +=\s*"lambda\.handler"/);
    for (const name of Object.keys(functionEnvironment({ bucket: { ...options.bucket, prefix: 'x' } }, 'eu-west-1')))
      assert.match(main, new RegExp(`\\b${name} +=`), name);
  });

  test('allows what the CDK allows', () => {
    const actions = [...main.matchAll(/actions +=\s*(\[[^\]]*\])/g)].flatMap(([, list]) => JSON.parse(list!) as string[]);
    assert.deepEqual(actions.sort(), [
      'kms:Decrypt',
      'lambda:InvokeFunction',
      'logs:CreateLogStream',
      'logs:PutLogEvents',
      's3:GetObject',
      'sts:AssumeRole',
    ]);
    for (const object of new Set(blockArns(readOptions({ bucket: 'traces' }).bucket).map((arn) => arn.split('/').at(-1)!)))
      assert.ok(main.includes(`"${object}"`), object);
  });

  test('is formatted and computes the same ARNs, says terraform', (t) => {
    if (spawnSync('terraform', ['version']).error !== undefined) return t.skip('no terraform on this machine');
    const formatted = spawnSync('terraform', ['fmt', '-check', join(infra, 'terraform')], { encoding: 'utf8' });
    assert.equal(formatted.status, 0, formatted.stdout);
    const folder = mkdtempSync(join(tmpdir(), 'rubato-terraform-'));
    t.after(() => rmSync(folder, { recursive: true, force: true }));
    // The module's locals with its data sources filled in: expressions need no provider.
    const locals = /^locals \{\n[\s\S]*?^\}/m
      .exec(main)![0]
      .replaceAll(
        /data\.aws_(\w+)\.current\.\w+/g,
        (_, source: string) => ({ partition: '"aws"', region: '"eu-west-1"', caller_identity: '"123456789012"' })[source]!,
      );
    writeFileSync(join(folder, 'main.tf'), locals);
    writeFileSync(join(folder, 'variables.tf'), text('terraform/variables.tf'));
    const values = ['bucket=traces', 'prefix=/tempo/', 'tenants=["red","blue"]', 'zip_path=x', 'functions=3'].flatMap((value) => [
      '-var',
      value,
    ]);
    const evaluate = (expression: string): unknown => {
      const { stdout, stderr, status } = spawnSync('terraform', ['console', ...values], {
        cwd: folder,
        input: `jsonencode(${expression})\n`,
        encoding: 'utf8',
      });
      assert.equal(status, 0, stderr);
      return JSON.parse(JSON.parse(stdout.trim()) as string);
    };
    const options = readOptions({ bucket: 'traces', prefix: '/tempo/', tenants: 'red,blue', functions: 3 });
    // CDK writes the partition as a token.
    assert.deepEqual(
      evaluate('local.block_arns'),
      blockArns(options.bucket).map((arn) => arn.replace(/^arn:[^:]*:/, 'arn:aws:').replace(/^arn:\$\{[^}]*\}:/, 'arn:aws:')),
    );
    assert.deepEqual(evaluate('local.names'), functionNames(options));
  });
});
