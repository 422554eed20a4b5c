import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App, type Stack } from 'aws-cdk-lib';
import { type Context, type DeployOptions, readOptions } from '../../../infra/cdk/options.ts';
import { createStacks, type Stacks } from '../../../infra/cdk/stacks.ts';
import type { CloudFormationTemplate } from './template.ts';

/** What a synthesis gives. */
export interface Synthesised {
  readonly options: DeployOptions;
  readonly stacks: Stacks;
  readonly functions: CloudFormationTemplate;
  readonly queriers: CloudFormationTemplate | undefined;
  /** What the plug-ins found, acknowledged findings left out, and warnings of the CDK. */
  readonly findings: readonly unknown[];
}

/** A VPC as context. */
export const vpcContext: Context = {
  vpcId: 'vpc-0123456789abcdef0',
  subnetIds: 'subnet-0123456789abcdef0,subnet-0123456789abcdef1',
  availabilityZones: 'eu-west-1a,eu-west-1b',
};

interface Report {
  readonly pluginReports: readonly { readonly violations: readonly unknown[] }[];
}

/** Synthesises the app for a context, after `change` has had its way with the stacks. Throws where a rule is broken. */
export function synthesise(context: Context, change: (stacks: Stacks) => void = () => {}): Synthesised {
  const folder = mkdtempSync(join(tmpdir(), 'rubato-cdk-'));
  try {
    const zipPath = join(folder, 'lambda.zip');
    // The archive has tests of its own; here it is any file.
    writeFileSync(zipPath, 'archive');
    const app = new App({ outdir: join(folder, 'out'), context, analyticsReporting: false });
    const options = readOptions(context);
    const stacks = createStacks(app, options, zipPath);
    change(stacks);
    const assembly = app.synth();
    const report = JSON.parse(readFileSync(join(assembly.directory, 'validation-report.json'), 'utf8')) as Report;
    const template = (stack: Stack) => assembly.getStackByName(stack.stackName).template as CloudFormationTemplate;
    return {
      options,
      stacks,
      functions: template(stacks.functions),
      queriers: stacks.queriers === undefined ? undefined : template(stacks.queriers),
      findings: [
        ...report.pluginReports.flatMap(({ violations }) => violations),
        ...assembly.stacks.flatMap(({ messages }) => messages.filter(({ level }) => level !== 'info')),
      ],
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
