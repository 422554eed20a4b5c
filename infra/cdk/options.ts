/** Where the blocks are. */
export interface BucketOptions {
  readonly bucketName: string;
  /** `storage.trace.s3.prefix`: what stands before the tenants' folders; '' for none. */
  readonly prefix: string;
  /** The tenants whose blocks may be read; none: those of all. */
  readonly tenants: readonly string[];
  /** Key that the bucket is encrypted with; '' where it is S3's own. */
  readonly kmsKeyArn: string;
}

/** A VPC that exists already. */
export interface VpcOptions {
  readonly vpcId: string;
  readonly subnetIds: readonly string[];
  readonly availabilityZones: readonly string[];
  /** Who may call the load balancer. */
  readonly clientCidr: string;
}

/** How queriers call the functions. */
export type Access = 'invoke' | 'function-url' | 'alb';

/** What is deployed. */
export interface DeployOptions {
  /** Stands before the name of everything. */
  readonly name: string;
  readonly bucket: BucketOptions;
  /** How many functions; a hedged call goes to another one. */
  readonly functions: number;
  /** 1,769 MB are one core. */
  readonly memoryMb: number;
  readonly architecture: 'arm64' | 'x86_64';
  readonly timeoutSeconds: number;
  /** Most calls at a time of one function; 0: what the account allows. */
  readonly reservedConcurrency: number;
  /** Instances of one function that are kept ready; 0: none. */
  readonly provisionedConcurrency: number;
  readonly access: Access;
  /** Needed for `alb`, optional otherwise. */
  readonly vpc: VpcOptions | undefined;
  /** Certificate of the load balancer; '' for plain HTTP inside the VPC. */
  readonly certificateArn: string;
  readonly logRetentionDays: number;
  /** Topic that alarms tell; '' for none. */
  readonly alarmTopicArn: string;
  /** An alarm says when all functions together cost more. */
  readonly maxDollarsPerHour: number;
  /** The stack with query-frontend and queriers; undefined: without. */
  readonly queriers: QuerierOptions | undefined;
}

/** Query-frontends and queriers on Fargate. */
export interface QuerierOptions {
  /** Repository in this account's registry, and its tag, of the image that the Dockerfile in infra/docker makes. */
  readonly repositoryName: string;
  readonly tag: string;
  readonly frontends: number;
  readonly queriers: number;
  readonly cpu: number;
  readonly memoryMb: number;
}

/** Context of the CDK app: `-c key=value`, or the section `context` of cdk.json. */
export type Context = Readonly<Record<string, unknown>>;

const known = [
  'bucket',
  'prefix',
  'tenants',
  'kmsKeyArn',
  'name',
  'functions',
  'memoryMb',
  'architecture',
  'timeoutSeconds',
  'reservedConcurrency',
  'provisionedConcurrency',
  'access',
  'vpcId',
  'subnetIds',
  'availabilityZones',
  'clientCidr',
  'certificateArn',
  'logRetentionDays',
  'alarmTopicArn',
  'maxDollarsPerHour',
  'querierRepository',
  'querierTag',
  'frontends',
  'queriers',
  'querierCpu',
  'querierMemoryMb',
] as const;

/** CloudWatch keeps logs for these numbers of days only. */
const retentionDays = [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653];

/**
 * Reads and checks the context. Throws an Error that names the key. Keys of the CDK itself (with `:`, `/` or `@`) are passed over, others that are not
 * known are refused: a typo must not deploy something else.
 */
export function readOptions(context: Context): DeployOptions {
  const strange = Object.keys(context).filter((key) => !/[:@/]/.test(key) && !(known as readonly string[]).includes(key));
  if (strange.length > 0) throw new Error(`unknown context ${strange.join(', ')}; known are ${known.join(', ')}`);
  const read = reader(context);
  const access = read.oneOf('access', ['invoke', 'function-url', 'alb'] as const, 'invoke');
  const vpc = readVpc(read);
  const repositoryName = read.text('querierRepository');
  if (access === 'alb' && vpc === undefined) throw new Error('access=alb needs a VPC: set vpcId, subnetIds and availabilityZones');
  if (repositoryName !== '' && vpc === undefined) throw new Error('queriers need a VPC: set vpcId, subnetIds and availabilityZones');
  const bucketName = read.text('bucket');
  if (!/^[a-z0-9][a-z0-9.-]{2,62}$/.test(bucketName))
    throw new Error(`bucket must be the name of an S3 bucket, not ${JSON.stringify(bucketName)}`);
  const kmsKeyArn = read.text('kmsKeyArn');
  if (kmsKeyArn !== '' && !/^arn:[\w-]+:kms:[\w-]+:\d{12}:key\/[\w-]+$/.test(kmsKeyArn))
    throw new Error('kmsKeyArn must be the ARN of a key (not of an alias)');
  return {
    name: read.matching('name', /^[a-z][a-z0-9-]{0,30}$/, 'rubato'),
    bucket: { bucketName, prefix: read.text('prefix').replace(/^\/+|\/+$/g, ''), tenants: readTenants(read), kmsKeyArn },
    functions: read.whole('functions', 1, 20, 2),
    memoryMb: read.whole('memoryMb', 512, 10_240, 1769),
    architecture: read.oneOf('architecture', ['arm64', 'x86_64'] as const, 'arm64'),
    timeoutSeconds: read.whole('timeoutSeconds', 5, 900, 60),
    reservedConcurrency: read.whole('reservedConcurrency', 0, 100_000, 0),
    provisionedConcurrency: read.whole('provisionedConcurrency', 0, 10_000, 0),
    access,
    vpc,
    certificateArn: read.text('certificateArn'),
    logRetentionDays: read.oneOf('logRetentionDays', retentionDays, 14),
    alarmTopicArn: read.text('alarmTopicArn'),
    maxDollarsPerHour: read.decimal('maxDollarsPerHour', 10),
    queriers: repositoryName === '' ? undefined : readQueriers(read, repositoryName),
  };
}

type Reader = ReturnType<typeof reader>;

function readTenants(read: Reader): readonly string[] {
  const tenants = read.list('tenants');
  const bad = tenants.find((tenant) => !/^[\w!.*'()-]+$/.test(tenant) || /[*?]/.test(tenant));
  if (bad !== undefined) throw new Error(`tenants: ${JSON.stringify(bad)} is no tenant id, or has a wildcard`);
  return tenants;
}

function readVpc(read: Reader): VpcOptions | undefined {
  const vpcId = read.text('vpcId');
  if (vpcId === '') return undefined;
  const [subnetIds, availabilityZones] = [read.list('subnetIds'), read.list('availabilityZones')];
  if (subnetIds.length === 0 || subnetIds.length !== availabilityZones.length)
    throw new Error('subnetIds and availabilityZones must name as many private subnets as zones');
  return { vpcId, subnetIds, availabilityZones, clientCidr: read.matching('clientCidr', /^[\d.]+\/\d+$/, '10.0.0.0/8') };
}

function readQueriers(read: Reader, repositoryName: string): QuerierOptions {
  return {
    repositoryName,
    tag: read.text('querierTag') || 'latest',
    frontends: read.whole('frontends', 1, 100, 2),
    queriers: read.whole('queriers', 1, 1000, 3),
    cpu: read.oneOf('querierCpu', [512, 1024, 2048, 4096, 8192, 16_384], 2048),
    memoryMb: read.whole('querierMemoryMb', 1024, 122_880, 4096),
  };
}

function reader(context: Context) {
  const text = (key: string): string => {
    const value = context[key] ?? '';
    return Array.isArray(value) ? value.join() : String(value);
  };
  const fail = (key: string, what: string): never => {
    throw new Error(`${key} must be ${what}, not ${JSON.stringify(context[key])}`);
  };
  const number = (key: string, fallback: number): number => (text(key) === '' ? fallback : Number(text(key)));
  return {
    text,
    list: (key: string): readonly string[] =>
      text(key)
        .split(',')
        .map((part) => part.trim())
        .filter((part) => part !== ''),
    whole: (key: string, least: number, most: number, fallback: number): number => {
      const value = number(key, fallback);
      return Number.isInteger(value) && value >= least && value <= most ? value : fail(key, `a whole number from ${least} to ${most}`);
    },
    decimal: (key: string, fallback: number): number => {
      const value = number(key, fallback);
      return value > 0 && Number.isFinite(value) ? value : fail(key, 'a number above 0');
    },
    oneOf: <Value extends string | number>(key: string, values: readonly Value[], fallback: Value): Value =>
      text(key) === '' ? fallback : (values.find((value) => String(value) === text(key)) ?? fail(key, `one of ${values.join(', ')}`)),
    matching: (key: string, pattern: RegExp, fallback: string): string => {
      const value = text(key) || fallback;
      return pattern.test(value) ? value : fail(key, `like ${pattern}`);
    },
  };
}
