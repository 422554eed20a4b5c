// Deployment to Cloud Run: the real client against a local Admin API.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { parse, parseAllDocuments } from 'yaml';
import { root } from '../../../infra/build/bundles.ts';
import { knativeOf } from '../../../infra/cloudrun/knative.ts';
import { serviceOf, withInvokers } from '../../../infra/cloudrun/service.ts';
import { readCommand } from '../../../infra/cloudrun/settings.ts';
import { type AdminApi, startAdminApi } from './admin-api.ts';

const querier = 'serviceAccount:querier@example-project.iam.gserviceaccount.com';
const required = [
  ...['--project', 'example-project', '--region', 'europe-west1', '--bucket', 'example-traces'],
  ...['--image', 'europe-west1-docker.pkg.dev/example-project/rubato/function:0.1.0'],
  ...['--service-account', 'rubato-search@example-project.iam.gserviceaccount.com'],
];
const folder = 'projects/example-project/locations/europe-west1/services';

let api: AdminApi;
beforeEach(async () => {
  api = await startAdminApi();
});
afterEach(() => api.close());

/** Runs the command as an operator does. */
async function deploy(...args: readonly string[]): Promise<{ readonly status: number; readonly stdout: string; readonly stderr: string }> {
  const script = join(root, 'infra/cloudrun/deploy.ts');
  const env = { ...process.env, GOOGLE_CLOUD_PROJECT: 'example-project' };
  const child = spawn(process.execPath, [script, ...required, '--api-endpoint', api.endpoint, ...args], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const text = { stdout: '', stderr: '' };
  for (const stream of ['stdout', 'stderr'] as const) child[stream].on('data', (chunk: Buffer) => (text[stream] += chunk.toString()));
  const status = await new Promise<number>((resolve) => child.once('close', (code) => resolve(code ?? -1)));
  return { status, ...text };
}

describe('npm run cloudrun:deploy', () => {
  test('creates the services, lets the querier in, waits, and prints what to paste', async () => {
    const { status, stdout, stderr } = await deploy('--invoker', querier);
    assert.equal(status, 0, stderr);
    const search = {
      prefer_self: 10,
      external_backend: 'google_cloud_run',
      google_cloud_run: { external_endpoints: ['https://rubato-search-1-abc-ew.a.run.app', 'https://rubato-search-2-abc-ew.a.run.app'] },
    };
    assert.deepEqual(parse(stdout), { querier: { search, external: { prices: { cloudrun_vcpus: 2 } } } });
    for (const id of ['rubato-search-1', 'rubato-search-2']) {
      const { template, ingress } = api.services.get(`${folder}/${id}`)!;
      assert.equal(ingress, 2);
      assert.equal(template!.maxInstanceRequestConcurrency, 4);
      assert.equal(template!.containers![0]!.image, required[7]);
      assert.deepEqual(
        api.policies.get(`${folder}/${id}`)!.bindings!.map(({ role, members }) => ({ role, members })),
        [{ role: 'roles/run.invoker', members: [querier] }],
      );
      assert.match(
        stderr,
        new RegExp(`${id}: creating\n.*${id}: Deploying revision\n.*${id}: revision ${id}-00001-abc\n.*${id}: ready at https://`, 's'),
      );
    }
    assert.deepEqual(api.calls.slice(0, 6), [
      'GetService',
      'CreateService',
      'GetOperation',
      'GetOperation',
      'GetIamPolicy',
      'SetIamPolicy',
    ]);
  });

  test('updates services that are there, and changes no policy that says the same already', async () => {
    const first = await deploy('--services', '1', '--invoker', querier);
    assert.equal(first.status, 0, first.stderr);
    api.calls.splice(0);
    const second = await deploy('--services', '1', '--invoker', querier, '--max-instances', '7', '--ingress', 'internal-and-load-balancer');
    assert.equal(second.status, 0, second.stderr);
    assert.match(second.stderr, /rubato-search-1: updating.*revision rubato-search-1-00002-abc/s);
    const { template, ingress } = api.services.get(`${folder}/rubato-search-1`)!;
    assert.deepEqual([template!.scaling!.maxInstanceCount, ingress], [7, 3]);
    assert.ok(!api.calls.includes('SetIamPolicy') && !api.calls.includes('CreateService'), api.calls.join());
  });

  test('says why a revision is not ready, and fails', async () => {
    api.broken.set('rubato-search-1', 'The user-provided container failed to start and listen on the port');
    const { status, stdout, stderr } = await deploy();
    assert.equal(status, 1);
    assert.match(stderr, /cloudrun: rubato-search-1 did not become ready: The user-provided container failed to start/);
    assert.equal(stdout, '');
    assert.equal(api.services.size, 1, 'nothing after the failure');
  });

  test('says what the API refuses', async () => {
    const { status, stdout, stderr } = await deploy('--cpu', '8', '--memory-mb', '1024');
    assert.equal(status, 1);
    assert.match(stderr, /cloudrun: 3 INVALID_ARGUMENT: Total memory < 4 Gi is not supported with cpu > 6/);
    assert.equal(stdout + api.services.size, '0');
  });
});

describe('what is deployed', () => {
  test('service.yaml has the same settings', () => {
    const { settings } = readCommand(required);
    const documents = parseAllDocuments(readFileSync(join(root, 'infra/cloudrun/service.yaml'), 'utf8')).map(
      (each) => each.toJS() as unknown,
    );
    assert.deepEqual(documents, JSON.parse(JSON.stringify(knativeOf(settings))));
    // Knative's names against the Admin API's.
    const { template } = serviceOf(settings);
    const { spec } = (documents[0] as { spec: { template: { spec: Record<string, unknown> } } }).spec.template;
    assert.equal(spec.containerConcurrency, template!.maxInstanceRequestConcurrency);
    assert.equal(spec.serviceAccountName, template!.serviceAccount);
    assert.deepEqual((spec.containers as { env: unknown }[])[0]!.env, template!.containers![0]!.env);
  });

  test('is never open to everybody', () => {
    for (const member of ['allUsers', 'allAuthenticatedUsers'])
      assert.throws(() => readCommand([...required, '--invoker', member]), /never open to allUsers/);
  });

  test('needs everything that has no default', () => {
    for (const flag of ['--project', '--region', '--image', '--bucket', '--service-account']) {
      const at = required.indexOf(flag);
      assert.throws(() => readCommand(required.toSpliced(at, 2)), new RegExp(`${flag} is needed`));
    }
    assert.throws(() => readCommand([...required, '--concurrency', '0']), /--concurrency must be a whole number from 1 to 1000, not 0/);
    assert.throws(() => readCommand([...required, '--min-instances', '9', '--max-instances', '8']), /must not be above/);
  });

  test('keeps roles of others', () => {
    const viewer = { role: 'roles/run.viewer', members: ['user:a@example.com'] };
    const invoker = (...members: string[]) => ({ role: 'roles/run.invoker', members });
    assert.equal(withInvokers({ bindings: [viewer, invoker('b', 'a')] }, ['a', 'b']), undefined);
    assert.deepEqual(withInvokers({ etag: 'x', bindings: [viewer, invoker('a')] }, ['b']), { etag: 'x', bindings: [viewer, invoker('b')] });
    assert.deepEqual(withInvokers({ bindings: [viewer, invoker('allUsers')] }, []), { bindings: [viewer] });
  });
});
