// `npm run build:dashboards`: writes the dashboard from its panels (panels.ts). The result is committed, so that it can be imported by hand.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { dashboardJson } from './dashboard.ts';

writeFileSync(join(import.meta.dirname, 'grafana/dashboards/tail-and-spill.json'), `${JSON.stringify(dashboardJson(), undefined, 2)}\n`);
