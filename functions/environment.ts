import { createJobEnvironment, type JobEnvironment } from '#engine/jobs/environment.ts';
import { memoryConfig, storageConfig } from './config.ts';
import type { FunctionContext } from './open-backend.ts';

/** Creates what the jobs of this process share, as the environment says, without calling the store. Throws `config`. */
export async function createFunctionEnvironment(context: FunctionContext): Promise<JobEnvironment> {
  const { openBackend } = await import('./open-backend.ts');
  const backend = await openBackend(storageConfig(context.env), context);
  const { maxConcurrentJobs, maxJobBytes, cacheBytes } = memoryConfig(context.env, context.memoryLimitBytes);
  return createJobEnvironment({ backend, maxMemoryBytes: maxJobBytes, cacheBytes, maxConcurrentJobs });
}
