import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildBundle, bundles } from '../../infra/build/bundles.ts';
import { zip } from '../../infra/build/zip.ts';
import { type Front, startFunctionUrl, startInvokeApi, startLoadBalancer } from './fronts.ts';
import { createLocalFunction, type FunctionOptions, type LocalFunction } from './service.ts';

/** Who may call: what clients find in their environment. */
export const caller = { accessKeyId: 'AKIDLOCAL', secretAccessKey: 'secret' };

/** Builds the archive that is deployed; its path, and what removes it. */
export async function buildLambdaZip(): Promise<{ readonly zipPath: string; readonly remove: () => void }> {
  const folder = mkdtempSync(join(tmpdir(), 'rubato-lambda-'));
  await buildBundle(bundles.find(({ name }) => name === 'lambda')!, folder);
  const built = join(folder, 'functions');
  const files = readdirSync(built).map((name) => ({ name, content: readFileSync(join(built, name)) }));
  const zipPath = join(folder, 'lambda.zip');
  writeFileSync(zipPath, zip(files));
  return { zipPath, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/** A function with all ways to call it. */
export interface LocalLambda {
  readonly fn: LocalFunction;
  readonly api: Front;
  readonly functionUrl: Front;
  readonly loadBalancer: Front;
  readonly stop: () => Promise<void>;
}

/** Creates a function over blocks in a folder, 1 GiB and 20 s unless said otherwise, with the Invoke API, a function URL and a load balancer before it. */
export async function startLocalLambda(zipPath: string, blocks: string, options: Partial<FunctionOptions> = {}): Promise<LocalLambda> {
  const variables = { TEMPO_BACKEND: 'local', TEMPO_LOCAL_PATH: blocks, ...options.variables };
  const fn = createLocalFunction({ name: 'search', zipPath, memoryMb: 1024, timeoutMs: 20_000, concurrency: 10, ...options, variables });
  const [api, functionUrl, loadBalancer] = await Promise.all([
    startInvokeApi([fn], caller),
    startFunctionUrl(fn, caller),
    startLoadBalancer(fn),
  ]);
  const stop = async () => {
    for (const front of [api, functionUrl, loadBalancer]) front.stop();
    await fn.stop();
  };
  return { fn, api, functionUrl, loadBalancer, stop };
}
