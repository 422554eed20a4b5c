import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const path = join(import.meta.dirname, '../../docs/spill-and-hedge.md');

/** Puts the figures of a run between the marks `<!-- name -->` and `<!-- /name -->` of docs/spill-and-hedge.md. Throws when they are not there. */
export function putIntoDocument(name: string, text: string): void {
  const document = readFileSync(path, 'utf8');
  const [from, to] = [`<!-- ${name} -->`, `<!-- /${name} -->`];
  const [start, end] = [document.indexOf(from), document.indexOf(to)];
  if (start < 0 || end < start) throw new Error(`${path} has no marks ${from} … ${to}`);
  writeFileSync(path, `${document.slice(0, start)}${from}\n\n${text}\n\n${document.slice(end)}`);
}
