import { Annotations, type App, Stack, Validations } from 'aws-cdk-lib';
import { type IVpc, Vpc } from 'aws-cdk-lib/aws-ec2';
import { AwsSolutionsChecks } from 'cdk-nag';
import type { Construct } from 'constructs';
import { grantAccess, type SearchAccess } from './access.ts';
import type { DeployOptions } from './options.ts';
import { createQueriers } from './queriers.ts';
import { createSearchFunctions } from './search-functions.ts';
import { createAlarms, createDashboard } from './watch.ts';

/** The stacks of an app. */
export interface Stacks {
  readonly functions: Stack;
  readonly queriers: Stack | undefined;
}

/** Creates the stack of the functions and, if asked for, the one of query-frontends and queriers; checked by cdk-nag when they are synthesised. */
export function createStacks(app: App, options: DeployOptions, zipPath: string): Stacks {
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
  const functions = new Stack(app, `${options.name}-functions`, { description: 'Rubato: search functions' });
  const granted = fillFunctions(functions, options, zipPath);
  if (options.queriers === undefined) return { functions, queriers: undefined };
  const queriers = new Stack(app, `${options.name}-queriers`, { description: 'Rubato: query-frontend and queriers' });
  const strong = 'Queriers are useless without their functions: the stack of the functions must not go first.';
  Annotations.of(queriers).acknowledgeWarning('@aws-cdk/core:crossStackReferencesDefaultStrong', strong);
  const vpc = importVpc(queriers, options)!;
  createQueriers(queriers, 'Queriers', { options, vpc, endpoints: granted.endpoints, callPolicy: granted.policy });
  return { functions, queriers };
}

function fillFunctions(stack: Stack, options: DeployOptions, zipPath: string): SearchAccess {
  const vpc = importVpc(stack, options);
  const made = createSearchFunctions(stack, 'SearchFunctions', { options, zipPath, vpc });
  createAlarms(stack, options);
  createDashboard(stack, options);
  return grantAccess(stack, made, options, vpc);
}

/** By its ids, not by a lookup: synthesis asks no account. */
function importVpc(scope: Construct, { vpc }: DeployOptions): IVpc | undefined {
  if (vpc === undefined) return undefined;
  const { vpcId, subnetIds, availabilityZones } = vpc;
  const imported = Vpc.fromVpcAttributes(scope, 'Vpc', {
    vpcId,
    availabilityZones: [...availabilityZones],
    privateSubnetIds: [...subnetIds],
  });
  Annotations.of(imported).acknowledgeWarning('@aws-cdk/aws-ec2:noSubnetRouteTableId', 'Nothing here asks for route tables.');
  return imported;
}
