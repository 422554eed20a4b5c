/** A statement of a policy, as CloudFormation writes it once references are resolved. */
export interface Statement {
  readonly Effect: 'Allow' | 'Deny';
  readonly Action: string | readonly string[];
  readonly Resource: string | readonly string[];
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, string | readonly string[]>>>>;
}

/** What somebody wants to do. */
export interface AccessRequest {
  /** `service:Operation`. */
  readonly action: string;
  /** ARN. */
  readonly resource: string;
  /** Condition keys of the request. */
  readonly context?: Readonly<Record<string, string>>;
}

/** What IAM would say: denied unless a statement allows it, and denied if any statement denies it. Throws for what it cannot judge. */
export function isAllowed(statements: readonly Statement[], request: AccessRequest): boolean {
  const fits = statements.filter((statement) => applies(statement, request));
  return fits.some(({ Effect }) => Effect === 'Allow') && !fits.some(({ Effect }) => Effect === 'Deny');
}

function applies(statement: Statement, { action, resource, context = {} }: AccessRequest): boolean {
  const unknown = Object.keys(statement).filter((key) => !['Sid', 'Effect', 'Action', 'Resource', 'Condition'].includes(key));
  if (unknown.length > 0) throw new Error(`cannot judge a statement with ${unknown.join()}`);
  // Names of actions are compared without case, ARNs with it.
  if (!list(statement.Action).some((pattern) => matches(pattern.toLowerCase(), action.toLowerCase()))) return false;
  if (!list(statement.Resource).some((pattern) => matches(pattern, resource))) return false;
  return Object.entries(statement.Condition ?? {}).every(([operator, keys]) =>
    Object.entries(keys).every(([key, values]) => holds(operator, list(values), context[key])),
  );
}

/** A condition on a key that the request does not have does not hold: none of these operators ends in IfExists. */
function holds(operator: string, values: readonly string[], actual: string | undefined): boolean {
  if (actual === undefined) return false;
  switch (operator) {
    case 'StringEquals':
    case 'Bool':
      return values.some((value) => String(value) === actual);
    case 'StringLike':
    case 'ArnLike':
    case 'ArnEquals':
      return values.some((value) => matches(value, actual));
    default:
      throw new Error(`cannot judge the condition ${operator}`);
  }
}

function list(value: string | readonly string[]): readonly string[] {
  return typeof value === 'string' ? [value] : value;
}

/** `*` is any text, `/` and `:` included, `?` one character. */
function matches(pattern: string, text: string): boolean {
  const source = pattern
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${source}$`, 's').test(text);
}
