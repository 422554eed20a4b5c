import { CfnOutput, Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { type IVpc, Peer, Port, SecurityGroup, SubnetFilter } from 'aws-cdk-lib/aws-ec2';
import { Repository } from 'aws-cdk-lib/aws-ecr';
import {
  Cluster,
  ContainerImage,
  ContainerInsights,
  CpuArchitecture,
  FargateService,
  FargateTaskDefinition,
  type ICluster,
  LogDrivers,
  OperatingSystemFamily,
} from 'aws-cdk-lib/aws-ecs';
import {
  type INetworkLoadBalancer,
  NetworkListener,
  NetworkLoadBalancer,
  NetworkTargetGroup,
  Protocol,
} from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import type { ManagedPolicy } from 'aws-cdk-lib/aws-iam';
import { LogGroup, type RetentionDays } from 'aws-cdk-lib/aws-logs';
import { DnsRecordType, PrivateDnsNamespace } from 'aws-cdk-lib/aws-servicediscovery';
import { Construct } from 'constructs';
import { acknowledgeRule, acknowledgeWildcards } from './acknowledge.ts';
import type { DeployOptions, QuerierOptions } from './options.ts';
import { readBucket } from './policies.ts';

const httpPort = 3200;
const grpcPort = 9095;
/** Longer than the servers' own graceful_shutdown_timeout of 30 s. */
const stopTimeout = Duration.seconds(60);

/** What {@link createQueriers} needs. */
export interface QueriersProps {
  readonly options: DeployOptions;
  readonly vpc: IVpc;
  /** Of the functions. */
  readonly endpoints: readonly string[];
  readonly callPolicy: ManagedPolicy | undefined;
}

/** Query-frontends behind an internal load balancer, and queriers that take jobs from all of them. */
export function createQueriers(scope: Construct, id: string, props: QueriersProps): Construct {
  const construct = new Construct(scope, id);
  const { options, vpc } = props;
  const querierOptions = options.queriers!;
  const subnets = { subnetFilters: [SubnetFilter.byIds([...options.vpc!.subnetIds])] };
  const cluster = new Cluster(construct, 'Cluster', { vpc, clusterName: options.name, containerInsightsV2: ContainerInsights.ENABLED });
  const namespace = new PrivateDnsNamespace(construct, 'Namespace', { name: `${options.name}.internal`, vpc });
  const logGroup = new LogGroup(construct, 'Logs', {
    logGroupName: `/ecs/${options.name}`,
    retention: options.logRetentionDays as RetentionDays,
    removalPolicy: RemovalPolicy.DESTROY,
  });
  const securityGroup = new SecurityGroup(construct, 'SecurityGroup', { vpc, description: 'Query-frontends and queriers' });
  securityGroup.addIngressRule(securityGroup, Port.tcp(grpcPort), 'Queriers fetch jobs');
  const shared = { cluster: cluster as ICluster, vpcSubnets: subnets, securityGroups: [securityGroup], circuitBreaker: { rollback: true } };

  const frontendTask = createTask(construct, 'Frontend', 'query-frontend', logGroup, props, querierOptions);
  const frontend = new FargateService(construct, 'FrontendService', {
    ...shared,
    taskDefinition: frontendTask,
    desiredCount: querierOptions.frontends,
    minHealthyPercent: 100,
    // The load balancer asks for /ready: the queriers start meanwhile.
    healthCheckGracePeriod: Duration.minutes(5),
    cloudMapOptions: { cloudMapNamespace: namespace, name: 'frontend', dnsRecordType: DnsRecordType.A, dnsTtl: Duration.seconds(10) },
  });
  const querierTask = createTask(construct, 'Querier', 'querier', logGroup, props, querierOptions);
  if (props.callPolicy !== undefined) querierTask.taskRole.addManagedPolicy(props.callPolicy);
  const querier = new FargateService(construct, 'QuerierService', {
    ...shared,
    taskDefinition: querierTask,
    desiredCount: querierOptions.queriers,
    minHealthyPercent: 100,
  });
  // By CPU: a querier that waits for functions has none to spare for nothing.
  const scaling = querier.autoScaleTaskCount({ minCapacity: querierOptions.queriers, maxCapacity: querierOptions.queriers * 4 });
  scaling.scaleOnCpuUtilization('Cpu', {
    targetUtilizationPercent: 60,
    scaleInCooldown: Duration.minutes(5),
    scaleOutCooldown: Duration.seconds(30),
  });
  const url = createLoadBalancer(construct, vpc, options, frontend, securityGroup);
  new CfnOutput(construct, 'Url', { value: url, description: 'For the data source of type Tempo in Grafana' });
  return construct;
}

function createTask(
  scope: Construct,
  id: string,
  target: string,
  logGroup: LogGroup,
  props: QueriersProps,
  querierOptions: QuerierOptions,
): FargateTaskDefinition {
  const { options, endpoints } = props;
  const { repositoryName, tag, cpu, memoryMb } = querierOptions;
  const task = new FargateTaskDefinition(scope, `${id}Task`, {
    family: `${options.name}-${target}`,
    cpu,
    memoryLimitMiB: memoryMb,
    runtimePlatform: {
      cpuArchitecture: options.architecture === 'arm64' ? CpuArchitecture.ARM64 : CpuArchitecture.X86_64,
      operatingSystemFamily: OperatingSystemFamily.LINUX,
    },
  });
  const repository = Repository.fromRepositoryName(scope, `${id}Repository`, repositoryName);
  const region = Stack.of(scope).region;
  // A query-frontend is ready when it has a querier, which finds it only once it is healthy.
  const alive = `http://localhost:${httpPort}${target === 'querier' ? '/ready' : '/api/echo'}`;
  task.addContainer('rubato', {
    image: ContainerImage.fromEcrRepository(repository, tag),
    command: ['-config.file=/etc/rubato/rubato.yaml', '-config.expand-env=true', `-target=${target}`],
    // Read by the configuration that is in the image (infra/docker/rubato.yaml).
    environment: {
      RUBATO_S3_BUCKET: options.bucket.bucketName,
      RUBATO_S3_PREFIX: options.bucket.prefix,
      RUBATO_S3_ENDPOINT: `s3.${region}.amazonaws.com`,
      RUBATO_S3_REGION: region,
      RUBATO_FRONTEND_ADDRESS: `frontend.${options.name}.internal:${grpcPort}`,
      RUBATO_EXTERNAL_BACKEND: options.access === 'alb' ? '' : 'aws_lambda',
      RUBATO_EXTERNAL_ENDPOINTS: endpoints.join(),
    },
    portMappings: [{ containerPort: httpPort }, { containerPort: grpcPort }],
    healthCheck: {
      command: ['CMD', '/nodejs/bin/node', '/app/rubato.mjs', '-health=true', `-health.url=${alive}`],
      startPeriod: Duration.seconds(60),
    },
    logging: LogDrivers.awsLogs({ logGroup, streamPrefix: target }),
    readonlyRootFilesystem: true,
    stopTimeout,
  });
  const statements = readBucket(options.bucket);
  for (const statement of statements) task.addToTaskRolePolicy(statement);
  acknowledgeRule(task, 'AwsSolutions-ECS2', 'Names and addresses, no secrets: credentials come from the task role.');
  acknowledgeWildcards(task, [
    { resources: statements.flatMap(({ resources }) => resources), reason: 'Blocks come and go all the time. The action only reads.' },
    {
      resources: ['*'],
      reason: 'ecr:GetAuthorizationToken has no resource; the other actions of the execution role name their repository and log group.',
    },
  ]);
  return task;
}

/** By TCP: Grafana speaks HTTP/1.1 and gRPC without TLS on one port, which load balancers for HTTP do not pass on. */
function createLoadBalancer(scope: Construct, vpc: IVpc, options: DeployOptions, frontend: FargateService, servers: SecurityGroup): string {
  const securityGroup = new SecurityGroup(scope, 'LoadBalancerSecurityGroup', { vpc, description: 'Grafana to query-frontends' });
  securityGroup.addIngressRule(Peer.ipv4(options.vpc!.clientCidr), Port.tcp(httpPort), 'Grafana');
  servers.addIngressRule(securityGroup, Port.tcp(httpPort), 'Load balancer');
  const balancer = new NetworkLoadBalancer(scope, 'LoadBalancer', {
    vpc,
    vpcSubnets: { subnetFilters: [SubnetFilter.byIds([...options.vpc!.subnetIds])] },
    internetFacing: false,
    crossZoneEnabled: true,
    securityGroups: [securityGroup],
  });
  acknowledgeRule(balancer, 'AwsSolutions-ELB2', 'Internal, and query-frontends log every query with its tenant.');
  const target = new NetworkTargetGroup(scope, 'Target', {
    vpc,
    port: httpPort,
    protocol: Protocol.TCP,
    targets: [frontend],
    deregistrationDelay: Duration.seconds(30),
    healthCheck: { protocol: Protocol.HTTP, path: '/ready', interval: Duration.seconds(10) },
  });
  new NetworkListener(scope, 'Listener', { loadBalancer: balancer as INetworkLoadBalancer, port: httpPort, defaultTargetGroups: [target] });
  return `http://${balancer.loadBalancerDnsName}:${httpPort}`;
}
