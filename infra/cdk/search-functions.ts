import { Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { type IVpc, Peer, Port, SecurityGroup, SubnetFilter } from 'aws-cdk-lib/aws-ec2';
import { PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Alias, Architecture, Code, type IVersion, Function as LambdaFunction, Runtime } from 'aws-cdk-lib/aws-lambda';
import { LogGroup, type RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { acknowledgeWildcards } from './acknowledge.ts';
import type { DeployOptions } from './options.ts';
import { blockArns, networkInterfaces, readBlocks } from './policies.ts';

/** What {@link createSearchFunctions} needs besides the options. */
export interface SearchFunctionsProps {
  readonly options: DeployOptions;
  /** The archive that `npm run build` makes. */
  readonly zipPath: string;
  /** Where the functions are attached; undefined: outside of any VPC. */
  readonly vpc: IVpc | undefined;
}

/** The functions that queriers may call. */
export interface SearchFunctions {
  readonly construct: Construct;
  /** Called by their alias: a deployment moves it once the new version can be called. */
  readonly aliases: readonly Alias[];
  readonly functions: readonly LambdaFunction[];
  readonly roles: readonly Role[];
}

/** The alias that queriers call. */
export const aliasName = 'live';

/** Names of the functions: known before anything is deployed, so that configurations can be written down. */
export function functionNames({ name, functions }: Pick<DeployOptions, 'name' | 'functions'>): readonly string[] {
  return Array.from({ length: functions }, (_, i) => `${name}-search-${i + 1}`);
}

/** Creates the construct `SearchFunctions`: functions with a role, a log group and an alias each. */
export function createSearchFunctions(scope: Construct, id: string, props: SearchFunctionsProps): SearchFunctions {
  const construct = new Construct(scope, id);
  const securityGroup = props.vpc === undefined ? undefined : createSecurityGroup(construct, props.vpc);
  const made = functionNames(props.options).map((name, i) => createFunction(construct, `Function${i + 1}`, name, props, securityGroup));
  return {
    construct,
    functions: made.map(({ fn }) => fn),
    roles: made.map(({ role }) => role),
    aliases: made.map(({ alias }) => alias),
  };
}

/** Nothing comes in: Lambda does not call functions over the VPC. Out: S3, by HTTPS. */
function createSecurityGroup(scope: Construct, vpc: IVpc): SecurityGroup {
  const group = new SecurityGroup(scope, 'SecurityGroup', { vpc, allowAllOutbound: false, description: 'Search functions: HTTPS to S3' });
  group.addEgressRule(Peer.anyIpv4(), Port.tcp(443), 'S3');
  return group;
}

function createFunction(scope: Construct, id: string, name: string, props: SearchFunctionsProps, securityGroup: SecurityGroup | undefined) {
  const { options, zipPath, vpc } = props;
  const { memoryMb, timeoutSeconds, reservedConcurrency, provisionedConcurrency } = options;
  const logGroup = new LogGroup(scope, `${id}Logs`, {
    logGroupName: `/aws/lambda/${name}`,
    retention: options.logRetentionDays as RetentionDays,
    removalPolicy: RemovalPolicy.DESTROY,
  });
  const role = createRole(scope, `${id}Role`, name, logGroup, options);
  if (vpc !== undefined) allowVpc(role, name);
  const fn = new LambdaFunction(scope, id, {
    functionName: name,
    description: 'Rubato: searches row groups of trace blocks',
    runtime: Runtime.NODEJS_24_X,
    architecture: options.architecture === 'arm64' ? Architecture.ARM_64 : Architecture.X86_64,
    handler: 'lambda.handler',
    code: Code.fromAsset(zipPath),
    memorySize: memoryMb,
    timeout: Duration.seconds(timeoutSeconds),
    environment: functionEnvironment(options, Stack.of(scope).region),
    role: role.withoutPolicyUpdates(),
    logGroup,
    ...(reservedConcurrency > 0 && { reservedConcurrentExecutions: reservedConcurrency }),
    ...(vpc !== undefined &&
      securityGroup !== undefined && {
        vpc,
        vpcSubnets: { subnetFilters: [SubnetFilter.byIds([...(options.vpc?.subnetIds ?? [])])] },
        securityGroups: [securityGroup],
      }),
  });
  // A function that is attached before its role may attach it fails to be created.
  fn.node.addDependency(role);
  const alias = new Alias(scope, `${id}Live`, {
    aliasName,
    version: fn.currentVersion as IVersion,
    ...(provisionedConcurrency > 0 && { provisionedConcurrentExecutions: provisionedConcurrency }),
  });
  return { fn, role, alias };
}

/** What the function reads from its environment: Tempo's names (spec of tempo-serverless). */
export function functionEnvironment({ bucket }: Pick<DeployOptions, 'bucket'>, region: string): Record<string, string> {
  return {
    TEMPO_BACKEND: 's3',
    TEMPO_S3_BUCKET: bucket.bucketName,
    ...(bucket.prefix !== '' && { TEMPO_S3_PREFIX: bucket.prefix }),
    TEMPO_S3_ENDPOINT: `s3.${region}.amazonaws.com`,
    TEMPO_S3_REGION: region,
    TEMPO_S3_HEDGE_REQUESTS_AT: '400ms',
    TEMPO_S3_HEDGE_REQUESTS_UP_TO: '2',
  };
}

function createRole(scope: Construct, id: string, name: string, logGroup: LogGroup, { bucket }: DeployOptions): Role {
  const role = new Role(scope, id, { assumedBy: new ServicePrincipal('lambda.amazonaws.com'), description: `What ${name} may do` });
  for (const statement of readBlocks(bucket)) role.addToPolicy(statement);
  const streams = `arn:${Stack.of(scope).partition}:logs:${Stack.of(scope).region}:${Stack.of(scope).account}:log-group:/aws/lambda/${name}:*`;
  role.addToPolicy(new PolicyStatement({ sid: 'WriteLogs', actions: ['logs:CreateLogStream', 'logs:PutLogEvents'], resources: [streams] }));
  role.node.addDependency(logGroup);
  acknowledgeWildcards(role, [
    {
      resources: blockArns(bucket),
      reason: 'Blocks come and go all the time: block ids, and tenants where none are named, are wildcards. The action only reads.',
    },
    { resources: [streams], reason: 'Lambda names the log streams; the group is the one of this function.' },
  ]);
  return role;
}

function allowVpc(role: Role, name: string): void {
  const { partition, region, account } = Stack.of(role);
  const functionArn = `arn:${partition}:lambda:${region}:${account}:function:${name}`;
  for (const statement of networkInterfaces(functionArn)) role.addToPolicy(statement);
  const reason = 'EC2 has no ARNs for these actions. Only the service of Lambda may use them: NotFromCode denies them to the code.';
  acknowledgeWildcards(role, [{ resources: ['*'], reason }]);
}
