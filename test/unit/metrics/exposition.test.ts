import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { createMetrics } from '../../../src/metrics/metrics.ts';
import { readFamilies } from '../../support/exposition.ts';
import { BOOT, LIST_KEPT, LIST_NEW, live, liveSeries, summary, TOKEN, wholeVerdict } from '../../support/live.ts';
import { failedSample, okSample } from '../../support/samples.ts';
import { phaseVerdict } from '../../support/verdicts.ts';

const all = [LIST_NEW, LIST_KEPT, BOOT, TOKEN];

async function exposition(): Promise<string> {
  const metrics = createMetrics({ version: '0.1.0' });
  const base = live();
  metrics.update({
    ...base,
    phase: 'maintenance',
    phases: ['maintenance'],
    series: all.map((series) => liveSeries({ series })),
    report: {
      ...base.report,
      probes: all.map((series) => summary({ series })),
      verdict: wholeVerdict({ plan: 'night', result: 'fail', phases: [phaseVerdict()] }),
    },
  });
  metrics.observe({ ...okSample({ seq: 0, at: 0 }, 42), cloud: 'prod"\\\n', stages: { connect: 0.01 } });
  metrics.observe(failedSample({ seq: 1, at: 1000 }));
  return metrics.text();
}

const promtool = spawnSync('promtool', ['--version']).status === 0;
if (!promtool) console.warn('skipped: promtool is not installed (Debian: apt-get install prometheus)');

describe('the text of /metrics', () => {
  it.skipIf(!promtool)('has nothing for promtool to say', async () => {
    const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], {
      input: await exposition(),
      encoding: 'utf8',
    });
    expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: '', stderr: '' });
  });

  it('has the metrics with the types and labels that docs/metrics.md tells, and no others', async () => {
    const ours = [...readFamilies(await exposition())]
      .filter(([name]) => name.startsWith('rollwatch_'))
      .map(([name, { type, labels }]) => ({ name, type, labels: labels.toSorted() }));
    expect(documented().toSorted(byName)).toEqual(ours.toSorted(byName));
  });
});

const byName = (a: { name: string }, b: { name: string }) => a.name.localeCompare(b.name);

/** The rows of the tables: `name` | type | labels | meaning. 'series' and 'place' stand for the label sets told above them. */
function documented(): { name: string; type: string; labels: readonly string[] }[] {
  const text = readFileSync(new URL('../../../docs/metrics.md', import.meta.url), 'utf8');
  const sets: Record<string, readonly string[]> = {
    series: ['cloud', 'vantage', 'probe', 'connection'],
    place: ['cloud', 'vantage'],
  };
  return [...text.matchAll(/^\| `(rollwatch_\w+)` \| (\w+) \|([^|]*)\|/gm)].map(
    ([, name = '', type = '', cell = '']) => ({
      name,
      type,
      labels: [...cell.matchAll(/\w+/g)].flatMap(([word]) => sets[word] ?? [word]).toSorted(),
    }),
  );
}
