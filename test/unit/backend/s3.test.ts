import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createBackend } from '#engine/backend/create.ts';
import { listFolders, listObjects, type PageReader } from '#engine/backend/listing.ts';
import { toS3Error } from '#engine/backend/s3-errors.ts';
import { resolveS3Address, type S3Options } from '#engine/backend/s3-options.ts';
import { parseErrorBody, parseListing } from '#engine/backend/s3-xml.ts';
import { createSigner, encodePath } from '#engine/backend/sigv4.ts';
import { systemClock } from '#engine/base/clock.ts';
import { AppError } from '#engine/base/errors.ts';

const plain: S3Options = {
  bucket: 'traces',
  prefix: '',
  endpoint: 's3.eu-central-1.amazonaws.com',
  insecure: false,
  forcePathStyle: false,
  region: '',
  accessKey: '',
  secretKey: '',
  sessionToken: '',
};
const address = (options: Partial<S3Options>, env = {}) => resolveS3Address({ ...plain, ...options }, env);

test('the address follows endpoint, region and lookup', () => {
  const amazon = address({});
  assert.equal(amazon.region, 'eu-central-1');
  assert.equal(amazon.pathStyle, false);
  assert.equal(amazon.protocol, 'https:');
  assert.equal(amazon.port, undefined);
  assert.equal(address({ endpoint: 's3.dualstack.us-west-2.amazonaws.com' }).region, 'us-west-2');
  assert.equal(address({ forcePathStyle: true }).pathStyle, true);
  assert.equal(address({ bucketLookup: 'path' }).pathStyle, true);
  assert.equal(address({ bucket: 'with.dots' }).pathStyle, true);
  const minio = address({ endpoint: 'minio.local:9000', insecure: true });
  assert.deepEqual(
    [minio.protocol, minio.hostname, minio.port, minio.pathStyle, minio.region],
    ['http:', 'minio.local', 9000, true, 'us-east-1'],
  );
  assert.equal(address({ endpoint: 'minio:9000', bucketLookup: 'dns' }).pathStyle, false);
  assert.equal(address({ endpoint: 'minio:9000' }, { AWS_REGION: 'eu-north-1' }).region, 'eu-north-1');
  assert.equal(address({ endpoint: 's3.amazonaws.com', region: 'eu-west-3' }).hostname, 's3.eu-west-3.amazonaws.com');
  assert.equal(address({ endpoint: 's3.amazonaws.com' }).hostname, 's3.amazonaws.com');
  assert.equal(address({ endpoint: '[::1]:9000' }).hostname, '[::1]');
  assert.equal(address({ prefix: '/a/b' }).prefix, 'a/b/');
});

test('options that cannot work are refused with their name', () => {
  for (const [options, message] of [
    [{ endpoint: 'http://minio:9000' }, /endpoint.*without a scheme/],
    [{ endpoint: '' }, /endpoint/],
    [{ endpoint: 'minio:99999' }, /endpoint/],
    [{ endpoint: 'minio/path' }, /endpoint/],
    [{ bucket: '' }, /bucket/],
    [{ bucket: '../x' }, /bucket/],
    [{ prefix: 'a/../b' }, /prefix/],
    [{ accessKey: 'only' }, /together/],
  ] as const) {
    assert.throws(
      () => address(options),
      (thrown) => thrown instanceof AppError && thrown.code === 'config' && message.test(thrown.message),
    );
  }
});

test('the signature is the one of the AWS documentation for a GET', () => {
  // AWS, Signature Calculations for the Authorization Header, example GET Bucket (List Objects).
  const signed = createSigner()({
    method: 'GET',
    host: 'examplebucket.s3.amazonaws.com',
    path: '/',
    query: { 'max-keys': '2', prefix: 'J' },
    nowMs: Date.UTC(2013, 4, 24),
    region: 'us-east-1',
    credentials: { accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY' },
  });
  assert.equal(signed.target, '/?max-keys=2&prefix=J');
  assert.match(signed.headers.authorization, /Signature=34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7$/);
  assert.equal(encodePath("a b/é!'()*+&"), '/a%20b/%C3%A9%21%27%28%29%2A%2B%26');
});

test('listings are read in both spellings', () => {
  const entry = (key: string) =>
    `<Contents><Key>${key}</Key><LastModified>2026-01-10T12:00:00.000Z</LastModified><Size>7</Size></Contents>`;
  const wrap = (inner: string) => `<?xml version="1.0"?><ListBucketResult xmlns="x">${inner}</ListBucketResult>\n`;
  const raw = parseListing(
    wrap(`<IsTruncated>false</IsTruncated>${entry('a&amp;b+%2F&#233;')}<CommonPrefixes><Prefix>t&lt;/</Prefix></CommonPrefixes>`),
  );
  assert.deepEqual(raw.objects, [{ key: 'a&b+%2Fé', sizeBytes: 7, modifiedMs: Date.UTC(2026, 0, 10, 12) }]);
  assert.deepEqual(raw.commonPrefixes, ['t</']);
  const url = parseListing(
    wrap(
      `<EncodingType>url</EncodingType><IsTruncated>true</IsTruncated><NextContinuationToken>x&amp;y</NextContinuationToken>${entry('a+b%2Bc/%C3%A9')}`,
    ),
  );
  assert.equal(url.objects[0].key, 'a b+c/é');
  assert.equal(url.nextToken, 'x&y');
  for (const bad of [
    '',
    '<html/>',
    wrap(entry('a')).slice(0, -30),
    wrap('<IsTruncated>true</IsTruncated>'),
    wrap('<Contents><Key>a</Key></Contents>'),
  ]) {
    assert.throws(() => parseListing(bad), AppError, bad);
  }
  assert.deepEqual(parseErrorBody('<Error><Code>NoSuchKey</Code><Message>a &amp; b</Message></Error>'), {
    code: 'NoSuchKey',
    message: 'a & b',
  });
  assert.deepEqual(parseErrorBody('gateway down'), { code: '', message: '' });
});

test('any text is a listing or an AppError', () => {
  const pieces = fc.constantFrom(
    '<ListBucketResult>',
    '</ListBucketResult>',
    '<Contents>',
    '</Contents>',
    '<Key>',
    '</Key>',
    '<Size>',
    '</Size>',
    '9',
    '-1',
    'a',
    '&#x110000;',
    '%',
    '<EncodingType>url</EncodingType>',
    '<IsTruncated>true</IsTruncated>',
    '<LastModified>2026-01-10T12:00:00Z</LastModified>',
  );
  fc.assert(
    fc.property(fc.array(fc.oneof(pieces, fc.string({ maxLength: 4 })), { maxLength: 30 }), (parts) => {
      try {
        parseListing(`<ListBucketResult>${parts.join('')}</ListBucketResult>`);
      } catch (thrown) {
        return thrown instanceof AppError;
      }
      return true;
    }),
  );
});

test('a listing that repeats itself or strays is an error', async () => {
  const drain = async (page: PageReader): Promise<void> => {
    for await (const object of listObjects(page, 'root/', 't/', undefined)) assert.ok(object.key.startsWith('t/'));
  };
  await assert.rejects(
    drain(async () => ({ objects: [], commonPrefixes: [], nextToken: 'same' })),
    { code: 'internal' },
  );
  const stray = async () => ({ objects: [], commonPrefixes: ['elsewhere/'], nextToken: undefined });
  await assert.rejects(listFolders(stray, 'root/', '', undefined), { code: 'internal' });
});

test('errors of S3 have one code each', () => {
  const code = (status: number, name: string) => toS3Error({ status, code: name, message: '', object: 's3://b/k' }).code;
  assert.equal(code(404, 'NoSuchKey'), 'not_found');
  assert.equal(code(404, ''), 'not_found');
  assert.equal(code(404, 'NoSuchBucket'), 'config');
  assert.equal(code(416, 'InvalidRange'), 'corrupt_block');
  assert.equal(code(403, 'AccessDenied'), 'config');
  assert.equal(code(503, 'SlowDown'), 'unavailable');
  assert.equal(code(200, 'InternalError'), 'unavailable');
  assert.equal(code(0, 'ECONNREFUSED'), 'unavailable');
  assert.equal(code(400, 'InvalidArgument'), 'internal');
});

test('stores that are not supported say so', async () => {
  const context = { clock: systemClock, random: () => 0, env: {} };
  await assert.rejects(createBackend({ kind: 'tape' } as never, context), { code: 'config' });
  await assert.rejects(createBackend({ kind: 'local', path: '' }, context), { code: 'config' });
});
