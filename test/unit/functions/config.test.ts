import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AppError } from '#engine/base/errors.ts';
import { jobTimeoutMs, memoryConfig, storageConfig } from '../../../functions/config.ts';
import { listenPort } from '../../../functions/listen-port.ts';

const mebibyte = 1024 * 1024;

function failure(run: () => unknown): string {
  try {
    run();
  } catch (thrown) {
    assert.ok(thrown instanceof AppError && thrown.code === 'config', `${thrown}`);
    return thrown.message;
  }
  return 'no error';
}

test('the port comes from --port, then PORT, then is 8080', () => {
  assert.equal(listenPort([], {}), 8080);
  assert.equal(listenPort([], { PORT: '9000' }), 9000);
  assert.equal(listenPort(['--port', '1234'], { PORT: '9000' }), 1234);
  assert.equal(listenPort(['--port=0'], {}), 0);
  for (const args of [['--port'], ['--port', 'x'], ['--port', '65536'], ['--port=-1']]) {
    assert.match(
      failure(() => listenPort(args, {})),
      /port must be a number/,
    );
  }
  assert.match(
    failure(() => listenPort([], { PORT: '80a' })),
    /received: 80a/,
  );
});

test('names an unknown backend as Tempo does', () => {
  assert.equal(
    failure(() => storageConfig({})),
    'unknown backend ',
  );
  assert.equal(
    failure(() => storageConfig({ TEMPO_BACKEND: 'ftp' })),
    'unknown backend ftp',
  );
});

test('a local backend needs a path', () => {
  assert.match(
    failure(() => storageConfig({ TEMPO_BACKEND: 'local' })),
    /^local backend not supported for serverless functions/,
  );
  for (const name of ['TEMPO_LOCAL_PATH', 'TEMPO_STORAGE_LOCAL_PATH']) {
    assert.deepEqual(storageConfig({ TEMPO_BACKEND: 'local', [name]: '/blocks' }), { kind: 'local', path: '/blocks' });
  }
});

test('S3 settings have zero defaults', () => {
  const config = storageConfig({ TEMPO_BACKEND: 's3', TEMPO_S3_BUCKET: 'traces' });
  assert.deepEqual(config, {
    kind: 's3',
    options: {
      bucket: 'traces',
      prefix: '',
      endpoint: '',
      insecure: false,
      forcePathStyle: false,
      bucketLookup: 'auto',
      region: '',
      accessKey: '',
      secretKey: '',
      sessionToken: '',
    },
    tls: { caPath: '', certPath: '', keyPath: '', serverName: '', insecureSkipVerify: false },
    hedge: { afterMs: 0, upTo: 0 },
  });
});

test('GCS settings are read, with zero defaults', () => {
  assert.deepEqual(storageConfig({ TEMPO_BACKEND: 'gcs', TEMPO_GCS_BUCKET_NAME: 'traces' }), {
    kind: 'gcs',
    options: { bucket: 'traces', prefix: '', endpoint: '', insecure: false },
    hedge: { afterMs: 0, upTo: 0 },
  });
  const config = storageConfig({
    TEMPO_BACKEND: 'gcs',
    TEMPO_GCS_BUCKET_NAME: 'traces',
    TEMPO_GCS_PREFIX: 'a/b',
    TEMPO_GCS_ENDPOINT: 'https://localhost:4443/storage/v1/',
    TEMPO_GCS_INSECURE: 'true',
    TEMPO_GCS_HEDGE_REQUESTS_AT: '400ms',
    TEMPO_GCS_HEDGE_REQUESTS_UP_TO: '2',
    TEMPO_GCS_CHUNK_BUFFER_SIZE: '10485760',
  });
  assert.deepEqual(config, {
    kind: 'gcs',
    options: { bucket: 'traces', prefix: 'a/b', endpoint: 'https://localhost:4443/storage/v1/', insecure: true },
    hedge: { afterMs: 400, upTo: 2 },
  });
});

test('Azure settings are read, with zero defaults', () => {
  const none = { useManagedIdentity: false, useFederatedToken: false, userAssignedId: '' };
  assert.deepEqual(
    storageConfig({ TEMPO_BACKEND: 'azure', TEMPO_AZURE_STORAGE_ACCOUNT_NAME: 'account', TEMPO_AZURE_CONTAINER_NAME: 'traces' }),
    {
      kind: 'azure',
      options: { accountName: 'account', accountKey: '', container: 'traces', prefix: '', endpointSuffix: '', ...none },
      hedge: { afterMs: 0, upTo: 0 },
    },
  );
  const config = storageConfig({
    TEMPO_BACKEND: 'azure',
    TEMPO_AZURE_USE_MANAGED_IDENTITY: 'true',
    TEMPO_AZURE_HEDGE_REQUESTS_AT: '1s',
    TEMPO_AZURE_HEDGE_REQUESTS_UP_TO: '2',
  });
  assert.ok(config.kind === 'azure' && config.options.useManagedIdentity);
  assert.deepEqual(config.hedge, { afterMs: 1000, upTo: 2 });
});

test('S3 settings are read as text', () => {
  const config = storageConfig({
    TEMPO_BACKEND: 's3',
    TEMPO_S3_BUCKET: 'traces',
    TEMPO_S3_PREFIX: 'a/b',
    TEMPO_S3_ENDPOINT: 'minio:9000',
    TEMPO_S3_INSECURE: 'T',
    TEMPO_S3_FORCEPATHSTYLE: 'true',
    TEMPO_S3_BUCKET_LOOKUP_TYPE: '2',
    TEMPO_S3_HEDGE_REQUESTS_AT: '400ms',
    TEMPO_S3_HEDGE_REQUESTS_UP_TO: '2',
    TEMPO_S3_TLS_SERVER_NAME: 'store',
    TEMPO_SEARCH_CHUNK_SIZE_BYTES: '1000000',
  });
  assert.ok(config.kind === 's3');
  assert.equal(config.options.prefix, 'a/b');
  assert.equal(config.options.insecure, true);
  assert.equal(config.options.forcePathStyle, true);
  assert.equal(config.options.bucketLookup, 'path');
  assert.deepEqual(config.hedge, { afterMs: 400, upTo: 2 });
  assert.equal(config.tls.serverName, 'store');
});

test('says which variable cannot be read', () => {
  const s3 = { TEMPO_BACKEND: 's3' };
  assert.equal(
    failure(() => storageConfig({ ...s3, TEMPO_S3_INSECURE: 'yes' })),
    'failed to unmarshal config: TEMPO_S3_INSECURE: strconv.ParseBool: parsing "yes": invalid syntax',
  );
  assert.equal(
    failure(() => storageConfig({ ...s3, TEMPO_S3_HEDGE_REQUESTS_UP_TO: '2.5' })),
    'failed to unmarshal config: TEMPO_S3_HEDGE_REQUESTS_UP_TO: strconv.ParseInt: parsing "2.5": invalid syntax',
  );
  assert.equal(
    failure(() => storageConfig({ ...s3, TEMPO_S3_HEDGE_REQUESTS_AT: '400' })),
    'failed to unmarshal config: TEMPO_S3_HEDGE_REQUESTS_AT: time: missing unit in duration "400"',
  );
  assert.match(
    failure(() => storageConfig({ ...s3, TEMPO_S3_BUCKET_LOOKUP_TYPE: 'dns' })),
    /TEMPO_S3_BUCKET_LOOKUP_TYPE/,
  );
});

test('refuses settings that it would have to ignore', () => {
  const names = /TEMPO_S3_SIGNATURE_V2, TEMPO_S3_TLS_MIN_VERSION is not supported/;
  const env = { TEMPO_BACKEND: 's3', TEMPO_S3_SIGNATURE_V2: 'true', TEMPO_S3_TLS_MIN_VERSION: 'VersionTLS13' };
  assert.match(
    failure(() => storageConfig(env)),
    names,
  );
});

test('memory follows the platform', () => {
  const lambda = memoryConfig({ AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '1000' }, undefined);
  assert.deepEqual(lambda, { maxConcurrentJobs: 2, maxJobBytes: 300 * mebibyte, cacheBytes: 62.5 * mebibyte });
  assert.equal(memoryConfig({ AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '512' }, undefined).maxConcurrentJobs, 1);
  const small = memoryConfig({}, 512 * mebibyte);
  assert.equal(small.maxConcurrentJobs, 1);
  const usual = memoryConfig({}, 1024 * mebibyte);
  assert.equal(usual.maxConcurrentJobs, 2);
  assert.ok(usual.maxConcurrentJobs * usual.maxJobBytes + usual.cacheBytes < 1024 * mebibyte);
  assert.equal(memoryConfig({}, undefined).maxConcurrentJobs, 4);
  assert.deepEqual(memoryConfig({}, 2 ** 63), memoryConfig({}, undefined), 'no limit is told as a huge one');
});

test('a job has a time limit', () => {
  assert.equal(jobTimeoutMs({}), 60_000);
  assert.equal(jobTimeoutMs({ RUBATO_JOB_TIMEOUT: '1m30s' }), 90_000);
  assert.match(
    failure(() => jobTimeoutMs({ RUBATO_JOB_TIMEOUT: 'soon' })),
    /RUBATO_JOB_TIMEOUT/,
  );
});
