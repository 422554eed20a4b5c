import { readFile } from 'node:fs/promises';
import { createSecureContext } from 'node:tls';
import { AppError, toAppError } from '#engine/base/errors.ts';
import type { PortTls } from '../server/tls.ts';
import type { ConfigValue } from './schema/key.ts';

type Values = ReadonlyMap<string, ConfigValue>;

/** Go's names of `client_auth_type`: whether a certificate is asked for, and whether it must be a good one. */
const clientAuth: Readonly<Record<string, { readonly requestCert: boolean; readonly rejectUnauthorized: boolean }>> = {
  '': { requestCert: false, rejectUnauthorized: false },
  NoClientCert: { requestCert: false, rejectUnauthorized: false },
  RequestClientCert: { requestCert: true, rejectUnauthorized: false },
  RequireAndVerifyClientCert: { requestCert: true, rejectUnauthorized: true },
};

const versions: Readonly<Record<string, NonNullable<PortTls['minVersion']>>> = {
  '': 'TLSv1.2',
  VersionTLS10: 'TLSv1',
  VersionTLS11: 'TLSv1.1',
  VersionTLS12: 'TLSv1.2',
  VersionTLS13: 'TLSv1.3',
};

/** A cipher suite of TLS 1.2 by Go's name as OpenSSL calls it; those of TLS 1.3 keep theirs. Undefined where it is unknown. */
function cipherName(suite: string): string | undefined {
  const name = suite.trim();
  if (/^TLS_(AES_\d+_GCM|CHACHA20_POLY1305)_SHA\d+$/.test(name)) return name;
  const gcm = /^TLS_ECDHE_(RSA|ECDSA)_WITH_AES_(128|256)_GCM_(SHA\d+)$/.exec(name);
  if (gcm !== null) return `ECDHE-${gcm[1]}-AES${gcm[2]}-GCM-${gcm[3]}`;
  const chacha = /^TLS_ECDHE_(RSA|ECDSA)_WITH_CHACHA20_POLY1305(_SHA256)?$/.exec(name);
  return chacha === null ? undefined : `ECDHE-${chacha[1]}-CHACHA20-POLY1305`;
}

async function pem(values: Values, section: string, name: string): Promise<string> {
  const inline = values.get(`${section}.${name}`) as string;
  if (inline !== '') return inline;
  const path = `${section}.${name}_file`;
  const file = values.get(path) as string;
  if (file === '') return '';
  try {
    return await readFile(file, 'utf8');
  } catch (thrown) {
    throw new AppError('config', `${path}: ${toAppError(thrown).message}`, { cause: thrown });
  }
}

/** Reads `http_tls_config` or `grpc_tls_config` of a server; undefined where the port speaks plainly. Rejects with `config` where it cannot be served. */
export async function serverTls(
  values: Values,
  port: 'http' | 'grpc',
  server: 'server' | 'internal_server' = 'server',
): Promise<PortTls | undefined> {
  const section = `${server}.${port}_tls_config`;
  const [cert, key, ca] = await Promise.all(['cert', 'key', 'client_ca'].map((name) => pem(values, section, name)));
  const authType = values.get(`${section}.client_auth_type`) as string;
  if (cert === '' && key === '' && ca === '' && authType === '') return undefined;
  if (cert === '' || key === '') throw new AppError('config', `${section} needs both a certificate and a key`);
  const auth = clientAuth[authType];
  if (auth === undefined) {
    throw new AppError('config', `${section}.client_auth_type ${authType} is none of ${Object.keys(clientAuth).slice(1).join(', ')}`);
  }
  const version = values.get(`${server}.tls_min_version`) as string;
  const minVersion = versions[version];
  if (minVersion === undefined)
    throw new AppError('config', `${server}.tls_min_version ${version} is none of ${Object.keys(versions).slice(1).join(', ')}`);
  const suites = (values.get(`${server}.tls_cipher_suites`) as string).split(',').filter((suite) => suite.trim() !== '');
  const names = suites.map(cipherName);
  const unknown = suites.filter((_, index) => names[index] === undefined);
  if (unknown.length > 0) throw new AppError('config', `${server}.tls_cipher_suites: ${unknown.join(', ')} is not supported`);
  const tls: PortTls = {
    cert,
    key,
    ...(ca === '' ? {} : { ca }),
    ...auth,
    minVersion,
    ...(names.length > 0 && { ciphers: names.join(':') }),
  };
  try {
    createSecureContext(tls);
  } catch (thrown) {
    throw new AppError('config', `${section}: ${toAppError(thrown).message}`, { cause: thrown });
  }
  return tls;
}
