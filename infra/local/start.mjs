// `npm start`: prepares the clone and runs start.ts under the project's own Node, passing signals on to it.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { pinnedNode } from './prepare.mjs';

const script = join(fileURLToPath(import.meta.url), '../start.ts');
const child = spawn(pinnedNode, [script, ...process.argv.slice(2)], { stdio: 'inherit' });
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
child.on('exit', (code, signal) => {
  process.exitCode = code ?? (signal === null ? 1 : 130);
});
