import { CfnOutput, Duration, Stack } from 'aws-cdk-lib';
import { type IVpc, Peer, Port, SecurityGroup, SubnetFilter } from 'aws-cdk-lib/aws-ec2';
import {
  ApplicationListener,
  ApplicationLoadBalancer,
  ApplicationProtocol,
  ApplicationTargetGroup,
  ListenerAction,
  ListenerCertificate,
  ListenerCondition,
  TargetType,
} from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import { LambdaTarget } from 'aws-cdk-lib/aws-elasticloadbalancingv2-targets';
import { ManagedPolicy } from 'aws-cdk-lib/aws-iam';
import { FunctionUrlAuthType, type IFunction } from 'aws-cdk-lib/aws-lambda';
import type { Construct } from 'constructs';
import { acknowledgeRule } from './acknowledge.ts';
import { endpointsYaml } from './endpoints-yaml.ts';
import type { DeployOptions } from './options.ts';
import { callFunctions } from './policies.ts';
import { aliasName, functionNames, type SearchFunctions } from './search-functions.ts';

/** How queriers reach the functions. */
export interface SearchAccess {
  /** For `external_endpoints`. */
  readonly endpoints: readonly string[];
  /** To attach to the role of queriers; undefined behind a load balancer, which asks for no signature. */
  readonly policy: ManagedPolicy | undefined;
}

/** Opens the functions to queriers, and outputs what to write into their configuration and to attach to their role. */
export function grantAccess(scope: Construct, { aliases }: SearchFunctions, options: DeployOptions, vpc: IVpc | undefined): SearchAccess {
  const { access, name } = options;
  if (access === 'alb') return tell(scope, options, { endpoints: createLoadBalancer(scope, aliases, options, vpc!), policy: undefined });
  const endpoints =
    access === 'invoke'
      ? functionNames(options).map((each) => `lambda:${each}:${aliasName}`)
      : aliases.map((alias) => alias.addFunctionUrl({ authType: FunctionUrlAuthType.AWS_IAM }).url);
  const policy = new ManagedPolicy(scope, 'CallPolicy', {
    managedPolicyName: `${name}-call-search-functions-${Stack.of(scope).region}`,
    description: 'Calls the search functions: attach it to the role of queriers',
    statements: [...callFunctions(access, functionArns(scope, options))],
  });
  return tell(scope, options, { endpoints, policy });
}

function functionArns(scope: Construct, options: DeployOptions): readonly string[] {
  const { partition, region, account } = Stack.of(scope);
  return functionNames(options).map((name) => `arn:${partition}:lambda:${region}:${account}:function:${name}:${aliasName}`);
}

function tell(scope: Construct, { access }: DeployOptions, granted: SearchAccess): SearchAccess {
  new CfnOutput(scope, 'QuerierConfiguration', {
    value: endpointsYaml(access, granted.endpoints),
    description: 'For the configuration of queriers',
  });
  if (granted.policy !== undefined)
    new CfnOutput(scope, 'CallPolicyArn', { value: granted.policy.managedPolicyArn, description: 'Attach it to the role of queriers' });
  return granted;
}

/** One path for each function, so that a hedged call can go to another one. The functions take any path. */
function createLoadBalancer(scope: Construct, aliases: SearchFunctions['aliases'], options: DeployOptions, vpc: IVpc): readonly string[] {
  const secure = options.certificateArn !== '';
  const port = secure ? 443 : 80;
  const clients = Peer.ipv4(options.vpc!.clientCidr);
  const securityGroup = new SecurityGroup(scope, 'LoadBalancerSecurityGroup', {
    vpc,
    allowAllOutbound: false,
    description: 'Queriers to search functions',
  });
  securityGroup.addIngressRule(clients, Port.tcp(port), 'Queriers');
  const balancer = new ApplicationLoadBalancer(scope, 'LoadBalancer', {
    vpc,
    vpcSubnets: { subnetFilters: [SubnetFilter.byIds([...options.vpc!.subnetIds])] },
    internetFacing: false,
    securityGroup,
    dropInvalidHeaderFields: true,
    idleTimeout: Duration.seconds(options.timeoutSeconds + 5),
  });
  acknowledgeRule(balancer, 'AwsSolutions-ELB2', 'Internal, and queriers count and log every call.');
  const listener = new ApplicationListener(scope, 'Listener', {
    loadBalancer: balancer,
    port,
    protocol: secure ? ApplicationProtocol.HTTPS : ApplicationProtocol.HTTP,
    ...(secure && { certificates: [ListenerCertificate.fromArn(options.certificateArn)] }),
    open: false,
    defaultAction: ListenerAction.fixedResponse(404, { contentType: 'text/plain', messageBody: 'no function has this path' }),
  });
  return aliases.map((alias, i) => {
    const path = `/search-${i + 1}`;
    const target = new ApplicationTargetGroup(scope, `Target${i + 1}`, {
      targetType: TargetType.LAMBDA,
      targets: [new LambdaTarget(alias as IFunction)],
    });
    listener.addAction(`Path${i + 1}`, {
      priority: i + 1,
      conditions: [ListenerCondition.pathPatterns([path])],
      action: ListenerAction.forward([target]),
    });
    return `${secure ? 'https' : 'http'}://${balancer.loadBalancerDnsName}${path}`;
  });
}
