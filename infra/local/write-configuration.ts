// Writes docs/configuration.md from the schema: npm run docs:configuration.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { configurationReference } from '../../querier/config/reference.ts';

writeFileSync(join(import.meta.dirname, '../../docs/configuration.md'), configurationReference());
