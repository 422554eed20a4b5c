import type { Statement } from './iam.ts';

/** A synthesised template. */
export interface CloudFormationTemplate {
  readonly Resources: Readonly<Record<string, Resource>>;
  readonly Outputs?: Readonly<Record<string, { readonly Value: unknown }>>;
}

interface Resource {
  readonly Type: string;
  readonly Properties: Readonly<Record<string, unknown>>;
}

/** What CloudFormation would put in for pseudo parameters. */
export const deployment = { region: 'eu-west-1', account: '123456789012', partition: 'aws' };

const pseudo: Readonly<Record<string, string>> = {
  'AWS::Region': deployment.region,
  'AWS::AccountId': deployment.account,
  'AWS::Partition': deployment.partition,
  'AWS::URLSuffix': 'amazonaws.com',
};

/** Puts in what CloudFormation would: joins, pseudo parameters; other references become `<Id>` and `<Id.Attribute>`. */
export function resolve(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(resolve);
  if (typeof value !== 'object' || value === null) return value;
  const { Ref, 'Fn::Join': join, 'Fn::GetAtt': attribute } = value as Record<string, unknown>;
  if (typeof Ref === 'string') return pseudo[Ref] ?? `<${Ref}>`;
  if (Array.isArray(attribute)) return `<${attribute.join('.')}>`;
  if (Array.isArray(join)) return (resolve(join[1]) as readonly unknown[]).join(String(join[0]));
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, resolve(each)]));
}

/** The resources of a type, resolved. */
export function resourcesOf(template: CloudFormationTemplate, type: string): readonly (readonly [string, Record<string, unknown>])[] {
  return Object.entries(template.Resources)
    .filter(([, resource]) => resource.Type === type)
    .map(([id, { Properties }]) => [id, resolve(Properties) as Record<string, unknown>] as const);
}

/** All statements that are attached to a role, in policies of their own and inline. */
export function statementsOf(template: CloudFormationTemplate, roleId: string): readonly Statement[] {
  const attached = resourcesOf(template, 'AWS::IAM::Policy').filter(([, { Roles }]) =>
    (Roles as readonly string[]).includes(`<${roleId}>`),
  );
  const inline = resourcesOf(template, 'AWS::IAM::Role').filter(([id]) => id === roleId);
  const documents = [
    ...attached.map(([, { PolicyDocument }]) => PolicyDocument),
    ...inline.flatMap(([, { Policies = [] }]) =>
      (Policies as readonly { PolicyDocument: unknown }[]).map(({ PolicyDocument }) => PolicyDocument),
    ),
  ];
  return documents.flatMap((document) => (document as { readonly Statement: readonly Statement[] }).Statement);
}

/** Ids of the roles of all Lambda functions. */
export function functionRoles(template: CloudFormationTemplate): readonly string[] {
  return resourcesOf(template, 'AWS::Lambda::Function').map(([, { Role }]) => /^<(.*)\.Arn>$/.exec(String(Role))![1]!);
}
