import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { AppError } from '#engine/base/errors.ts';
import type { Environment } from './s3-options.ts';
import type { AwsCredentials } from './sigv4.ts';

/**
 * Static keys of a profile in AWS_SHARED_CREDENTIALS_FILE or ~/.aws/credentials; undefined when there is no file, or no such profile and none was asked for.
 * Throws `config` for a profile that AWS_PROFILE names and that is not there, and for one that has no keys.
 */
export async function readProfile(env: Environment): Promise<AwsCredentials | undefined> {
  const file = env.AWS_SHARED_CREDENTIALS_FILE || (env.HOME ? path.join(env.HOME, '.aws', 'credentials') : '');
  const name = env.AWS_PROFILE || 'default';
  let text = '';
  try {
    text = await readFile(file, 'utf8');
  } catch (cause) {
    if (env.AWS_PROFILE || env.AWS_SHARED_CREDENTIALS_FILE)
      throw new AppError('config', `cannot read ${file}, which AWS_PROFILE or AWS_SHARED_CREDENTIALS_FILE asks for`, { cause });
    return undefined;
  }
  const section = sections(text).get(name);
  if (section === undefined) {
    if (env.AWS_PROFILE) throw new AppError('config', `${file} has no profile ${name}`);
    return undefined;
  }
  const accessKeyId = section.get('aws_access_key_id');
  const secretAccessKey = section.get('aws_secret_access_key');
  const sessionToken = section.get('aws_session_token');
  if (!accessKeyId || !secretAccessKey)
    throw new AppError('config', `profile ${name} in ${file} needs aws_access_key_id and aws_secret_access_key; other kinds are not read`);
  return { accessKeyId, secretAccessKey, ...(sessionToken ? { sessionToken } : {}) };
}

/** The sections of an INI file. */
function sections(text: string): ReadonlyMap<string, ReadonlyMap<string, string>> {
  const found = new Map<string, Map<string, string>>();
  let current = new Map<string, string>();
  for (const line of text.split(/\r?\n/)) {
    const header = /^\s*\[\s*(.+?)\s*\]/.exec(line)?.[1];
    const setting = /^\s*([A-Za-z0-9_.-]+)\s*=\s*(.*?)\s*$/.exec(line);
    if (header !== undefined) {
      current = new Map();
      found.set(header, current);
    } else if (setting !== null) current.set(setting[1]!, setting[2]!);
  }
  return found;
}
