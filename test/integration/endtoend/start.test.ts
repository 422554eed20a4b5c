// `npm start` from the outside: what a newcomer sees, and that nothing is left behind.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { test } from 'node:test';

const root = join(import.meta.dirname, '../../..');

async function answers(url: string): Promise<boolean> {
  return fetch(url).then(
    () => true,
    () => false,
  );
}

test('npm start serves the sample, spills some jobs, and ends all processes on Ctrl-C', async (t) => {
  const child = spawn(process.execPath, ['infra/local/start.ts'], { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
  t.after(() => child.kill('SIGKILL'));
  let output = '';
  const started = new Promise<void>((resolve, reject) => {
    const read = (chunk: Buffer): void => {
      output += chunk.toString();
      if (output.includes('Ctrl-C ends')) resolve();
    };
    child.stdout.on('data', read);
    child.stderr.on('data', read);
    child.once('exit', () => reject(new Error(`npm start ended:\n${output}`)));
  });
  await started;

  const urls = [...output.matchAll(/^ {2}(function-1|function-2|rubato) +(http:\S+)$/gm)].map(([, , url]) => url!);
  assert.equal(urls.length, 3, output);
  const jobs = [...output.matchAll(/^ {2}block \S+, row groups? \S+ +(\S+) +[\d.]+ +\d+ +\d+$/gm)].map(([, place]) => place);
  assert.ok(jobs.length >= 6, output);
  assert.ok(jobs.includes('querier') && jobs.some((place) => place?.startsWith('function-')), `jobs ran in ${jobs.join(', ')}`);
  assert.match(output, /^[1-9]\d* traces, [1-9]\d* spans in \d+ ms/m);
  const [, server] = /Grafana: .* the URL (http:\S+) /.exec(output)!;
  const response = await fetch(`${server}/api/search?q=%7B%7D&start=1768046400&end=1768050000&limit=5`);
  assert.equal(((await response.json()) as { traces: unknown[] }).traces.length, 5);

  child.removeAllListeners('exit');
  const ended = once(child, 'exit');
  child.kill('SIGINT');
  assert.deepEqual(await ended, [0, null]);
  for (const url of urls) assert.equal(await answers(url), false, `${url} still answers`);
});
