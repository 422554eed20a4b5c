import { Aws } from 'aws-cdk-lib';
import { Effect, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { BucketOptions } from './options.ts';

/** The objects of a block that a function reads: the columns, and the bloom filters before a lookup by trace id. */
const blockObjects = ['data.parquet', 'bloom-*'];

/** ARNs of all that a function reads: `bucket/[prefix/]tenant/block/object`. */
export function blockArns({ bucketName, prefix, tenants }: BucketOptions): readonly string[] {
  const folder = prefix === '' ? bucketName : `${bucketName}/${prefix}`;
  const folders = tenants.length === 0 ? [`${folder}/*`] : tenants.map((tenant) => `${folder}/${tenant}`);
  return folders.flatMap((each) => blockObjects.map((object) => `arn:${Aws.PARTITION}:s3:::${each}/*/${object}`));
}

/**
 * What a function may do in the bucket: read blocks. It is told which block to read, so it lists nothing; of a block that is gone S3 then says 403, not
 * 404.
 */
export function readBlocks(bucket: BucketOptions): readonly PolicyStatement[] {
  const read = new PolicyStatement({ sid: 'ReadBlocks', actions: ['s3:GetObject'], resources: [...blockArns(bucket)] });
  return [read, ...decrypt(bucket)];
}

/** What a querier may do in the bucket: read everything below the prefix, and list tenants and blocks. */
export function readBucket(bucket: BucketOptions): readonly PolicyStatement[] {
  const { bucketName, prefix } = bucket;
  const arn = `arn:${Aws.PARTITION}:s3:::${bucketName}`;
  const below = prefix === '' ? '' : `${prefix}/`;
  const list = new PolicyStatement({ sid: 'ListBlocks', actions: ['s3:ListBucket'], resources: [arn] });
  if (prefix !== '') list.addCondition('StringLike', { 's3:prefix': [`${below}*`] });
  return [
    new PolicyStatement({ sid: 'ReadObjects', actions: ['s3:GetObject'], resources: [`${arn}/${below}*`] }),
    list,
    ...decrypt(bucket),
  ];
}

/** Only through S3, and only where the bucket has a key of its own. */
function decrypt({ kmsKeyArn }: BucketOptions): readonly PolicyStatement[] {
  if (kmsKeyArn === '') return [];
  const conditions = { StringEquals: { 'kms:ViaService': `s3.${Aws.REGION}.amazonaws.com` } };
  return [new PolicyStatement({ sid: 'DecryptBlocks', actions: ['kms:Decrypt'], resources: [kmsKeyArn], conditions })];
}

/** Lambda's service attaches network interfaces in the function's name; the function's code may not. */
export function networkInterfaces(functionArn: string): readonly PolicyStatement[] {
  const actions = ['ec2:CreateNetworkInterface', 'ec2:DescribeNetworkInterfaces', 'ec2:DescribeSubnets', 'ec2:DeleteNetworkInterface'];
  return [
    new PolicyStatement({ sid: 'AttachToVpc', actions, resources: ['*'] }),
    new PolicyStatement({
      sid: 'NotFromCode',
      effect: Effect.DENY,
      actions: ['ec2:*'],
      resources: ['*'],
      conditions: { ArnEquals: { 'lambda:SourceFunctionArn': functionArn } },
    }),
  ];
}

/** What the role of queriers needs to call functions. Since October 2025 function URLs ask for both actions. */
export function callFunctions(access: 'invoke' | 'function-url', functionArns: readonly string[]): readonly PolicyStatement[] {
  const resources = [...functionArns];
  if (access === 'invoke') return [new PolicyStatement({ sid: 'InvokeSearchFunctions', actions: ['lambda:InvokeFunction'], resources })];
  const iam = { StringEquals: { 'lambda:FunctionUrlAuthType': 'AWS_IAM' } };
  const viaUrl = { Bool: { 'lambda:InvokedViaFunctionUrl': 'true' } };
  return [
    new PolicyStatement({ sid: 'CallSearchFunctions', actions: ['lambda:InvokeFunctionUrl'], resources, conditions: iam }),
    new PolicyStatement({ sid: 'InvokeByUrl', actions: ['lambda:InvokeFunction'], resources, conditions: viaUrl }),
  ];
}
