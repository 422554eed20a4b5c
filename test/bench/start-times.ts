import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { buildBundle, bundles, root } from '../../infra/build/bundles.ts';
import { recordedBlocks } from '../conformance/cases.ts';
import { type S3Server, startS3Server } from '../integration/backend/s3-server.ts';

/** A program whose start is timed: ready when it prints its first line, or ends. */
export interface StartProgram {
  readonly name: string;
  /** Of node. */
  readonly arguments: readonly string[];
  /** Where the blocks are; a folder without any unless it says so. */
  readonly environment?: Readonly<Record<string, string>>;
}

/** Starts of one program in milliseconds, in the order they were made. */
export interface StartTimes {
  readonly name: string;
  readonly ms: readonly number[];
}

/** Starts a program once; milliseconds until it is ready. */
async function startMs({ arguments: args, environment }: StartProgram): Promise<number> {
  const started = performance.now();
  const child = spawn(process.execPath, args, {
    env: environment ?? { TEMPO_BACKEND: 'local', TEMPO_LOCAL_PATH: '.' },
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  await Promise.race([new Promise<void>((resolve) => child.stdout.once('data', () => resolve())), ended]);
  const ms = performance.now() - started;
  child.kill('SIGKILL');
  await ended;
  return ms;
}

/** Starts all programs in turn, `rounds` times, so that what else the machine does hits them alike. */
export async function timeStarts(programs: readonly StartProgram[], rounds: number): Promise<readonly StartTimes[]> {
  const times = programs.map(({ name }) => ({ name, ms: [] as number[] }));
  for (let round = 0; round < rounds; round++) for (const [i, program] of programs.entries()) times[i]!.ms.push(await startMs(program));
  return times;
}

/** A quantile of a list, by the nearest rank. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)]!;
}

/** Median over rounds of how many times as long as the first program the other took in the same round. */
export function pairedRatio(first: StartTimes, other: StartTimes): number {
  return quantile(
    other.ms.map((ms, round) => ms / first.ms[round]!),
    0.5,
  );
}

/** Bare Node, and both functions bundled into `folder`. */
export async function functionPrograms(folder: string): Promise<readonly StartProgram[]> {
  for (const bundle of bundles.filter(({ folder: name }) => name === 'functions')) await buildBundle(bundle, folder);
  const starter = join(folder, 'start-lambda.mjs');
  writeFileSync(starter, "await import('./functions/lambda.mjs');\nprocess.stdout.write('ready\\n');\n");
  return [
    { name: 'node', arguments: ['-e', "process.stdout.write('ready\\n')"] },
    { name: 'container function', arguments: [join(folder, 'functions/cloudrun.mjs'), '--port', '0'] },
    { name: 'Lambda function', arguments: [starter] },
  ];
}

/** The Lambda function as it would be with the AWS SDK inside: what signing requests ourselves saves. */
export async function sdkProgram(folder: string): Promise<StartProgram> {
  const source = `import { S3Client } from '@aws-sdk/client-s3';
    export { handler } from './functions/lambda.ts';
    new S3Client({ region: 'us-east-1' });
    process.stdout.write('ready\\n');`;
  const outfile = join(folder, 'lambda-sdk.mjs');
  await build({
    absWorkingDir: root,
    stdin: { contents: source, resolveDir: root, loader: 'ts' },
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node22',
    minify: true,
    banner: { js: "import { createRequire } from 'node:module';const require = createRequire(import.meta.url);" },
    outfile,
  });
  return { name: 'Lambda function with the AWS SDK', arguments: [outfile] };
}

/** A search of a recorded block, as a load balancer passes it on, and what a function needs to find the block in a bucket on loopback. */
const search =
  'start=1768046400&end=1768050000&limit=20&spss=3&q=%7B+kind+%3D+producer+%7D&blockID=7d000000-4000-4000-8000-00000000000c&pagesToSearch=1' +
  '&size=111541&startPage=0&encoding=none&indexPageSize=0&totalRecords=1&dataEncoding=&version=vParquet4&footerSize=18420&maxBytes=0';
const bucket = 'tempo';
const credentials = { accessKey: 'test', secretKey: 'secret', region: 'us-east-1' };

/** The Lambda function of {@link functionPrograms}, ready when it has answered a search of a block in S3: it says which of Node's modules it has loaded. */
export function firstSearchProgram(folder: string, endpoint: string): StartProgram {
  const starter = join(folder, 'first-search.mjs');
  const event = {
    requestContext: { elb: {} },
    httpMethod: 'GET',
    path: '/',
    queryStringParameters: Object.fromEntries(search.split('&').map((member) => member.split('='))),
    headers: { 'x-scope-orgid': 'vp4' },
    body: '',
    isBase64Encoded: false,
  };
  const source = `const { handler } = await import('./functions/lambda.mjs');
    const { statusCode, body } = await handler(${JSON.stringify(event)}, { getRemainingTimeInMillis: () => 60_000 });
    if (statusCode !== 200) throw new Error(body);
    process.stdout.write(process.moduleLoadList.join('\\n'));
    process.exit();`;
  writeFileSync(starter, source);
  const environment = {
    TEMPO_BACKEND: 's3',
    TEMPO_S3_BUCKET: bucket,
    TEMPO_S3_ENDPOINT: endpoint,
    TEMPO_S3_INSECURE: 'true',
    TEMPO_S3_FORCEPATHSTYLE: 'true',
    TEMPO_S3_ACCESS_KEY: credentials.accessKey,
    TEMPO_S3_SECRET_KEY: credentials.secretKey,
    TEMPO_S3_REGION: credentials.region,
  };
  return { name: 'Lambda function and its first search', arguments: [starter], environment };
}

/** The bucket of {@link firstSearchProgram}. */
export function startBucket(): Promise<S3Server> {
  return startS3Server({ root: recordedBlocks, bucket, ...credentials });
}
