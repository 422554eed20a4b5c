import { Stack, Validations } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';

/** A finding of cdk-nag that is meant: the wildcard it is about, and why it has to be there. */
export interface MeantWildcard {
  /** As in the policy: an ARN, tokens included, or an action. */
  readonly resources: readonly string[];
  readonly reason: string;
}

/** Acknowledges wildcards of IAM statements one by one: a wildcard that is new stays a finding. */
export function acknowledgeWildcards(scope: IConstruct, meant: readonly MeantWildcard[]): void {
  const found = meant.flatMap(({ resources, reason }) =>
    resources
      .filter((resource) => resource.includes('*'))
      .map((resource) => ({ id: `AwsSolutions-IAM5[Resource::${spelled(Stack.of(scope).resolve(resource))}]`, reason })),
  );
  Validations.of(scope).acknowledge(...found);
}

/** Acknowledges a finding of another rule. */
export function acknowledgeRule(scope: IConstruct, id: string, reason: string): void {
  Validations.of(scope).acknowledge({ id, reason });
}

/** An ARN as cdk-nag writes it: `<AWS::Region>` for a reference, `<Id.Arn>` for an attribute. */
function spelled(value: unknown): string {
  if (typeof value !== 'object' || value === null) return String(value);
  const { Ref, 'Fn::GetAtt': attribute, 'Fn::Join': join } = value as Record<string, unknown>;
  if (typeof Ref === 'string') return `<${Ref}>`;
  if (Array.isArray(attribute)) return `<${attribute.join('.')}>`;
  const [separator, parts] = join as [string, readonly unknown[]];
  return parts.map(spelled).join(separator);
}
