// The stacks of infra/cdk: what is deployed, who may do what, and that cdk-nag finds nothing that is not explained.
// After a wanted change: node --test --test-update-snapshots test/integration/infra/cdk.test.ts
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { before, describe, test } from 'node:test';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { PolicyStatement, type Role } from 'aws-cdk-lib/aws-iam';
import { parse } from 'yaml';
import { readOptions } from '../../../infra/cdk/options.ts';
import { isAllowed, type Statement } from './iam.ts';
import { type Synthesised, synthesise, vpcContext } from './synthesise.ts';
import { type CloudFormationTemplate, deployment, functionRoles, resolve, resourcesOf, statementsOf } from './template.ts';

const snapshots = join(import.meta.dirname, '../../fixtures/cdk');
const kmsKeyArn = 'arn:aws:kms:eu-west-1:123456789012:key/0123456789ab';
const variants = {
  invoke: { bucket: 'traces' },
  'function-url': {
    bucket: 'traces',
    access: 'function-url',
    functions: 1,
    architecture: 'x86_64',
    provisionedConcurrency: 5,
    reservedConcurrency: 50,
  },
  'alb-and-queriers': {
    bucket: 'traces',
    prefix: 'tempo',
    tenants: 'red,blue',
    kmsKeyArn,
    access: 'alb',
    querierRepository: 'rubato',
    alarmTopicArn: 'arn:aws:sns:eu-west-1:123456789012:pager',
    ...vpcContext,
  },
} as const;

const made = new Map<string, Synthesised>();
before(() => {
  for (const [name, context] of Object.entries(variants)) made.set(name, synthesise(context));
});
const variant = (name: keyof typeof variants): Synthesised => made.get(name)!;
const policyOf = (template: CloudFormationTemplate): readonly Statement[] => statementsOf(template, functionRoles(template)[0]!);
const output = (template: CloudFormationTemplate, name: string) => String(resolve(template.Outputs![name]!.Value));

describe('templates', () => {
  for (const name of Object.keys(variants) as (keyof typeof variants)[])
    test(`${name} is as recorded`, (t) => {
      const { functions, queriers, findings } = variant(name);
      assert.deepEqual(findings, []);
      for (const [stack, template] of Object.entries({ functions, queriers }))
        if (template !== undefined) t.assert.fileSnapshot(template, join(snapshots, `${name}-${stack}.json`));
    });

  test('functions are as small as can be, and called by their alias', () => {
    const template = Template.fromStack(variant('invoke').stacks.functions);
    template.resourceCountIs('AWS::Lambda::Function', 2);
    template.hasResourceProperties('AWS::Lambda::Function', {
      Runtime: 'nodejs24.x',
      Handler: 'lambda.handler',
      Architectures: ['arm64'],
      MemorySize: 1769,
      Timeout: 60,
      PackageType: Match.absent(),
      VpcConfig: Match.absent(),
      Environment: { Variables: Match.objectLike({ TEMPO_BACKEND: 's3', TEMPO_S3_BUCKET: 'traces' }) },
    });
    template.resourceCountIs('AWS::Lambda::Alias', 2);
    template.allResourcesProperties('AWS::Logs::LogGroup', { RetentionInDays: 14 });
    template.resourceCountIs('AWS::Lambda::Url', 0);
    template.resourceCountIs('AWS::Lambda::Permission', 0);
  });

  test('function URLs ask for a signature; concurrency is set where asked for', () => {
    const template = Template.fromStack(variant('function-url').stacks.functions);
    template.allResourcesProperties('AWS::Lambda::Url', { AuthType: 'AWS_IAM' });
    template.hasResourceProperties('AWS::Lambda::Function', { ReservedConcurrentExecutions: 50, Architectures: ['x86_64'] });
    template.hasResourceProperties('AWS::Lambda::Alias', { ProvisionedConcurrencyConfig: { ProvisionedConcurrentExecutions: 5 } });
    // Nobody is let in but those who have the policy.
    for (const [, { Principal }] of resourcesOf(variant('function-url').functions, 'AWS::Lambda::Permission'))
      assert.notEqual(Principal, '*');
  });

  test('the load balancer is internal, open to the given network only, and has a path for each function', () => {
    const template = Template.fromStack(variant('alb-and-queriers').stacks.functions);
    template.hasResourceProperties('AWS::ElasticLoadBalancingV2::LoadBalancer', { Scheme: 'internal', Type: 'application' });
    template.hasResourceProperties('AWS::EC2::SecurityGroup', {
      SecurityGroupIngress: [Match.objectLike({ CidrIp: '10.0.0.0/8', FromPort: 80 })],
    });
    template.resourceCountIs('AWS::ElasticLoadBalancingV2::ListenerRule', 2);
    template.hasResourceProperties('AWS::ElasticLoadBalancingV2::Listener', {
      DefaultActions: [Match.objectLike({ Type: 'fixed-response' })],
    });
    template.hasResourceProperties('AWS::Lambda::Function', { VpcConfig: { SubnetIds: vpcContext.subnetIds!.toString().split(',') } });
  });

  test('alarms watch errors, throttles and tail of each function, and the bill', () => {
    const template = Template.fromStack(variant('alb-and-queriers').stacks.functions);
    template.resourceCountIs('AWS::CloudWatch::Alarm', 2 * 3 + 1);
    template.allResourcesProperties('AWS::CloudWatch::Alarm', { AlarmActions: ['arn:aws:sns:eu-west-1:123456789012:pager'] });
    template.hasResourceProperties('AWS::CloudWatch::Alarm', { AlarmName: 'rubato search functions cost', Threshold: 10 });
    template.resourceCountIs('AWS::CloudWatch::Dashboard', 1);
  });

  test('query-frontends and queriers are services that find each other by name', () => {
    const template = Template.fromStack(variant('alb-and-queriers').stacks.queriers!);
    template.resourceCountIs('AWS::ECS::Service', 2);
    template.hasResourceProperties('AWS::ElasticLoadBalancingV2::LoadBalancer', { Scheme: 'internal', Type: 'network' });
    template.hasResourceProperties('AWS::ServiceDiscovery::Service', { Name: 'frontend' });
    // Servers are asked by the load balancer and by each other, by nobody else.
    const [[, servers]] = resourcesOf(variant('alb-and-queriers').queriers!, 'AWS::EC2::SecurityGroup') as unknown as [
      [string, Record<string, unknown>],
    ];
    assert.equal(servers!.SecurityGroupIngress, undefined);
    template.resourcePropertiesCountIs('AWS::EC2::SecurityGroupIngress', { FromPort: 3200 }, 1);
    template.resourcePropertiesCountIs('AWS::EC2::SecurityGroupIngress', { FromPort: 9095 }, 1);
    const tasks = resourcesOf(variant('alb-and-queriers').queriers!, 'AWS::ECS::TaskDefinition');
    const commands = tasks.map(([, { ContainerDefinitions }]) => (ContainerDefinitions as { Command: string[] }[])[0]!.Command.at(-1));
    assert.deepEqual(commands.sort(), ['-target=querier', '-target=query-frontend']);
  });
});

describe('what the operator pastes', () => {
  test('names functions by alias', () => {
    const yaml = parse(output(variant('invoke').functions, 'QuerierConfiguration')) as unknown;
    const search = {
      prefer_self: 10,
      external_backend: 'aws_lambda',
      external_endpoints: ['lambda:rubato-search-1:live', 'lambda:rubato-search-2:live'],
    };
    assert.deepEqual(yaml, { querier: { search } });
  });

  test('names the paths of a load balancer', () => {
    const { querier } = parse(output(variant('alb-and-queriers').functions, 'QuerierConfiguration')) as {
      querier: { search: Record<string, string[]> };
    };
    assert.equal(querier.search.external_backend, undefined);
    for (const [i, endpoint] of querier.search.external_endpoints!.entries())
      assert.match(endpoint, new RegExp(`^http://<.*DNSName>/search-${i + 1}$`));
  });
});

describe('policies', () => {
  const block = 'tempo/red/6a000000-0000-4000-8000-000000000005';
  const object = (key: string, bucket = 'traces') => `arn:aws:s3:::${bucket}/${key}`;
  const may = (statements: readonly Statement[], action: string, resource: string, context = {}) =>
    isAllowed(statements, { action, resource, context });

  test('a function reads the blocks of the tenants that are named', () => {
    const policy = policyOf(variant('alb-and-queriers').functions);
    assert.ok(may(policy, 's3:GetObject', object(`${block}/data.parquet`)));
    assert.ok(may(policy, 's3:GetObject', object(`${block}/bloom-0`)));
    assert.ok(may(policy, 's3:GetObject', object(`${block.replace('red', 'blue')}/data.parquet`)));
    const others = [
      'tempo/green/x/data.parquet',
      'red/x/data.parquet',
      'tempo/reddish/x/data.parquet',
      `${block}/meta.json`,
      'tempo/red/index.json.gz',
      'other',
    ];
    for (const key of others) assert.ok(!may(policy, 's3:GetObject', object(key)), key);
    assert.ok(!may(policy, 's3:GetObject', object(`${block}/data.parquet`, 'payroll')));
  });

  test('a function reads the blocks of all tenants where none is named', () => {
    const policy = policyOf(variant('invoke').functions);
    assert.ok(may(policy, 's3:GetObject', object('single-tenant/6a000000/data.parquet')));
    assert.ok(!may(policy, 's3:GetObject', object('single-tenant/6a000000/meta.json')));
    assert.ok(!may(policy, 's3:GetObject', object('single-tenant/6a000000/data.parquet', 'traces-2')));
  });

  test('a function may do nothing else', () => {
    const log = `arn:aws:logs:eu-west-1:123456789012:log-group:/aws/lambda/rubato-search-1:log-stream:x`;
    const code = { 'lambda:SourceFunctionArn': 'arn:aws:lambda:eu-west-1:123456789012:function:rubato-search-1' };
    for (const name of Object.keys(variants) as (keyof typeof variants)[]) {
      const policy = policyOf(variant(name).functions);
      const key = object(`${block}/data.parquet`);
      for (const action of ['s3:PutObject', 's3:DeleteObject', 's3:PutObjectAcl', 's3:GetObjectVersion', 's3:RestoreObject'])
        assert.ok(!may(policy, action, key), action);
      const refused = [
        's3:ListBucket',
        's3:ListAllMyBuckets',
        'iam:PassRole',
        'iam:CreateUser',
        'lambda:InvokeFunction',
        'lambda:UpdateFunctionCode',
        'sts:AssumeRole',
        'ec2:RunInstances',
        'kms:Encrypt',
        'secretsmanager:GetSecretValue',
        'logs:DeleteLogGroup',
        'logs:CreateLogGroup',
      ];
      for (const action of refused)
        for (const resource of ['*', object(''), 'arn:aws:s3:::traces', key, log])
          assert.ok(!may(policy, action, resource, code), `${action} on ${resource}`);
      assert.ok(may(policy, 'logs:PutLogEvents', log));
      assert.ok(!may(policy, 'logs:PutLogEvents', log.replace('rubato-search-1', 'payroll')));
    }
  });

  test('the key decrypts through S3 only', () => {
    const policy = policyOf(variant('alb-and-queriers').functions);
    assert.ok(may(policy, 'kms:Decrypt', kmsKeyArn, { 'kms:ViaService': 's3.eu-west-1.amazonaws.com' }));
    assert.ok(!may(policy, 'kms:Decrypt', kmsKeyArn));
    assert.ok(!may(policy, 'kms:Decrypt', kmsKeyArn, { 'kms:ViaService': 'ssm.eu-west-1.amazonaws.com' }));
    assert.ok(!may(policy, 'kms:Decrypt', `${kmsKeyArn}0`, { 'kms:ViaService': 's3.eu-west-1.amazonaws.com' }));
    assert.ok(!may(policyOf(variant('invoke').functions), 'kms:Decrypt', kmsKeyArn, { 'kms:ViaService': 's3.eu-west-1.amazonaws.com' }));
  });

  test('network interfaces are attached by the platform, not by the code', () => {
    const policy = policyOf(variant('alb-and-queriers').functions);
    const code = { 'lambda:SourceFunctionArn': `arn:aws:lambda:${deployment.region}:${deployment.account}:function:rubato-search-1` };
    assert.ok(may(policy, 'ec2:CreateNetworkInterface', '*'));
    assert.ok(!may(policy, 'ec2:CreateNetworkInterface', '*', code));
    assert.ok(!may(policyOf(variant('invoke').functions), 'ec2:CreateNetworkInterface', '*'));
  });

  test('queriers call the alias and nothing else', () => {
    const call = (name: keyof typeof variants) =>
      resourcesOf(variant(name).functions, 'AWS::IAM::ManagedPolicy').flatMap(
        ([, { PolicyDocument }]) => (PolicyDocument as { Statement: readonly Statement[] }).Statement,
      );
    const alias = 'arn:aws:lambda:eu-west-1:123456789012:function:rubato-search-1:live';
    assert.ok(may(call('invoke'), 'lambda:InvokeFunction', alias));
    for (const other of [alias.replace(':live', ''), alias.replace('live', '1'), alias.replace('rubato-search-1', 'payroll')])
      assert.ok(!may(call('invoke'), 'lambda:InvokeFunction', other), other);
    for (const action of ['lambda:InvokeFunctionUrl', 'lambda:UpdateFunctionCode', 'lambda:GetFunction'])
      assert.ok(!may(call('invoke'), action, alias), action);
    const url = call('function-url');
    assert.ok(may(url, 'lambda:InvokeFunctionUrl', alias, { 'lambda:FunctionUrlAuthType': 'AWS_IAM' }));
    assert.ok(!may(url, 'lambda:InvokeFunctionUrl', alias, { 'lambda:FunctionUrlAuthType': 'NONE' }));
    assert.ok(!may(url, 'lambda:InvokeFunction', alias));
    assert.ok(may(url, 'lambda:InvokeFunction', alias, { 'lambda:InvokedViaFunctionUrl': 'true' }));
    assert.deepEqual(call('alb-and-queriers'), []);
  });

  test('queriers read and list the bucket below the prefix', () => {
    const { queriers } = variant('alb-and-queriers');
    const roles = resourcesOf(queriers!, 'AWS::ECS::TaskDefinition').map(
      ([, { TaskRoleArn }]) => /^<(.*)\.Arn>$/.exec(String(TaskRoleArn))![1]!,
    );
    for (const role of roles) {
      const policy = statementsOf(queriers!, role);
      assert.ok(may(policy, 's3:GetObject', object(`${block}/meta.json`)));
      assert.ok(may(policy, 's3:ListBucket', 'arn:aws:s3:::traces', { 's3:prefix': 'tempo/red/' }));
      assert.ok(!may(policy, 's3:ListBucket', 'arn:aws:s3:::traces', { 's3:prefix': 'payroll/' }));
      assert.ok(!may(policy, 's3:GetObject', object('payroll/x')));
      for (const action of ['s3:PutObject', 's3:DeleteObject', 'lambda:UpdateFunctionCode'])
        assert.ok(!may(policy, action, object(`${block}/meta.json`)), action);
    }
  });
});

test('cdk-nag stops what is not explained', () => {
  const widen = () =>
    synthesise(variants.invoke, ({ functions }) => {
      const role = functions.node.findChild('SearchFunctions').node.findChild('Function1Role') as Role;
      role.addToPolicy(new PolicyStatement({ actions: ['s3:GetObject'], resources: ['arn:aws:s3:::*/*'] }));
    });
  assert.throws(widen, /Validation failed/);
});

test('options are checked by name', () => {
  const refused: readonly (readonly [Record<string, unknown>, RegExp])[] = [
    [{}, /bucket must be the name/],
    [{ bucket: 'traces', memory: 1769 }, /unknown context memory; known are bucket/],
    [{ bucket: 'traces', memoryMb: 100 }, /memoryMb must be a whole number from 512 to 10240, not 100/],
    [{ bucket: 'traces', access: 'public' }, /access must be one of invoke, function-url, alb/],
    [{ bucket: 'traces', access: 'alb' }, /access=alb needs a VPC/],
    [{ bucket: 'traces', tenants: '*' }, /tenants: "\*" is no tenant id/],
    [{ bucket: 'traces', logRetentionDays: 15 }, /logRetentionDays must be one of/],
    [{ bucket: 'traces', kmsKeyArn: 'alias/x' }, /ARN of a key/],
    [{ bucket: 'traces', ...vpcContext, subnetIds: '' }, /as many private subnets as zones/],
  ];
  for (const [context, message] of refused) assert.throws(() => readOptions(context), message);
  assert.equal(readOptions({ bucket: 'traces', '@aws-cdk/core:x': true, 'aws:cdk:y': 1 }).functions, 2);
});
