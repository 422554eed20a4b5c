import { readFile } from 'node:fs/promises';
import { createSecureContext } from 'node:tls';
import { AppError, toAppError } from '#engine/base/errors.ts';
import type { ConnectionTls } from '../worker/frontend-connection.ts';
import { flag, text, type Values } from './typed-values.ts';

const section = 'querier.frontend_worker.grpc_client_config';

async function pem(values: Values, name: string): Promise<string> {
  const file = text(values, `${section}.${name}`);
  if (file === '') return '';
  try {
    return await readFile(file, 'utf8');
  } catch (thrown) {
    throw new AppError('config', `${section}.${name}: ${toAppError(thrown).message}`, { cause: thrown });
  }
}

/** How a querier checks its frontends, and proves itself to them: `frontend_worker.grpc_client_config.tls_*` (spec config §5). Rejects with `config`. */
export async function workerTls(values: Values): Promise<ConnectionTls | undefined> {
  if (!flag(values, `${section}.tls_enabled`)) return undefined;
  const [ca, cert, key] = await Promise.all(['tls_ca_path', 'tls_cert_path', 'tls_key_path'].map((name) => pem(values, name)));
  const servername = text(values, `${section}.tls_server_name`);
  const tls: ConnectionTls = {
    ...(ca === '' ? {} : { ca }),
    ...(cert === '' ? {} : { cert }),
    ...(key === '' ? {} : { key }),
    ...(servername === '' ? {} : { servername }),
    rejectUnauthorized: !flag(values, `${section}.tls_insecure_skip_verify`),
  };
  try {
    createSecureContext(tls);
  } catch (thrown) {
    throw new AppError('config', `${section}: ${toAppError(thrown).message}`, { cause: thrown });
  }
  return tls;
}
