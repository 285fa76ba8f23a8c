/**
 * Writes the dashboards as JSON next to this folder (npm run dashboards), or checks that they are up to date (--
 * --check).
 */

import { readFileSync, writeFileSync } from 'node:fs';
import { compareRuns } from './compare-runs.ts';
import { upgradeNight } from './upgrade-night.ts';

const DASHBOARDS = { 'rollwatch-upgrade-night.json': upgradeNight, 'rollwatch-compare-runs.json': compareRuns };

const check = process.argv.includes('--check');
for (const [name, build] of Object.entries(DASHBOARDS)) {
  const file = new URL(`../${name}`, import.meta.url);
  const text = `${JSON.stringify(build(), null, 2)}\n`;
  if (!check) writeFileSync(file, text);
  else if (readFileSync(file, 'utf8') !== text) {
    console.error(`dashboards/grafana/${name} is out of date: run npm run dashboards`);
    process.exitCode = 1;
  }
}
