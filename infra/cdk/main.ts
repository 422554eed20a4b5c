// The CDK app. The CDK's command line runs it as cdk.json says; by hand, and offline:
//
//   npm run cdk:synth -- -c bucket=my-traces [-c key=value …] [--out cdk.out]
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { App } from 'aws-cdk-lib';
import { type Context, readOptions } from './options.ts';
import { createStacks } from './stacks.ts';

const root = join(import.meta.dirname, '../..');
const zipPath = join(root, 'dist/lambda.zip');

function readArguments(): { readonly context: Context; readonly out: string | undefined } {
  const { values } = parseArgs({
    options: { context: { type: 'string', short: 'c', multiple: true, default: [] }, out: { type: 'string', short: 'o' } },
  });
  const pairs = values.context.map((pair) => {
    const mark = pair.indexOf('=');
    if (mark < 1) throw new Error(`-c ${pair}: write it as key=value`);
    return [pair.slice(0, mark), pair.slice(mark + 1)] as const;
  });
  return { context: Object.fromEntries(pairs), out: values.out };
}

function main(): void {
  const { context: fromArguments, out } = readArguments();
  // What the CDK's command line passes on.
  const context = { ...(JSON.parse(process.env.CDK_CONTEXT_JSON ?? '{}') as Context), ...fromArguments };
  if (!existsSync(zipPath)) throw new Error('dist/lambda.zip is missing: run npm run build first');
  const app = new App({
    ...(process.env.CDK_OUTDIR === undefined && { outdir: out ?? join(root, 'cdk.out') }),
    context,
    analyticsReporting: false,
  });
  const { functions, queriers } = createStacks(app, readOptions(context), zipPath);
  const assembly = app.synth();
  for (const stack of [functions, queriers])
    if (stack !== undefined) console.error(`${stack.stackName}: ${join(assembly.directory, stack.templateFile)}`);
}

try {
  main();
} catch (error) {
  console.error(`cdk: ${(error as Error).message}`);
  process.exitCode = 1;
}
